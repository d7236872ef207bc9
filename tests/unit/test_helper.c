/*
 * test_helper - long work runs beside the loop, in order, and ends in it.
 */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "relayd/net/helper.h"
#include "tests/support/suite.h"

enum {
	TURNS_MAX = 100000
};

/* Work that lasts until a byte comes through the pipe. */
struct work {
	int pipe[2];
	pthread_t worked, ended;
	int order;
	struct loop *loop;
};

static int ended_so_far;

static void
wait_for_byte(void *owner)
{
	struct work *work = owner;
	char byte;

	ck_assert_int_eq(read(work->pipe[0], &byte, 1), 1);
	work->worked = pthread_self();
}

static void
note_end(void *owner)
{
	struct work *work = owner;

	work->ended = pthread_self();
	work->order = ++ended_so_far;
}

static void
work_open(struct work *work)
{
	ck_assert_int_eq(pipe(work->pipe), 0);
	work->order = 0;
}

static void
work_close(struct work *work)
{
	close(work->pipe[0]);
	close(work->pipe[1]);
}

static void
let_go(struct work *work)
{
	ck_assert_int_eq(write(work->pipe[1], "x", 1), 1);
}

static void
turn_until_ended(struct loop *loop, struct work *work)
{
	int turns;

	for (turns = 0; work->order == 0; turns++) {
		ck_assert_int_lt(turns, TURNS_MAX);
		loop_turn(loop, true);
	}
}

START_TEST(the_loop_goes_on_while_work_is_under_way)
{
	struct loop *loop = loop_new(NULL);
	struct helper *helper = helper_new(loop);
	struct work work;
	int i;

	work_open(&work);
	helper_run(helper, wait_for_byte, note_end, &work);
	ck_assert(helper_busy(helper));
	for (i = 0; i < 10; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(work.order, 0);
	let_go(&work);
	turn_until_ended(loop, &work);
	ck_assert(!helper_busy(helper));
	ck_assert(!pthread_equal(work.worked, pthread_self()));
	ck_assert(pthread_equal(work.ended, pthread_self()));
	helper_free(helper);
	loop_free(loop);
	work_close(&work);
}
END_TEST

START_TEST(jobs_run_one_at_a_time_in_their_order)
{
	struct loop *loop = loop_new(NULL);
	struct helper *helper = helper_new(loop);
	struct work work[3];
	int i;

	for (i = 0; i < 3; i++) {
		work_open(&work[i]);
		helper_run(helper, wait_for_byte, note_end, &work[i]);
	}
	let_go(&work[2]); /* the last could go on, but it is not its turn */
	for (i = 0; i < 10; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(work[2].order, 0);
	let_go(&work[0]);
	let_go(&work[1]);
	turn_until_ended(loop, &work[2]);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(work[i].order, i + 1);
		work_close(&work[i]);
	}
	helper_free(helper);
	loop_free(loop);
}
END_TEST

START_TEST(what_was_begun_ends_before_the_helper_does)
{
	struct loop *loop = loop_new(NULL);
	struct helper *helper = helper_new(loop);
	struct work work[2];
	int i;

	for (i = 0; i < 2; i++) {
		work_open(&work[i]);
		helper_run(helper, wait_for_byte, note_end, &work[i]);
		let_go(&work[i]);
	}
	helper_free(helper);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(work[i].order, i + 1);
		work_close(&work[i]);
	}
	loop_free(loop);
}
END_TEST

static Suite *
helper_suite(void)
{
	Suite *suite = suite_create("helper");
	TCase *tcase = tcase_create("helper");

	tcase_add_test(tcase, the_loop_goes_on_while_work_is_under_way);
	tcase_add_test(tcase, jobs_run_one_at_a_time_in_their_order);
	tcase_add_test(tcase, what_was_begun_ends_before_the_helper_does);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(helper_suite)
