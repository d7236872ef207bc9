/*
 * test_line - which addresses of a host are tried, and when, in virtual time.
 */
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

#define HOSTED "campus.test via=dual,backup\n"

static struct far_host reached[3]; /* by v6, by v4, and the next hop */

static void
setup(void)
{
	reached[0] = (struct far_host){ .name = "dual6" };
	reached[1] = (struct far_host){ .name = "dual4" };
	reached[2] = (struct far_host){ .name = "backup" };
	sending_open(&sending, HOSTED, reached, 3);
}

static void
teardown(void)
{
	sending_close(&sending);
}

START_TEST(v6_alone_is_used_when_it_answers)
{
	reached[0].connect_ms = 100;
	sending_many(&sending, "a@campus.test", 20);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(reached[0].delivered, 20);
	ck_assert_uint_eq(reached[1].connects, 0);
}
END_TEST

START_TEST(family_that_is_silent_costs_little_and_once)
{
	reached[0].connect_ms = 30 * SECOND;
	reached[0].down = "connection timed out";
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(reached[1].delivered, 1);
	ck_assert_uint_eq(reached[0].open, 0);
	ck_assert_uint_eq(reached[2].connects, 0);
	/* It is known now: the next connection begins with the other. */
	sending_run(&sending, 30 * SECOND);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 20);
	ck_assert_uint_eq(reached[1].delivered, 2);
	ck_assert_uint_eq(reached[0].connects, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    0);
}
END_TEST

START_TEST(first_to_greet_is_used_though_it_was_tried_first)
{
	reached[0].connect_ms = 700;
	reached[1].connect_ms = 20 * SECOND;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(reached[0].delivered, 1);
	ck_assert_uint_eq(reached[1].connects, 1);
	ck_assert_uint_eq(reached[1].open, 0);
}
END_TEST

START_TEST(next_hop_is_tried_when_both_have_failed)
{
	reached[0].connect_ms = 3 * SECOND;
	reached[1].connect_ms = (unsigned)(_i == 0 ? SECOND : 5 * SECOND);
	reached[0].down = reached[1].down = "connection timed out";
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 2900);
	ck_assert_uint_eq(reached[2].connects, 0);
	sending_run(&sending, 4 * SECOND);
	ck_assert_uint_eq(reached[2].delivered, 1);
	ck_assert_uint_eq(reached[0].connects, 1);
	ck_assert_uint_eq(reached[1].connects, 1);
}
END_TEST

/* It greets, and that is all: each session ends with nothing or with 421. */
static bool
break_off(struct far_host *host, struct client_job *job)
{
	bool says = host->owner != NULL;

	far_side_say(job, OUTCOME_LATER, says ? 421 : 0,
	    says ? "4.3.2" : "4.4.2", "gone");
	return false;
}

START_TEST(address_that_greets_and_breaks_off_is_tried_behind_the_others)
{
	size_t i, bad = _i < 2 ? 1 : 2;

	for (i = 0; i < bad; i++) {
		reached[i].answer = break_off;
		reached[i].owner = _i % 2 == 0 ? NULL : &reached[i];
	}
	sending_many(&sending, "a@campus.test", 10);
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(reached[bad].delivered, 10);
	ck_assert_uint_le(reached[0].jobs, 10);
	/* and first again when some time has passed */
	sending_run(&sending, HOUR);
	reached[0].answer = NULL;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(reached[0].delivered, 1);
}
END_TEST

START_TEST(all_that_are_silent_are_one_probe)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		reached[i].connect_ms = 30 * SECOND;
		reached[i].down = "connection timed out";
	}
	sending_many(&sending, "a@campus.test", 100);
	sending_run(&sending, 62 * SECOND);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(reached[i].connects, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    1);
}
END_TEST

START_TEST(end_or_reload_while_both_are_tried_leaks_nothing)
{
	reached[0].connect_ms = reached[1].connect_ms = 30 * SECOND;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(reached[0].open + reached[1].open, 2);
	if (_i == 1)
		sending_reload(&sending, "campus.test via=backup\n");
	if (_i == 1)
		sending_run(&sending, 40 * SECOND);
	if (_i == 1)
		ck_assert_uint_eq(reached[2].delivered, 1);
}
END_TEST

static Suite *
line_suite(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, v6_alone_is_used_when_it_answers);
	tcase_add_test(tcase, family_that_is_silent_costs_little_and_once);
	tcase_add_test(tcase, first_to_greet_is_used_though_it_was_tried_first);
	tcase_add_loop_test(tcase, next_hop_is_tried_when_both_have_failed, 0,
	    2);
	tcase_add_loop_test(tcase,
	    address_that_greets_and_breaks_off_is_tried_behind_the_others, 0,
	    4);
	tcase_add_test(tcase, all_that_are_silent_are_one_probe);
	tcase_add_loop_test(tcase,
	    end_or_reload_while_both_are_tried_leaks_nothing, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(line_suite)
