/*
 * test_outage - a next hop is dead for a while and much mail waits for it:
 * a few probes, nobody else delayed, and then everything arrives once.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	WAITING = 600,
	OTHERS = 20,
	CONNECTIONS = 5,
	PROBES_MAX = 30, /* a second apart, a minute at the worst */
	FIRST = 20,
	PATIENCE_MS = 60000,
};

static struct hop *dead, *alive;
static struct daemon *daemon_;

static void
setup(void)
{
	struct daemon_setup daemon_setup = {
		.delivery = "retry_first = \"1s\"; retry_max = \"2s\"; "
			    "connections_per_destination = 5;",
	};
	char hosted[128];

	dead = hop_new(NULL);
	alive = hop_new(NULL);
	hop_sleep(dead);
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\n"
	    "scan.test via=[127.0.0.1]:%u\n"
	    "lab.test via=[127.0.0.1]:%u\n",
	    (unsigned)hop_port(dead), (unsigned)hop_port(dead),
	    (unsigned)hop_port(alive));
	daemon_setup.hosted = hosted;
	daemon_ = daemon_new(&daemon_setup);
	daemon_start(daemon_);
}

static void
teardown(void)
{
	daemon_free(daemon_);
	hop_free(dead);
	hop_free(alive);
}

/* So many messages on one connection, each with its number. */
static void
send_many(const char *sender, const char *domain, int count)
{
	char address[64], text[64];
	const char *const to[] = { address, NULL };
	struct talk talk;
	int i;

	ck_assert(talk_open(&talk, NULL, daemon_port(daemon_)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO lab.test"), 250);
	for (i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "n%d@%s", i, domain);
		snprintf(text, sizeof(text), "Subject: %d\r\n\r\n", i);
		ck_assert_int_eq(talk_mail(&talk, sender, to, span_of(text)),
		    250);
	}
	talk_close(&talk);
}

/* The one scan behind the flood went out with the first of it. */
static void
check_turns(void)
{
	size_t i = 0;

	while (memmem(hop_mail(dead, i)->mail.data, hop_mail(dead, i)->mail.len,
		   "scan@campus.test", 16) == NULL)
		i++;
	ck_assert_uint_le(i, FIRST);
}

START_TEST(dead_next_hop_costs_probes_and_loses_nothing)
{
	char address[64];
	int i;

	send_many("lab@campus.test", "campus.test", WAITING);
	send_many("scan@campus.test", "scan.test", 1);
	daemon_wait_log(daemon_, "event=destination-down", NULL);
	/* Others are not delayed by those who wait. */
	send_many("lab@campus.test", "lab.test", OTHERS);
	ck_assert(hop_wait(alive, OTHERS, PATIENCE_MS));
	ck_assert_uint_eq(hop_accepted(dead), 0);
	ck_assert_int_le(daemon_logged(daemon_, "event=destination-down", NULL),
	    PROBES_MAX);
	hop_wake(dead);
	ck_assert(hop_wait(dead, WAITING + 1, PATIENCE_MS));
	daemon_wait_log(daemon_, "event=destination-up", NULL);
	for (i = 0; i < WAITING; i++) {
		snprintf(address, sizeof(address), "n%d@campus.test", i);
		ck_assert_ptr_nonnull(hop_mail_for(dead, address, 0));
		ck_assert_ptr_null(hop_mail_for(dead, address, 1));
	}
	ck_assert_uint_eq(hop_count(dead), WAITING + 1);
	check_turns();
	/* It was let in by one, then by no more than the ceiling. */
	ck_assert_uint_le(hop_heard(dead, HOP_EHLO),
	    (size_t)CONNECTIONS + WAITING / 100 + 2);
}
END_TEST

static Suite *
outage_suite(void)
{
	Suite *suite = suite_create("outage");
	TCase *tcase = tcase_create("outage");

	tcase_set_timeout(tcase, 150);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, dead_next_hop_costs_probes_and_loses_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(outage_suite)
