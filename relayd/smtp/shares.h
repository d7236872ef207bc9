#ifndef SHARES_H
#define SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/ip.h"

/*
 * What each client may have of a turn of the loop while others want some of it
 * too: a flood from one address then costs the rest a few calls a turn,
 * however many connections it has.  A client that is alone has all of the turn.
 *
 * Clients (v4 addresses, v6 /64s) fall into SHARES_KINDS by a hash; two of one
 * kind have one share between them, for that turn only.
 */
enum {
	SHARES_KINDS = 1024,
	SHARES_CALLS = 2,     /* of one client in a turn */
	SHARES_ALONE_MS = 50, /* after the last call of another */
};

struct shares {
	uint64_t seed;
	struct ip last; /* who was served last */
	uint64_t alone; /* from when on it is alone, monotonic milliseconds */
	struct {
		uint64_t turn;
		unsigned calls;
	} used[SHARES_KINDS];
};

void shares_init(struct shares *shares, uint64_t seed);
/* False: client had its share of this turn; it comes again in the next one. */
bool shares_take(struct shares *shares, const struct ip *client, uint64_t turn,
    uint64_t now);

#endif
