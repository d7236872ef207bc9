/*
 * shares - what each client may have of a turn.
 *
 * Job:     keep one client's connections from filling a turn of the loop while
 *          others wait.
 * Called:  by conn.c, before it works for a client.
 * Owns:    a count for each kind of client, of fixed size.
 * Never:   refuses for good: in each turn there is a share for everybody.
 */
#include "relayd/smtp/shares.h"

#include <string.h>

#include "base/span.h"

void
shares_init(struct shares *shares, uint64_t seed)
{
	*shares = (struct shares){ .seed = seed };
}

static size_t
kind_of(const struct shares *shares, const struct ip *client)
{
	/* Who has one v6 address has all of its /64. */
	size_t len = ip_is_v4(client) ? sizeof(client->bytes) : 8;

	return span_hash(span_make((const char *)client->bytes, len),
		   shares->seed) %
	    SHARES_KINDS;
}

bool
shares_take(struct shares *shares, const struct ip *client, uint64_t turn,
    uint64_t now)
{
	size_t kind = kind_of(shares, client);

	if (kind != kind_of(shares, &shares->last)) {
		shares->last = *client;
		shares->alone = now + SHARES_ALONE_MS;
	}
	if (shares->used[kind].turn != turn) {
		shares->used[kind].turn = turn;
		shares->used[kind].calls = 0;
	}
	if (now >= shares->alone)
		return true;
	return shares->used[kind].calls++ < SHARES_CALLS;
}
