#ifndef SERVICE_H
#define SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/rules.h"
#include "relayd/admin/conf.h"
#include "relayd/smtp/limits.h"
#include "relayd/smtp/smtp_server.h"
#include "spool/spool.h"

/*
 * What all sessions share.  They read conf here at each command and keep no
 * pointer into it; a transaction holds the rules that it began with, for a
 * while.  So a reload just sets the two.
 */
enum {
	SERVICE_ENVELOPES_MAX = 64 << 20, /* bytes; then RCPT hears 452 */
	SERVICE_STALE_MS = 600000,        /* of a transaction under old rules */
};

struct service {
	const struct conf *conf;   /* borrowed */
	const struct rules *rules; /* borrowed */
	struct spool *spool;       /* borrowed */
	struct limits *limits;     /* borrowed from the server */
	struct smtp_counts counts;
	size_t envelope_bytes; /* that all open transactions take */
	bool draining;

	/* Told of each accepted message that a line of the allowlist let in. */
	void (*granted)(void *owner, const struct rules *rules, size_t line);
	void *granted_owner; /* borrowed */

	void *clock_owner;            /* borrowed */
	uint64_t (*now)(void *owner); /* monotonic milliseconds */
	int64_t (*wall)(void *owner); /* seconds since 1970 */
	uint64_t next_id; /* begins anywhere; see service_session_id() */
};

/* An ID that no other session of this relay has, in time order. */
uint64_t service_session_id(struct service *service);

/*
 * seconds, or a part of it while the relay is nearly full: whoever idles then
 * makes room for others (design: time-outs shrink).
 */
unsigned service_patience(const struct service *service, unsigned seconds);

uint64_t service_now(const struct service *service);
int64_t service_wall(const struct service *service);

#endif
