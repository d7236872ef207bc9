/*
 * test_postfix_hop - a real Postfix takes relayd's mail and hands it on.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/postfix.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PATIENCE_MS = 60000,
	MESSAGES = 50,
};

static struct hop *hop;
static struct postfix *postfix;
static struct daemon *daemon_;

static void
setup(void)
{
	struct daemon_setup daemon_setup = { .hosted = NULL };
	char hosted[128];

	hop = hop_new(NULL);
	postfix = postfix_new(hop_port(hop));
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    (unsigned)postfix_port(postfix));
	daemon_setup.hosted = hosted;
	daemon_ = daemon_new(&daemon_setup);
	daemon_start(daemon_);
}

static void
teardown(void)
{
	daemon_free(daemon_);
	postfix_free(postfix);
	hop_free(hop);
}

START_TEST(postfix_takes_many_messages_and_every_byte_of_them)
{
	static const char *const to[] = { "a@campus.test", "b@campus.test",
		NULL };
	const struct hop_mail *mail;
	struct talk talk;
	char text[200];
	int i;

	ck_assert(talk_open(&talk, NULL, daemon_port(daemon_)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO lab.test"), 250);
	for (i = 0; i < MESSAGES; i++) {
		snprintf(text, sizeof(text),
		    "Subject: number %d\r\n\r\n.dot\r\n..\r\nw\xc3\xbcrzburg "
		    "%d\r\n",
		    i, i);
		ck_assert_int_eq(talk_mail(&talk, "lab@campus.test", to,
				     span_of(text)),
		    250);
	}
	talk_close(&talk);
	ck_assert(hop_wait(hop, MESSAGES, PATIENCE_MS));
	mail = hop_mail(hop, 0);
	ck_assert_uint_eq(mail->rcpt_count, 2);
	ck_assert_ptr_nonnull(
	    strstr(buf_text((struct buf *)(uintptr_t)&mail->content),
		"\r\n\r\n.dot\r\n..\r\nw\xc3\xbcrzburg "));
	ck_assert_int_eq(daemon_logged(daemon_, "event=deferred", NULL), 0);
	ck_assert_int_eq(daemon_logged(daemon_, "event=failed", NULL), 0);
}
END_TEST

static Suite *
postfix_hop_suite(void)
{
	Suite *suite = suite_create("postfix_hop");
	TCase *tcase = tcase_create("postfix");

	if (geteuid() != 0) {
		puts("skipped: Postfix is started by root");
		return suite;
	}
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase,
	    postfix_takes_many_messages_and_every_byte_of_them);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(postfix_hop_suite)
