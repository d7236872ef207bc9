/*
 * test_loop_crowd - which of many watches a turn of the loop looks at.
 */
#include <sys/socket.h>

#include <poll.h>
#include <unistd.h>

#include "relayd/net/loop.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	CROWD = 4 * LOOP_SHARE, /* all are looked at every 4 ms */
	GUESTS = 8,
};

/* A watch over one end of a socket pair. */
struct guest {
	struct watch watch;
	int other; /* the far end */
	int ready, expired;
	int at; /* which call of its turn it was */
	bool puts_off;
};

static struct virtual_clock virtual_time;
static struct loop *loop;
static struct guest guests[GUESTS];
static struct watch crowd[CROWD];
static struct guest silent; /* behind all of the crowd */
static struct guest *busy;
static int come, calls;

static void
guest_ready(void *owner, short revents)
{
	struct guest *guest = owner;

	(void)revents;
	guest->at = ++calls;
	guest->ready++;
	guest->watch.put_off = guest->puts_off;
}

static void
guest_expired(void *owner)
{
	struct guest *guest = owner;

	guest->expired++;
}

static void
open_pair(struct guest *guest)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     pair),
	    0);
	*guest = (struct guest){ .other = pair[1] };
	watch_init(&guest->watch, pair[0], guest, guest_ready, guest_expired,
	    NULL);
}

static struct guest *
invite(short events)
{
	struct guest *guest = &guests[come++];

	open_pair(guest);
	guest->watch.events = events;
	loop_add(loop, &guest->watch);
	return guest;
}

/* From now on it is readable: nobody takes the byte away. */
static void
poke(struct guest *guest)
{
	ck_assert_int_eq(write(guest->other, "x", 1), 1);
}

static void
setup(void)
{
	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	open_pair(&silent);
	come = calls = 0;
}

static void
teardown(void)
{
	loop_free(loop);
	close(silent.watch.fd);
	close(silent.other);
	while (come > 0) {
		close(guests[--come].watch.fd);
		close(guests[come].other);
	}
}

/* A crowd that has rested for long, and one guest that is called now. */
static void
gather(void)
{
	size_t i;

	for (i = 0; i < CROWD; i++) {
		watch_init(&crowd[i], silent.watch.fd, &silent, guest_ready,
		    guest_expired, NULL);
		crowd[i].events = POLLIN;
		loop_add(loop, &crowd[i]);
	}
	busy = invite(POLLIN);
	virtual_time.now += 2 * LOOP_BUSY;
	loop_turn(loop, false);
	poke(busy);
	loop_turn(loop, false);
	ck_assert_int_eq(busy->ready, 1);
}

/* Turns a millisecond apart, in each of which busy is called, until *count. */
static int
turns_until(const int *count)
{
	int turns;

	for (turns = 1; turns < 100; turns++) {
		virtual_time.now++;
		loop_turn(loop, false);
		if (*count > 0)
			break;
	}
	return turns;
}

START_TEST(rested_watch_is_served_by_and_by_while_another_is_busy)
{
	struct guest *rested = invite(POLLIN);
	int turns;

	gather();
	poke(rested);
	turns = turns_until(&rested->ready);
	/* Not at once, or the crowd would be looked at in each turn. */
	ck_assert_int_gt(turns, 1);
	ck_assert_int_le(turns, CROWD / LOOP_SHARE + 1);
	ck_assert_int_gt(busy->ready, turns);
}
END_TEST

START_TEST(rested_watch_expires_by_and_by_while_another_is_busy)
{
	struct guest *rested = invite(0);

	gather();
	rested->watch.deadline = loop_now(loop) + 1;
	ck_assert_int_le(turns_until(&rested->expired), CROWD / LOOP_SHARE + 2);
	ck_assert_int_eq(rested->expired, 1);
}
END_TEST

START_TEST(rested_watch_is_served_at_once_when_none_is_busy)
{
	struct guest *rested = invite(POLLIN);

	gather();
	busy->watch.events = 0;
	virtual_time.now += LOOP_BUSY + 1;
	loop_turn(loop, false);
	poke(rested);
	loop_turn(loop, false);
	ck_assert_int_eq(rested->ready, 1);
	/* Now it is the busy one. */
	loop_turn(loop, false);
	ck_assert_int_eq(rested->ready, 2);
}
END_TEST

START_TEST(turn_that_looks_at_the_busy_sleeps_no_longer_than_the_rest_may_wait)
{
	uint64_t before;

	gather();
	busy->watch.events = 0;
	before = virtual_time.now;
	/* Nothing is ready: the clock jumps to when all are due. */
	loop_turn(loop, true);
	loop_turn(loop, true);
	ck_assert_uint_gt(virtual_time.now, before);
	ck_assert_uint_le(virtual_time.now, before + CROWD / LOOP_SHARE + 1);
}
END_TEST

START_TEST(watch_that_was_put_off_is_among_the_first_of_the_next_turn)
{
	int i;

	for (i = 0; i < 6; i++)
		poke(invite(POLLIN));
	loop_turn(loop, false);
	/* Who was called longest ago is the first. */
	ck_assert_int_eq(guests[0].at, 1);
	ck_assert_int_eq(guests[5].at, 6);
	for (i = 3; i < 6; i++)
		guests[i].puts_off = true;
	loop_turn(loop, false);
	calls = 0;
	loop_turn(loop, false);
	for (i = 0; i < 3; i++)
		ck_assert_int_gt(guests[i].at, 3);
	for (i = 3; i < 6; i++)
		ck_assert_int_le(guests[i].at, 3);
}
END_TEST

static Suite *
loop_crowd_suite(void)
{
	Suite *suite = suite_create("loop_crowd");
	TCase *tests = tcase_create("loop_crowd");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests,
	    rested_watch_is_served_by_and_by_while_another_is_busy);
	tcase_add_test(tests,
	    rested_watch_expires_by_and_by_while_another_is_busy);
	tcase_add_test(tests, rested_watch_is_served_at_once_when_none_is_busy);
	tcase_add_test(tests,
	    turn_that_looks_at_the_busy_sleeps_no_longer_than_the_rest_may_wait);
	tcase_add_test(tests,
	    watch_that_was_put_off_is_among_the_first_of_the_next_turn);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(loop_crowd_suite)
