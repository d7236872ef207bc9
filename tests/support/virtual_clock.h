#ifndef VIRTUAL_CLOCK_H
#define VIRTUAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "relayd/net/loop.h"

/*
 * A clock that jumps: when nothing is ready it is at once the next deadline.
 * Five days pass in milliseconds.
 */
struct virtual_clock {
	struct loop_clock seam; /* for loop_new(&clock.seam) */
	uint64_t now;       /* monotonic milliseconds; a test may add to it */
	int64_t wall_start; /* seconds since 1970 when now was start */
	uint64_t start;
	uint64_t end; /* beyond it the loop is stopped; LOOP_NEVER: no end */
	struct loop *loop; /* borrowed; stopped when nothing is due any more */
	/*
	 * May be NULL.  While it is true something real is under way (the sync
	 * thread, another process): a millisecond is waited instead of jumping.
	 */
	bool (*busy)(void *owner);
	void *owner; /* borrowed */
};

void virtual_clock_init(struct virtual_clock *clock, int64_t wall);
/* loop_new() with it. */
struct loop *virtual_clock_loop(struct virtual_clock *clock);
/* Runs the loop for so many virtual milliseconds, or until nothing is due. */
void virtual_clock_run(struct virtual_clock *clock, uint64_t milliseconds);

#endif
