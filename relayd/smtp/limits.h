#ifndef LIMITS_H
#define LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/ip.h"
#include "relayd/admin/conf.h"

/*
 * How much each client may do.  A client is a v4 address or a v6 /64, for
 * whoever has one v6 address has all of its /64; a network is a /24 or a
 * /56.  The table is bounded whatever the number of clients: those idle
 * longest are forgotten first.
 */
struct limits;

enum limits_verdict {
	LIMITS_OK,
	LIMITS_ALL,     /* limits.connections */
	LIMITS_CLIENT,  /* limits.connections_per_client */
	LIMITS_NETWORK, /* limits.connections_per_network */
};

enum limits_rate {
	LIMITS_MESSAGES, /* a window of one hour each */
	LIMITS_RECIPIENTS,
};

/* room: entries at most (0: 65536); seed: of the hash. */
struct limits *limits_new(size_t room, uint64_t seed);
void limits_free(struct limits *limits);

/* What a connection was counted under; a reload may have changed that since. */
struct limits_place {
	struct ip client;
	unsigned prefix; /* of its network, bits of 128 */
};

/*
 * A connection comes: counted, and *place filled in, when LIMITS_OK.  A limit
 * of 0 is none.
 */
enum limits_verdict limits_connect(struct limits *limits,
    const struct conf_limits *conf, const struct ip *client,
    struct limits_place *place);
void limits_disconnect(struct limits *limits, const struct limits_place *place);
/* Connections that are open. */
size_t limits_connections(const struct limits *limits);
/* Entries that the table holds. */
size_t limits_entries(const struct limits *limits);

/*
 * True while the client has had fewer than max in the hour that runs (max
 * 0: no limit).  Otherwise *wait is the seconds until the hour is over.
 */
bool limits_allow(struct limits *limits, enum limits_rate rate,
    const struct ip *client, size_t max, uint64_t now, unsigned *wait);
/* One more of it. */
void limits_count(struct limits *limits, enum limits_rate rate,
    const struct ip *client, uint64_t now);

#endif
