#ifndef SIGNALS_H
#define SIGNALS_H

#include <stddef.h>

#include "loop.h"

/*
 * Signals as input: blocked, and read from a signalfd that is one more
 * watch.  SIGPIPE is ignored besides.
 */
struct signals;

/*
 * Blocks the signals numbers[0..count) for this thread and those it makes
 * afterwards; signalled() hears of each from within a turn of the loop.
 */
struct signals *signals_new(struct loop *loop, const int *numbers, size_t count,
    void (*signalled)(void *owner, int number), void *owner);
/* They stay blocked: one that comes during the end does not cut it short. */
void signals_free(struct signals *signals);

#endif
