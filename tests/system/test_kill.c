/*
 * test_kill - what has been acknowledged arrives, whatever ends the server:
 * kill -9 and SIGTERM under load, with an account of every message.
 */
#include <stdlib.h>

#include "tests/support/load.h"
#include "tests/support/suite.h"

enum {
	KILLS = 10, /* CRASH_KILLS, where make crash wants more */
	WAVES = 10,
	SECONDS_PER_KILL = 10,
};

static int
kills(void)
{
	const char *text = getenv("CRASH_KILLS");
	int count = text == NULL ? KILLS : atoi(text);

	return count < 1 ? KILLS : count;
}

START_TEST(all_that_was_acknowledged_survives_kill_9)
{
	struct load load;
	int i, count = kills();

	load_make(&load, NULL);
	load_start(&load);
	for (i = 0; i < count; i++) {
		load_wait(&load, 20 + (size_t)(i % WAVES) * 7);
		daemon_kill(load.daemon);
		daemon_start(load.daemon);
	}
	load_wait(&load, 20);
	load_end(&load, "kill -9");
}
END_TEST

START_TEST(all_that_was_acknowledged_survives_sigterm)
{
	struct load load;
	int i;

	load_make(&load, NULL);
	load_start(&load);
	for (i = 0; i < 3; i++) {
		load_wait(&load, 30 + (size_t)i * 11);
		daemon_stop(load.daemon);
		daemon_start(load.daemon);
	}
	load_wait(&load, 20);
	load_end(&load, "SIGTERM");
}
END_TEST

START_TEST(mail_that_waits_for_a_dead_next_hop_survives_kill_9)
{
	struct load load;

	load_make(&load, NULL);
	load_start(&load);
	load_wait(&load, 10);
	hop_sleep(load.hop);
	load_wait(&load, 50);
	daemon_kill(load.daemon);
	daemon_start(load.daemon);
	load_wait(&load, 20);
	hop_wake(load.hop);
	load_end(&load, "kill -9 with a dead next hop");
}
END_TEST

static Suite *
kill_suite(void)
{
	Suite *suite = suite_create("ends");
	TCase *tcase = tcase_create("ends");

	tcase_set_timeout(tcase, 180 + kills() * SECONDS_PER_KILL);
	tcase_add_test(tcase, all_that_was_acknowledged_survives_kill_9);
	tcase_add_test(tcase, all_that_was_acknowledged_survives_sigterm);
	tcase_add_test(tcase,
	    mail_that_waits_for_a_dead_next_hop_survives_kill_9);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(kill_suite)
