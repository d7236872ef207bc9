/*
 * test_five_days - what a message's whole lifetime looks like from outside:
 * how often it is tried, who is told what and when, how it ends.
 */
#include "relayd/delivery/backoff.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

enum {
	LIFETIME_S = 5 * 24 * 3600,
	SEEDS = 8,
	SLACK_MS = 1000, /* a tick of the schedule and the try itself */
};

/*
 * How many tries fit the lifetime when each wait is the shortest, or the
 * longest, that its jitter allows.
 */
static size_t
tries(int64_t first, int64_t max, bool shortest)
{
	uint64_t now = 0, wait;
	unsigned count = 0;

	while (now < (uint64_t)LIFETIME_S * 1000) {
		count++;
		wait = backoff_ms(first, max, count, 0);
		if (!shortest) /* 0.75 of it, and 1.25 */
			wait = wait * 5 / 3 + SLACK_MS;
		now += wait;
	}
	return count;
}

START_TEST(the_jitter_is_a_quarter_up_or_down)
{
	ck_assert_uint_eq(backoff_ms(60, 3600, 1, 0), 45000);
	ck_assert_uint_eq(backoff_ms(60, 3600, 1, 30000), 75000);
	ck_assert_uint_eq(backoff_ms(60, 3600, 3, 0), 4 * 45000);
	ck_assert_uint_eq(backoff_ms(60, 3600, 1000, 0), 60 * 45000);
	ck_assert_uint_eq(backoff_ms(0, -1, 1, 0), 750);
}
END_TEST

START_TEST(a_dead_hop_is_probed_by_its_back_off_for_five_days)
{
	sending.random += (uint64_t)_i << 32;
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 20);
	sending_run(&sending, (uint64_t)5 * DAY);
	/* every minute's quarter at first, every ten minutes in the end */
	ck_assert_uint_ge(hosts[0].connects, tries(60 / 4, 3600 / 6, false));
	ck_assert_uint_le(hosts[0].connects, tries(60 / 4, 3600 / 6, true));
	ck_assert_uint_eq(hosts[0].most, 1);
	sending_run(&sending, 30 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("delayed"), 20);
	ck_assert_uint_eq(far_side_told("failed"), 20);
	ck_assert_uint_eq(far_side.notices, 40);
	ck_assert_uint_eq(sending_logged(&sending, "event=failed"), 20);
	/* and from then on there is nothing to be tried for */
	hosts[0].connects = 0;
	sending_run(&sending, DAY);
	ck_assert_uint_eq(hosts[0].connects, 0);
	ck_assert_uint_eq(far_side.notices, 40);
}
END_TEST

START_TEST(a_message_that_is_put_off_is_tried_by_its_back_off_for_five_days)
{
	sending.random += (uint64_t)_i << 32;
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, (uint64_t)5 * DAY);
	ck_assert_uint_ge(hosts[0].jobs, tries(60, 3600, false));
	ck_assert_uint_le(hosts[0].jobs, tries(60, 3600, true));
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	ck_assert_uint_eq(far_side.notices, 2);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    0);
}
END_TEST

START_TEST(a_restart_every_day_changes_neither_lifetime_nor_failure)
{
	int day;

	if (_i == 0)
		hosts[0].down = "connection refused";
	else
		hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	for (day = 0; day < 5; day++) {
		ck_assert_uint_eq(sending_owed(&sending), 1);
		ck_assert_uint_eq(far_side_told("failed"), 0);
		sending_run(&sending, DAY - MINUTE);
		sending_restart(&sending);
	}
	sending_run(&sending, 30 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	/* Which of a day's delays were told is not written down. */
	ck_assert_uint_ge(far_side_told("delayed"), 1);
	ck_assert_uint_le(far_side_told("delayed"), 5);
}
END_TEST

START_TEST(a_hop_that_comes_back_is_ramped_up_and_not_stampeded)
{
	size_t allowed = 1, seconds;

	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 5000);
	sending_run(&sending, 3 * (uint64_t)DAY);
	ck_assert_uint_eq(sending_owed(&sending), 5000);
	hosts[0].down = NULL;
	hosts[0].answer_ms = SECOND;
	while (hosts[0].open == 0)
		sending_run(&sending, 100);
	/* one more connection for each answer: at most twice as many a second */
	for (seconds = 0; seconds < 10; seconds++) {
		ck_assert_uint_le(hosts[0].open, allowed);
		sending_run(&sending, SECOND);
		allowed *= 2;
		if (allowed > 20)
			allowed = 20;
	}
	ck_assert_uint_eq(hosts[0].open, 20);
	hosts[0].answer_ms = 10;
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].delivered, 5000);
	ck_assert_uint_eq(hosts[0].most, 20);
	ck_assert_uint_eq(far_side_told("failed"), 0);
}
END_TEST

static Suite *
five_days_suite(void)
{
	Suite *suite = suite_create("five_days");
	TCase *tcase = tcase_create("five_days");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase, the_jitter_is_a_quarter_up_or_down);
	tcase_add_loop_test(tcase,
	    a_dead_hop_is_probed_by_its_back_off_for_five_days, 0, SEEDS);
	tcase_add_loop_test(tcase,
	    a_message_that_is_put_off_is_tried_by_its_back_off_for_five_days, 0,
	    SEEDS);
	tcase_add_loop_test(tcase,
	    a_restart_every_day_changes_neither_lifetime_nor_failure, 0, 2);
	tcase_add_test(tcase,
	    a_hop_that_comes_back_is_ramped_up_and_not_stampeded);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(five_days_suite)
