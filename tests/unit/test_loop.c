#include <sys/socket.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "relayd/net/loop.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	THINGS_MAX = 200
};

/* A watch over one end of a socket pair, that writes down what it hears. */
struct thing {
	struct watch watch;
	int other; /* the far end; closed by the teardown */
	int ready, expired, reaped;
	short revents;
	uint64_t deadline_seen;
	struct thing *victim; /* killed when this one is called */
	struct thing *resting;
	bool removes; /* takes the victim out instead */
};

static struct virtual_clock virtual_time;
static struct loop *loop;
static struct thing things[THINGS_MAX];
static int opened;

static void
thing_ready(void *owner, short revents)
{
	struct thing *thing = owner;

	thing->ready++;
	thing->revents = revents;
	if (thing->victim != NULL && thing->removes)
		loop_remove(loop, &thing->victim->watch);
	else if (thing->victim != NULL)
		loop_kill(loop, &thing->victim->watch);
	if (thing->resting != NULL)
		thing->resting->watch.events = 0;
	thing->victim = NULL;
}

static void
thing_expired(void *owner)
{
	struct thing *thing = owner;

	thing->expired++;
	thing->deadline_seen = thing->watch.deadline;
	if (thing->victim != NULL)
		loop_kill(loop, &thing->victim->watch);
	thing->victim = NULL;
}

static void
thing_reap(void *owner)
{
	struct thing *thing = owner;

	thing->reaped++;
	close(thing->watch.fd);
}

/* Opens things[opened]. */
static struct thing *
thing_open(short events)
{
	struct thing *thing = &things[opened++];
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
	thing->other = ends[1];
	watch_init(&thing->watch, ends[0], thing, thing_ready, thing_expired,
	    thing_reap);
	thing->watch.events = events;
	loop_add(loop, &thing->watch);
	return thing;
}

static void
hang_up(struct thing *thing)
{
	close(thing->other);
	thing->other = -1;
}

static void
poke(struct thing *thing)
{
	ck_assert_int_eq(write(thing->other, "x", 1), 1);
}

static void
setup(void)
{
	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
}

static void
teardown(void)
{
	loop_free(loop);
	while (opened > 0)
		if (things[--opened].other != -1)
			close(things[opened].other);
}

START_TEST(readable_watch_is_called_with_pollin)
{
	struct thing *thing = thing_open(POLLIN);

	loop_turn(loop, false);
	ck_assert_int_eq(thing->ready, 0);
	poke(thing);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->ready, 1);
	ck_assert_int_eq(thing->revents, POLLIN);
}
END_TEST

START_TEST(killed_watch_is_not_called_in_the_same_turn)
{
	/* Whichever is called first kills the other. */
	thing_open(POLLIN);
	thing_open(POLLIN);
	things[0].victim = &things[1];
	things[1].victim = &things[0];
	poke(&things[0]);
	poke(&things[1]);
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].ready + things[1].ready, 1);
	ck_assert_int_eq(things[0].reaped + things[1].reaped, 1);
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].ready + things[1].ready, 2);
}
END_TEST

START_TEST(killed_watch_is_reaped_once_though_killed_twice)
{
	struct thing *thing = thing_open(POLLIN);

	loop_kill(loop, &thing->watch);
	loop_kill(loop, &thing->watch);
	ck_assert_int_eq(thing->reaped, 0);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->reaped, 1);
}
END_TEST

START_TEST(killed_watch_does_not_expire_in_the_same_turn)
{
	thing_open(0);
	thing_open(0);
	things[0].victim = &things[1];
	things[1].victim = &things[0];
	things[0].watch.deadline = things[1].watch.deadline =
	    loop_now(loop) + 5;
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].expired + things[1].expired, 1);
}
END_TEST

START_TEST(removed_watch_is_neither_called_nor_reaped)
{
	int who;

	thing_open(POLLIN);
	thing_open(POLLIN);
	things[0].victim = &things[1];
	things[1].victim = &things[0];
	things[0].removes = things[1].removes = true;
	poke(&things[0]);
	poke(&things[1]);
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].ready + things[1].ready, 1);
	ck_assert_int_eq(things[0].reaped + things[1].reaped, 0);
	who = things[0].ready == 0 ? 0 : 1;
	memset(&things[who].watch, 0xff, sizeof(struct watch));
	loop_turn(loop, false);
	ck_assert_int_eq(things[who].ready, 0);
}
END_TEST

START_TEST(watch_that_another_put_to_rest_is_not_called_in_that_turn)
{
	thing_open(POLLIN);
	thing_open(POLLIN);
	things[0].resting = &things[1];
	things[1].resting = &things[0];
	poke(&things[0]);
	poke(&things[1]);
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].ready + things[1].ready, 1);
}
END_TEST

START_TEST(deadline_is_cleared_before_its_function_runs)
{
	struct thing *thing = thing_open(0);

	thing->watch.deadline = loop_now(loop) + 250;
	loop_turn(loop, true);
	ck_assert_int_eq(thing->expired, 1);
	ck_assert_uint_eq(thing->deadline_seen, LOOP_NEVER);
	ck_assert_uint_eq(loop_now(loop), virtual_time.start + 250);
}
END_TEST

START_TEST(turn_that_may_not_wait_does_not_jump)
{
	struct thing *thing = thing_open(0);

	thing->watch.deadline = loop_now(loop) + 250;
	loop_turn(loop, false);
	ck_assert_int_eq(thing->expired, 0);
	ck_assert_uint_eq(loop_now(loop), virtual_time.start);
}
END_TEST

START_TEST(input_is_served_before_time_jumps)
{
	struct thing *thing = thing_open(POLLIN);

	thing->watch.deadline = loop_now(loop) + 250;
	poke(thing);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->ready, 1);
	ck_assert_int_eq(thing->expired, 0);
}
END_TEST

START_TEST(wall_clock_follows_the_virtual_one)
{
	struct thing *thing = thing_open(0);

	thing->watch.deadline = loop_now(loop) + 5 * 86400 * 1000ull;
	loop_turn(loop, true);
	ck_assert_int_eq(loop_wall(loop), 1800000000 + 5 * 86400);
}
END_TEST

START_TEST(resting_watch_with_a_hang_up_does_not_spin)
{
	struct thing *thing = thing_open(0);

	hang_up(thing);
	thing->watch.deadline = loop_now(loop) + 1000;
	loop_turn(loop, true);
	/* It slept until the deadline, in one turn. */
	ck_assert_int_eq(thing->expired, 1);
	ck_assert_int_eq(thing->ready, 0);
}
END_TEST

START_TEST(hang_up_is_told_in_the_words_that_were_asked)
{
	struct thing *thing = thing_open(POLLOUT);

	hang_up(thing);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->revents, POLLOUT);
}
END_TEST

START_TEST(input_that_poll_cannot_see_is_told_without_sleeping)
{
	struct thing *thing = thing_open(POLLIN);

	thing->watch.again = true;
	thing->watch.deadline = loop_now(loop) + 1000;
	loop_turn(loop, true);
	ck_assert_int_eq(thing->ready, 1);
	ck_assert_int_eq(thing->revents, POLLIN);
	ck_assert_int_eq(thing->expired, 0);
}
END_TEST

/* Fills the socket, so that it can be written no more. */
static void
fill(struct thing *thing)
{
	while (write(thing->watch.fd, "0123456789abcdef", 16) > 0)
		;
}

START_TEST(input_that_poll_cannot_see_waits_while_its_owner_rests)
{
	thing_open(0);
	thing_open(POLLOUT);
	fill(&things[1]);
	things[0].watch.again = things[1].watch.again = true;
	things[0].watch.deadline = loop_now(loop) + 1000;
	loop_turn(loop, true);
	ck_assert_int_eq(things[0].ready, 0);
	ck_assert_int_eq(things[1].ready, 0);
	/* And nobody spins for it. */
	ck_assert_int_eq(things[0].expired, 1);
}
END_TEST

static int hook_calls;

static void
count_hook(void *owner)
{
	(void)owner;
	hook_calls++;
}

static void
kill_hook(void *owner)
{
	struct thing *thing = owner;

	loop_kill(loop, &thing->watch);
}

START_TEST(watch_killed_by_a_hook_is_reaped_in_the_same_turn)
{
	struct thing *thing = thing_open(POLLIN);

	loop_each_turn(loop, kill_hook, thing);
	loop_turn(loop, false);
	ck_assert_int_eq(thing->reaped, 1);
}
END_TEST

START_TEST(hooks_run_every_turn)
{
	struct thing *thing = thing_open(POLLIN);

	hook_calls = 0;
	loop_each_turn(loop, count_hook, NULL);
	loop_turn(loop, false);
	poke(thing);
	loop_turn(loop, true);
	ck_assert_int_eq(hook_calls, 2);
}
END_TEST

static void
again_hook(void *owner)
{
	(void)owner;
	if (hook_calls++ == 0)
		loop_again(loop);
}

START_TEST(loop_again_makes_the_next_turn_not_sleep)
{
	struct thing *thing = thing_open(POLLIN);

	hook_calls = 0;
	thing->watch.deadline = loop_now(loop) + 1000;
	loop_each_turn(loop, again_hook, NULL);
	loop_turn(loop, false);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->expired, 0);
	loop_turn(loop, true);
	ck_assert_int_eq(thing->expired, 1);
}
END_TEST

START_TEST(deadline_in_the_past_is_due_in_the_next_turn_at_the_latest)
{
	struct thing *thing = thing_open(0);

	loop_turn(loop, false);
	thing->watch.deadline = 0;
	loop_turn(loop, true);
	ck_assert_int_eq(thing->expired, 1);
	ck_assert_uint_eq(loop_now(loop), virtual_time.start);
}
END_TEST

static void
chain_reap(void *owner)
{
	struct thing *thing = owner;

	thing_reap(owner);
	if (thing->victim != NULL)
		loop_kill(loop, &thing->victim->watch);
}

START_TEST(reap_may_kill_another)
{
	thing_open(POLLIN);
	thing_open(POLLIN);
	things[0].watch.reap = chain_reap;
	things[0].victim = &things[1];
	loop_kill(loop, &things[0].watch);
	loop_turn(loop, false);
	ck_assert_int_eq(things[1].reaped, 1);
}
END_TEST

START_TEST(loop_free_reaps_what_is_left)
{
	struct loop *other = loop_new(NULL), *kept = loop;

	loop = other;
	thing_open(POLLIN);
	thing_open(POLLIN);
	things[0].watch.reap = chain_reap;
	things[0].victim = &things[1];
	loop_free(other);
	loop = kept;
	ck_assert_int_eq(things[0].reaped, 1);
	ck_assert_int_eq(things[1].reaped, 1);
}
END_TEST

static void
stop_expired(void *owner)
{
	loop_stop(owner);
}

START_TEST(real_clock_sleeps_until_the_deadline)
{
	struct loop *real = loop_new(NULL);
	struct watch timer;
	uint64_t start = loop_now(real);

	watch_init(&timer, -1, real, NULL, stop_expired, NULL);
	timer.deadline = start + 20;
	loop_add(real, &timer);
	loop_run(real);
	ck_assert_uint_ge(loop_now(real), start + 20);
	ck_assert_uint_lt(loop_now(real), start + 2000);
	ck_assert_int_gt(loop_wall(real), 1700000000);
	loop_free(real);
}
END_TEST

START_TEST(two_hundred_watches_are_all_served)
{
	int i;

	for (i = 0; i < THINGS_MAX; i++) {
		thing_open(POLLIN);
		if (i % 2 == 0)
			poke(&things[i]);
	}
	loop_turn(loop, true);
	for (i = 0; i < THINGS_MAX; i++)
		ck_assert_int_eq(things[i].ready, i % 2 == 0);
}
END_TEST

static Suite *
loop_suite(void)
{
	Suite *suite = suite_create("loop");
	TCase *tests = tcase_create("loop");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, readable_watch_is_called_with_pollin);
	tcase_add_test(tests, killed_watch_is_not_called_in_the_same_turn);
	tcase_add_test(tests, killed_watch_is_reaped_once_though_killed_twice);
	tcase_add_test(tests, killed_watch_does_not_expire_in_the_same_turn);
	tcase_add_test(tests, removed_watch_is_neither_called_nor_reaped);
	tcase_add_test(tests,
	    watch_that_another_put_to_rest_is_not_called_in_that_turn);
	tcase_add_test(tests, deadline_is_cleared_before_its_function_runs);
	tcase_add_test(tests, turn_that_may_not_wait_does_not_jump);
	tcase_add_test(tests, input_is_served_before_time_jumps);
	tcase_add_test(tests, wall_clock_follows_the_virtual_one);
	tcase_add_test(tests, resting_watch_with_a_hang_up_does_not_spin);
	tcase_add_test(tests, hang_up_is_told_in_the_words_that_were_asked);
	tcase_add_test(tests,
	    input_that_poll_cannot_see_is_told_without_sleeping);
	tcase_add_test(tests,
	    input_that_poll_cannot_see_waits_while_its_owner_rests);
	tcase_add_test(tests,
	    watch_killed_by_a_hook_is_reaped_in_the_same_turn);
	tcase_add_test(tests, hooks_run_every_turn);
	tcase_add_test(tests, loop_again_makes_the_next_turn_not_sleep);
	tcase_add_test(tests,
	    deadline_in_the_past_is_due_in_the_next_turn_at_the_latest);
	tcase_add_test(tests, reap_may_kill_another);
	tcase_add_test(tests, loop_free_reaps_what_is_left);
	tcase_add_test(tests, real_clock_sleeps_until_the_deadline);
	tcase_add_test(tests, two_hundred_watches_are_all_served);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(loop_suite)
