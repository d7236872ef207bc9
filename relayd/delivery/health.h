#ifndef HEALTH_H
#define HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How a destination does, and how many connections it may therefore have.
 * It is proven by an answer; unproven or down, one connection at a time asks.
 */
struct health {
	bool proven;
	bool down;
	size_t limit;      /* connections, while proven */
	unsigned troubles; /* in a row */
	unsigned failures; /* probes in a row that found it down */
	uint64_t retry_at; /* monotonic ms of the next probe, while down */
	bool crowded;      /* it turned one more away: ask for one at a time */
	uint64_t open_after; /* not before this, while crowded */
};

enum {
	HEALTH_LIMIT_FIRST = 4, /* connections of a destination that answers */
	HEALTH_TROUBLES = 3,    /* sessions that break in a row: it is down */
};

/* What the configuration and the clock say at the moment of a call. */
struct health_facts {
	uint64_t now;                   /* monotonic ms */
	uint64_t random;                /* of use where it may go down */
	size_t limit_max;               /* connections_per_destination */
	int64_t retry_first, retry_max; /* seconds, as for messages */
};

void health_init(struct health *health);
/* It answered about a message.  True when it had been down. */
bool health_answered(struct health *health, const struct health_facts *facts);
/* A connection was greeted: now others may follow. */
void health_greeted(struct health *health);
/* A session broke, or 421.  True when it is down with this. */
bool health_trouble(struct health *health, const struct health_facts *facts);
/* No host could be reached, and nothing of it is connected. */
void health_unreachable(struct health *health,
    const struct health_facts *facts);
/* One more connection was refused while `open` of them work. */
void health_crowded(struct health *health, const struct health_facts *facts,
    size_t open);
/* How many connections there may be now. */
size_t health_allows(const struct health *health,
    const struct health_facts *facts);

#endif
