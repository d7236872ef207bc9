#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

/*
 * How long to wait, in ms, after the count-th failure in a row (from 1):
 * first seconds, doubling up to max seconds, and a quarter less to a quarter
 * more by the random bits, so that what failed together does not return together.
 */
uint64_t backoff_ms(int64_t first, int64_t max, unsigned count,
    uint64_t random);

#endif
