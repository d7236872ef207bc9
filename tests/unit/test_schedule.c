/*
 * test_schedule - what is due when, and how long to wait.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/backoff.h"
#include "relayd/delivery/schedule.h"
#include "relayd/net/loop.h"
#include "tests/support/suite.h"

enum {
	START = 5000,
	SECOND = 1000,
	HOUR = 3600 * SECOND,
};

static struct schedule schedule;

/* How far ahead something is due, in ms. */
static const uint64_t ahead[] = {
	/* around the ends of the rings: 64 s, 4.5 h, 48 days */
	1, 249, 250, 251, 63 * SECOND, 64 * SECOND - 1, 64 * SECOND,
	64 * SECOND + 1, 65 * SECOND, 5 * HOUR, 16383 * SECOND, 16384 * SECOND,
	16385 * SECOND, 100 * (uint64_t)HOUR, 1000 * (uint64_t)HOUR,
	1164 * (uint64_t)HOUR, 1165 * (uint64_t)HOUR, 5000 * (uint64_t)HOUR
};

/* Walks from one time to look to the next until something comes. */
static uint64_t
comes_at(const struct due *due, uint64_t now)
{
	struct due *got = NULL;
	int looks;

	for (looks = 0; got == NULL; looks++) {
		ck_assert_int_lt(looks, 1000);
		now = schedule_next(&schedule);
		ck_assert_uint_ne(now, LOOP_NEVER);
		got = schedule_pop(&schedule, now);
	}
	ck_assert_ptr_eq(got, due);
	return now;
}

START_TEST(what_is_due_comes_within_a_tick_and_never_early)
{
	uint64_t late = (uint64_t)_i % 5 * 7919 * SECOND, now;
	struct due due = { .kind = 7, .flags = 9, .count = 11 };
	size_t row = (size_t)_i / 5;

	/* whatever the time at which the schedule was last looked at */
	schedule_init(&schedule, START);
	ck_assert_ptr_null(schedule_pop(&schedule, START + late));
	schedule_add(&schedule, &due, START + late + ahead[row]);
	now = comes_at(&due, START + late);
	ck_assert_uint_ge(now, START + late + ahead[row]);
	ck_assert_uint_lt(now, START + late + ahead[row] + SCHEDULE_TICK_MS);
	ck_assert_uint_eq(schedule.count, 0);
	ck_assert_uint_eq(schedule_next(&schedule), LOOP_NEVER);
	ck_assert_int_eq(due.kind + due.flags + due.count, 27);
}
END_TEST

START_TEST(it_comes_too_when_nobody_looked_in_time)
{
	struct due due;

	schedule_init(&schedule, START);
	schedule_add(&schedule, &due, START + ahead[_i]);
	ck_assert_ptr_eq(schedule_pop(&schedule, START + 9000ULL * HOUR), &due);
	ck_assert_ptr_null(schedule_pop(&schedule, START + 9000ULL * HOUR));
}
END_TEST

START_TEST(what_was_cancelled_does_not_come)
{
	struct due due, other;

	schedule_init(&schedule, START);
	schedule_add(&schedule, &due, START + ahead[_i]);
	schedule_add(&schedule, &other, START + ahead[_i]);
	schedule_cancel(&schedule, &due);
	comes_at(&other, START);
	ck_assert_ptr_null(schedule_pop(&schedule, START + 9000ULL * HOUR));
}
END_TEST

START_TEST(a_time_that_has_passed_comes_at_the_next_tick)
{
	struct due due;

	schedule_init(&schedule, START);
	ck_assert_ptr_null(schedule_pop(&schedule, START + HOUR));
	schedule_add(&schedule, &due, START + 1);
	ck_assert_uint_le(comes_at(&due, START + HOUR),
	    START + HOUR + SCHEDULE_TICK_MS);
}
END_TEST

START_TEST(never_is_not_asked_for_but_does_not_overflow)
{
	struct due due;

	schedule_init(&schedule, START);
	schedule_add(&schedule, &due, LOOP_NEVER - 1);
	ck_assert_ptr_null(schedule_pop(&schedule, START + 9000ULL * HOUR));
	schedule_cancel(&schedule, &due);
}
END_TEST

struct timed {
	struct due due;
	uint64_t at;
};

START_TEST(a_random_crowd_comes_in_order_and_completely)
{
	enum {
		CROWD = 3000
	};
	static struct timed crowd[CROWD];
	uint64_t now = START, last = 0;
	struct timed *got;
	unsigned seed = 42;
	size_t i, come = 0, cancelled = 0;

	schedule_init(&schedule, START);
	for (i = 0; i < CROWD; i++) {
		crowd[i].at = START + 1 +
		    (uint64_t)rand_r(&seed) %
			(i % 2 == 0 ? 100 * SECOND : 20 * HOUR);
		schedule_add(&schedule, &crowd[i].due, crowd[i].at);
	}
	for (i = 0; i < CROWD; i += 10) {
		schedule_cancel(&schedule, &crowd[i].due);
		cancelled++;
	}
	while (schedule.count > 0) {
		now = schedule_next(&schedule);
		while ((got = (struct timed *)(void *)schedule_pop(&schedule,
			    now)) != NULL) {
			ck_assert_uint_ge(now, got->at);
			ck_assert_uint_lt(now, got->at + SCHEDULE_TICK_MS);
			ck_assert_uint_ge(now, last);
			last = now;
			come++;
		}
	}
	ck_assert_uint_eq(come + cancelled, CROWD);
}
END_TEST

static bool
is_odd(void *owner, const struct due *due)
{
	(void)owner;
	return due->kind == 1;
}

START_TEST(what_is_wanted_is_taken_out_wherever_it_is)
{
	struct due dues[2 * sizeof(ahead) / sizeof(ahead[0])];
	struct due_line taken = TAILQ_HEAD_INITIALIZER(taken);
	size_t i, count = sizeof(dues) / sizeof(dues[0]), odd = 0;
	struct due *due;

	schedule_init(&schedule, START);
	for (i = 0; i < count; i++) {
		dues[i] = (struct due){ .kind = (uint8_t)(i % 2) };
		schedule_add(&schedule, &dues[i], START + ahead[i / 2]);
	}
	schedule_take(&schedule, is_odd, NULL, &taken);
	TAILQ_FOREACH(due, &taken, line) {
		ck_assert_uint_eq(due->kind, 1);
		odd++;
	}
	ck_assert_uint_eq(odd, count / 2);
	ck_assert_uint_eq(schedule.count, count / 2);
	while ((due = schedule_pop(&schedule, START + 9000ULL * HOUR)) != NULL)
		ck_assert_uint_eq(due->kind, 0);
}
END_TEST

static const struct {
	int64_t first, max;
	unsigned count;
	uint64_t middle; /* ms, before jitter */
} waits[] = {
	/* clang-format off */
	{ 60, 3600, 1, 60 * SECOND },
	{ 60, 3600, 2, 120 * SECOND },
	{ 60, 3600, 6, 1920 * SECOND },
	{ 60, 3600, 7, 3600 * SECOND },
	{ 60, 3600, 65535, 3600 * SECOND },
	{ 1, 4, 3, 4 * SECOND },
	/* a probe's part of a short retry_first, and a first beyond max */
	{ 0, 600, 1, SECOND },
	{ 60, 30, 1, 30 * SECOND },
	{ 60, 0, 4, SECOND },
	{ 1, INT64_MAX / 4000, 4000, INT64_MAX / 4000 * UINT64_C(1000) },
	/* clang-format on */
};

START_TEST(waits_double_up_to_a_maximum_and_a_quarter_to_either_side)
{
	uint64_t middle = waits[_i].middle, wait, random;
	uint64_t least = UINT64_MAX, most = 0;

	for (random = 0; random < 1000; random++) {
		wait = backoff_ms(waits[_i].first, waits[_i].max,
		    waits[_i].count, random * 0x9e3779b97f4a7c15u);
		ck_assert_uint_ge(wait, middle - middle / 4);
		ck_assert_uint_le(wait, middle + middle / 4);
		least = wait < least ? wait : least;
		most = wait > most ? wait : most;
	}
	ck_assert_uint_lt(least, middle - middle / 5);
	ck_assert_uint_gt(most, middle + middle / 5);
}
END_TEST

static Suite *
schedule_suite(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	int rows = sizeof(ahead) / sizeof(ahead[0]);

	tcase_add_loop_test(tcase,
	    what_is_due_comes_within_a_tick_and_never_early, 0, rows * 5);
	tcase_add_loop_test(tcase, it_comes_too_when_nobody_looked_in_time, 0,
	    rows);
	tcase_add_loop_test(tcase, what_was_cancelled_does_not_come, 0, rows);
	tcase_add_test(tcase, a_time_that_has_passed_comes_at_the_next_tick);
	tcase_add_test(tcase, never_is_not_asked_for_but_does_not_overflow);
	tcase_add_test(tcase, a_random_crowd_comes_in_order_and_completely);
	tcase_add_test(tcase, what_is_wanted_is_taken_out_wherever_it_is);
	tcase_add_loop_test(tcase,
	    waits_double_up_to_a_maximum_and_a_quarter_to_either_side, 0,
	    sizeof(waits) / sizeof(waits[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(schedule_suite)
