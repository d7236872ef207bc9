#ifndef TOUR_H
#define TOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/spool.h"

/*
 * A walk over the messages that wait, in slices: between two of them messages
 * may come and end.  Each one that waits from the first slice to the last is
 * met exactly once; one that was accepted since is not met.  No order.
 */
struct tour {
	size_t buckets;  /* of the table, when it began */
	size_t next;     /* the one to go on with */
	uint64_t newest; /* no ID above this is met */
};

void tour_begin(const struct spool *spool, struct tour *tour);
/*
 * Meets some more, about budget; meet() may end the message that it is given,
 * and no other.  False when the walk is over.
 */
bool tour_step(struct spool *spool, struct tour *tour, size_t budget,
    void (*meet)(void *owner, struct spool_entry *entry), void *owner);

#endif
