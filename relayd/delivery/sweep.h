#ifndef SWEEP_H
#define SWEEP_H

#include <stdbool.h>

#include "relayd/delivery/destination.h"

/*
 * The walk over the messages that wait in a destination's queue without being
 * tried: each is mentioned in the log once, its sender hears of a delay once,
 * and what is over its lifetime ends.
 */

/* The next walk begins at once, or when one is due anyway. */
void sweep_now(struct destination *destination);
void sweep_later(struct destination *destination);
/* A bounded piece of a walk that is due; false when none is. */
bool sweep_step(struct destination *destination);

#endif
