#include <signal.h>
#include <unistd.h>

#include "relayd/net/signals.h"
#include "tests/support/suite.h"

static int heard[NSIG];

static void
signalled(void *owner, int number)
{
	(void)owner;
	heard[number]++;
}

START_TEST(signal_is_heard_from_within_a_turn)
{
	static const int numbers[] = { SIGTERM, SIGHUP };
	struct loop *loop = loop_new(NULL);
	struct signals *signals =
	    signals_new(loop, numbers, 2, signalled, NULL);

	kill(getpid(), SIGHUP);
	ck_assert_int_eq(heard[SIGHUP], 0);
	loop_turn(loop, true);
	ck_assert_int_eq(heard[SIGHUP], 1);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGTERM);
	loop_turn(loop, true);
	ck_assert_int_eq(heard[SIGHUP], 2);
	ck_assert_int_eq(heard[SIGTERM], 1);
	signals_free(signals);
	loop_free(loop);
}
END_TEST

START_TEST(signal_after_the_end_does_not_kill)
{
	static const int numbers[] = { SIGTERM };
	struct loop *loop = loop_new(NULL);
	struct signals *signals =
	    signals_new(loop, numbers, 1, signalled, NULL);

	signals_free(signals);
	loop_free(loop);
	kill(getpid(), SIGTERM);
	ck_assert_int_eq(heard[SIGTERM], 0);
}
END_TEST

START_TEST(broken_pipe_is_an_error_and_no_signal)
{
	struct loop *loop = loop_new(NULL);
	struct signals *signals = signals_new(loop, NULL, 0, signalled, NULL);
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	close(ends[0]);
	ck_assert_int_eq(write(ends[1], "x", 1), -1);
	close(ends[1]);
	signals_free(signals);
	loop_free(loop);
}
END_TEST

static Suite *
signals_suite(void)
{
	Suite *suite = suite_create("signals");
	TCase *tests = tcase_create("signals");

	tcase_add_test(tests, signal_is_heard_from_within_a_turn);
	tcase_add_test(tests, signal_after_the_end_does_not_kill);
	tcase_add_test(tests, broken_pipe_is_an_error_and_no_signal);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(signals_suite)
