#ifndef RATES_H
#define RATES_H

#include <stddef.h>
#include <stdint.h>

#include "relayd/net/loop.h"

/*
 * How much happens: counters sampled every few seconds, for rates over the
 * last minutes.
 */
enum rate {
	RATE_CONNECTIONS,
	RATE_ACCEPTED,  /* messages */
	RATE_REFUSED,   /* commands */
	RATE_DELIVERED, /* recipients, and so are the next two */
	RATE_DEFERRED,
	RATE_FAILED,
	RATES,
};

/* Totals since the start, in the order of enum rate. */
struct rates_totals {
	uint64_t of[RATES];
};

struct rates;

/* read() says the totals of now. */
struct rates *rates_new(struct loop *loop,
    void (*read)(void *owner, struct rates_totals *totals), void *owner);
/*
 * How much came in the last seconds (at most 15 minutes), and over how many
 * seconds that was seen: fewer after a start.
 */
uint64_t rates_over(const struct rates *rates, enum rate rate, unsigned seconds,
    unsigned *seen);
uint64_t rates_total(const struct rates *rates, enum rate rate);
/* The loop's next reap frees it; NULL is fine. */
void rates_free(struct rates *rates);

#endif
