/*
 * test_exim_hop - a real Exim takes relayd's mail, and refuses some of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/exim.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PATIENCE_MS = 60000,
	STEP_MS = 50,
	MESSAGES = 30,
};

static struct exim *exim;
static struct daemon *daemon_;

static void
setup(void)
{
	struct daemon_setup daemon_setup = { .hosted = NULL };
	char hosted[256], more[256];

	exim = exim_new();
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u tls=require\n"
	    "known.test via=[127.0.0.1]:%u tls=verify\n"
	    "clear.test via=[127.0.0.1]:%u tls=off\n",
	    (unsigned)exim_port(exim), (unsigned)exim_port(exim),
	    (unsigned)exim_port(exim));
	daemon_setup.hosted = hosted;
	snprintf(more, sizeof(more), "tls = { ca = \"%s\"; };",
	    exim_authority(exim));
	daemon_setup.more = more;
	daemon_ = daemon_new(&daemon_setup);
	daemon_start(daemon_);
}

static void
teardown(void)
{
	daemon_free(daemon_);
	exim_free(exim);
}

/* So many of its messages hold the text, and no more. */
static void
assert_kept(const char *text, int count)
{
	int left = PATIENCE_MS / STEP_MS;

	while (exim_kept(exim, text) < count && left-- > 0)
		usleep(STEP_MS * 1000);
	ck_assert_int_eq(exim_kept(exim, text), count);
}

static void
greet(struct talk *talk)
{
	ck_assert(talk_open(talk, NULL, daemon_port(daemon_)));
	ck_assert_int_eq(talk_reply(talk), 220);
	ck_assert_int_eq(talk_say(talk, "EHLO lab.test"), 250);
}

static const struct {
	const char *a, *b;
	const char *kept;
	const char *logged; /* of every delivery */
} over[] = {
	{ "a@campus.test", "b@campus.test",
	    "Envelope-to: a@campus.test,\r\n b@campus.test", " tls=TLSv1.3/" },
	{ "a@known.test", "b@known.test",
	    "Envelope-to: a@known.test,\r\n b@known.test", " verified=yes " },
	{ "a@clear.test", "b@clear.test",
	    "Envelope-to: a@clear.test,\r\n b@clear.test", "250 OK" },
};

START_TEST(exim_takes_many_messages_and_every_byte_of_them)
{
	const char *const to[] = { over[_i].a, over[_i].b, NULL };
	struct talk talk;
	char text[200];
	int i;

	greet(&talk);
	for (i = 0; i < MESSAGES; i++) {
		snprintf(text, sizeof(text),
		    "Subject: number %d\r\n\r\n.dot\r\n..\r\n"
		    "From w\xc3\xbcrzburg %d\r\n",
		    i, i);
		ck_assert_int_eq(talk_mail(&talk, "lab@campus.test", to,
				     span_of(text)),
		    250);
	}
	talk_close(&talk);
	assert_kept("\r\n\r\n.dot\r\n..\r\nFrom w\xc3\xbcrzburg ", MESSAGES);
	assert_kept(over[_i].kept, MESSAGES);
	ck_assert_int_eq(daemon_logged(daemon_, "event=deferred", NULL), 0);
	ck_assert_int_eq(daemon_logged(daemon_, "event=failed", NULL), 0);
	ck_assert_int_eq(daemon_logged(daemon_, "event=delivered",
			     over[_i].logged, NULL),
	    MESSAGES);
	ck_assert_int_eq(daemon_logged(daemon_, "event=delivered", " tls=TLS",
			     NULL),
	    (_i == 2 ? 0 : MESSAGES));
}
END_TEST

START_TEST(each_recipient_hears_its_own_answer)
{
	static const char *const to[] = { "a@campus.test", "never@campus.test",
		"later@campus.test", "b@campus.test", NULL };
	struct talk talk;

	greet(&talk);
	ck_assert_int_eq(talk_mail(&talk, "lab@campus.test", to,
			     SPAN("Subject: four\r\n\r\nhi\r\n")),
	    250);
	talk_close(&talk);
	daemon_wait_log(daemon_, "event=failed", "never@campus.test", "5.1.1",
	    NULL);
	daemon_wait_log(daemon_, "event=deferred", "later@campus.test", "4.2.1",
	    NULL);
	assert_kept("Subject: four", 2); /* and the notice, which quotes it */
	assert_kept("Action: failed", 1);
	ck_assert_int_eq(exim_kept(exim,
			     "Final-Recipient: rfc822; "
			     "never@campus.test"),
	    1);
	ck_assert_int_eq(daemon_logged(daemon_, "event=delivered",
			     "to=a@campus.test rcpts=2", NULL),
	    1);
}
END_TEST

START_TEST(what_is_too_big_for_exim_comes_back)
{
	static const char *const to[] = { "a@campus.test", NULL };
	static char text[EXIM_SIZE + 4096];
	struct talk talk;
	size_t at;

	at = (size_t)snprintf(text, sizeof(text), "Subject: big\r\n\r\n");
	while (at + 66 < sizeof(text)) {
		memset(text + at, 'x', 62);
		memcpy(text + at + 62, "\r\n", 3);
		at += 64;
	}
	greet(&talk);
	ck_assert_int_eq(talk_mail(&talk, "lab@campus.test", to,
			     span_make(text, at)),
	    250);
	talk_close(&talk);
	daemon_wait_log(daemon_, "event=failed", "a@campus.test", "5.3.4",
	    NULL);
	assert_kept("Status: 5.3.4", 1);
}
END_TEST

static Suite *
exim_hop_suite(void)
{
	Suite *suite = suite_create("exim_hop");
	TCase *tcase = tcase_create("exim");

	if (geteuid() != 0) {
		puts("skipped: Exim is started by root");
		return suite;
	}
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    exim_takes_many_messages_and_every_byte_of_them, 0, 3);
	tcase_add_test(tcase, each_recipient_hears_its_own_answer);
	tcase_add_test(tcase, what_is_too_big_for_exim_comes_back);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(exim_hop_suite)
