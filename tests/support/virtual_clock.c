/*
 * virtual_clock - a clock that jumps.
 *
 * Job:     stand behind the loop's seam of time; move to the next deadline
 *          instead of sleeping.
 * Called:  by the loop.
 * Owns:    the time.
 * Never:   goes backwards; never sleeps but while a test says it is busy.
 */
#include "tests/support/virtual_clock.h"

#include <poll.h>
#include <stddef.h>

enum {
	START = 1000000 /* milliseconds; anything but 0 */
};

static uint64_t
monotonic(void *owner)
{
	struct virtual_clock *clock = owner;

	return clock->now;
}

static int64_t
wall(void *owner)
{
	struct virtual_clock *clock = owner;

	return clock->wall_start +
	    (int64_t)((clock->now - clock->start) / 1000);
}

static void
jump(void *owner, uint64_t deadline)
{
	struct virtual_clock *clock = owner;

	if (clock->busy != NULL && clock->busy(clock->owner)) {
		poll(NULL, 0, 1);
		return;
	}
	if (deadline <= clock->end && deadline != LOOP_NEVER) {
		clock->now = deadline;
		return;
	}
	if (clock->end != LOOP_NEVER)
		clock->now = clock->end;
	loop_stop(clock->loop);
}

void
virtual_clock_init(struct virtual_clock *clock, int64_t wall_now)
{
	*clock = (struct virtual_clock){
		.seam = { .owner = clock,
		    .monotonic = monotonic,
		    .wall = wall,
		    .jump = jump },
		.now = START,
		.start = START,
		.wall_start = wall_now,
		.end = LOOP_NEVER,
	};
}

struct loop *
virtual_clock_loop(struct virtual_clock *clock)
{
	clock->loop = loop_new(&clock->seam);
	return clock->loop;
}

void
virtual_clock_run(struct virtual_clock *clock, uint64_t milliseconds)
{
	clock->end = clock->now + milliseconds;
	loop_run(clock->loop);
	clock->end = LOOP_NEVER;
}
