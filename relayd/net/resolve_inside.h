#ifndef RESOLVE_INSIDE_H
#define RESOLVE_INSIDE_H

#include <sys/queue.h>

#include "dns_cache.h"
#include "relayd/net/loop.h"
#include "resolve.h"

/*
 * The resolver and its queries, for the files that are its inside: resolve.c
 * asks, resolve_tell.c tells.
 */
struct query {
	TAILQ_ENTRY(query) link; /* of those who wait for the entry */
	LIST_ENTRY(query) all;
	TAILQ_ENTRY(query) hope;   /* of resolver.hoping, while is_hoping */
	struct resolver *resolver; /* borrowed */
	struct dns_entry *entry;   /* borrowed */
	unsigned round;            /* in which it was asked */
	bool cancelled;            /* a backend has yet to answer it */
	bool takes_stale;          /* the last good answer will do */
	bool is_hoping;            /* for a fresh one, until hopes_until */
	uint64_t hopes_until;      /* monotonic milliseconds */
	void (*done_mx)(void *owner, const struct mx_answer *answer);
	void (*done_address)(void *owner, const struct address_answer *answer);
	void *owner; /* borrowed */
};

TAILQ_HEAD(line, dns_entry);

struct resolver {
	struct loop *loop; /* borrowed */
	struct dns *dns;   /* owned; NULL with a backend */
	struct resolver_backend backend;
	struct dns_cache *cache; /* owned; a backend's answers are not kept */
	LIST_HEAD(, query) queries;
	struct line to_ask;
	struct line to_tell;
	TAILQ_HEAD(, query) hoping; /* who hopes longest comes last */
	struct watch timer;         /* due when somebody is to be told */
	size_t asking;              /* entries */
	bool asking_now;            /* ask_next() is running */
	unsigned round;             /* of telling */
	struct resolver_counts counts;
};

/* The entry's answer goes to all who wait for it, in a turn of its own. */
void resolve_tell_all(struct dns_entry *entry);
/*
 * This query takes the last good answer of its entry, which is being asked
 * for: it gets that when nothing fresh has come for a moment.
 */
void resolve_tell_stale(struct query *query);
/* The timer's function. */
void resolve_tell_run(void *owner);
/* Nobody waits for this one any more. */
void resolve_tell_drop(struct query *query);

#endif
