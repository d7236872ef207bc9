/*
 * backoff - how long to wait before the next try.
 *
 * Job:     doubling with a ceiling and jitter.
 * Called:  by health.c for destinations, attempt.c for messages, teller.c.
 * Owns:    nothing.
 * Never:   knows the time.
 */
#include "relayd/delivery/backoff.h"

uint64_t
backoff_ms(int64_t first, int64_t max, unsigned count, uint64_t random)
{
	uint64_t wait = first < 1 ? 1 : (uint64_t)first;
	uint64_t most = max < 1 ? 1 : (uint64_t)max;

	for (; count > 1 && wait < most; count--)
		wait *= 2;
	if (wait > most)
		wait = most;
	wait *= 1000;
	return wait - wait / 4 + random % (wait / 2 + 1);
}
