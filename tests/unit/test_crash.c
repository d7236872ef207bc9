/*
 * Thousands of power cuts, from fixed seeds; millions in tests/crash/.
 */
#include "tests/support/crash_run.h"
#include "tests/support/suite.h"

enum {
	SEEDS = 8, /* every second one with calls that fail besides */
};

START_TEST(every_power_cut_keeps_every_promise)
{
	struct crash_outcome outcome;
	struct crash_plan plan = {
		.seed = (uint64_t)_i + 1,
		.steps = 450,
		.states_per_call = 7,
		.stop_at_first = true,
		.failing = _i % 2 == 1,
	};

	crash_run(&plan, &outcome);
	ck_assert_msg(outcome.broken == 0,
	    "%s: seed %d, after call %llu, state %llu", outcome.first, _i + 1,
	    (unsigned long long)outcome.first_call,
	    (unsigned long long)outcome.first_state);
	ck_assert_uint_gt(outcome.states, plan.failing ? 1500 : 2500);
	ck_assert_uint_gt(outcome.second_states, 300);
	ck_assert((outcome.failed > 10) == plan.failing);
	ck_assert((outcome.refused > 0) == plan.failing);
}
END_TEST

static Suite *
crash_suite(void)
{
	Suite *suite = suite_create("crash");
	TCase *cuts = tcase_create("power cuts");

	tcase_set_timeout(cuts, 180);
	tcase_add_loop_test(cuts, every_power_cut_keeps_every_promise, 0,
	    SEEDS);
	suite_add_tcase(suite, cuts);
	return suite;
}

SUITE_MAIN(crash_suite)
