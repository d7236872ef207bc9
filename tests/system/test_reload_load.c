/*
 * test_reload_load - tables and configuration change again and again under
 * load, and are broken in between: nothing is lost, nobody is wrongly refused or
 * let in.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/load.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	ROUNDS = 15,
	FILLERS = 10000, /* lines, so that a reload takes a while */
	PROBES = 10,     /* transactions in a round */
};

#define GRANTED "127.0.0.2"
#define OTHER   "127.0.0.3"

static struct load load;

/* A client that asks and sends nothing; it stays over all reloads. */
static void
greet(struct talk *talk, const char *from)
{
	ck_assert(talk_open(talk, from, daemon_port(load.daemon)));
	ck_assert_int_eq(talk_reply(talk), 220);
	ck_assert_int_eq(talk_say(talk, "EHLO probe.test"), 250);
}

static void
probe(struct talk *talk, int outside)
{
	ck_assert_int_eq(talk_say(talk, "MAIL FROM:<probe@campus.test>"), 250);
	ck_assert_int_eq(talk_say(talk, "RCPT TO:<a@campus.test>"), 250);
	ck_assert_int_eq(talk_say(talk, "RCPT TO:<a@out.example>"), outside);
	ck_assert_int_eq(talk_say(talk, "RSET"), 250);
}

/* What differs from round to round, but not for the two who ask. */
static void
write_tables(int round)
{
	struct buf text;
	int i;

	buf_init(&text, 1 << 20);
	for (i = 0; i < FILLERS; i++)
		buf_addf(&text, "10.%d.%d.%d\n", round, i >> 8, i & 255);
	buf_addf(&text, GRANTED " note=%d\n", round);
	if (round % 3 == 1)
		buf_addf(&text, OTHER "\n127.0.0.0/33\n"); /* broken */
	daemon_write(load.daemon, "allowlist", buf_text(&text));
	buf_clear(&text);
}

START_TEST(reloads_under_load_lose_nothing_and_judge_nobody_wrongly)
{
	struct talk granted, other;
	int round, i;

	load_make(&load, NULL);
	load_start(&load);
	greet(&granted, GRANTED);
	greet(&other, OTHER);
	for (round = 0; round < ROUNDS; round++) {
		write_tables(round);
		ck_assert_int_eq(kill(daemon_pid(load.daemon), SIGHUP), 0);
		for (i = 0; i < PROBES; i++) {
			probe(&granted, 250);
			probe(&other, 550);
		}
		load_wait(&load, 10);
	}
	daemon_wait_log(load.daemon, "event=reloaded", NULL);
	daemon_wait_log(load.daemon, "event=reload-failed", "33", NULL);
	ck_assert_int_eq(daemon_logged(load.daemon, "event=refused",
			     "from=printer@campus.test", NULL),
	    0);
	talk_close(&granted);
	talk_close(&other);
	load_end(&load, "reloads");
}
END_TEST

static Suite *
reload_load_suite(void)
{
	Suite *suite = suite_create("reload_load");
	TCase *tcase = tcase_create("reload");

	tcase_set_timeout(tcase, 180);
	tcase_add_test(tcase,
	    reloads_under_load_lose_nothing_and_judge_nobody_wrongly);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(reload_load_suite)
