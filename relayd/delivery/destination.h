#ifndef DESTINATION_H
#define DESTINATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/errand.h"
#include "relayd/delivery/health.h"
#include "relayd/delivery/hostlist.h"
#include "relayd/delivery/line.h"
#include "relayd/delivery/lookup.h"

/*
 * One route and everything that waits for it: a queue, the connections to its
 * hosts, how it does, and its own back-off.  Nothing that happens to one
 * destination delays another.
 */
struct destination {
	struct core *core; /* borrowed */
	/* The router's: */
	struct lookup_item item;  /* by name */
	char *name;               /* owned: route_destination()'s text */
	TAILQ_HEAD(, lane) lanes; /* the domains that lead here, oldest first */
	LIST_ENTRY(destination) link;
	size_t lane_count;
	bool lanes_forgotten; /* there were more than are remembered */
	bool unsorting;       /* in the middle of router_reload() */
	uint64_t mark;        /* the last walk over recipients that met it */

	struct queue queue;
	struct health health;
	struct hostlist hosts;
	struct outcome reason; /* why it is down, or refuses */
	int64_t reason_at;     /* wall-clock second when that was found */
	bool refuses; /* for good, until refuses_until: reason is FAILED */
	uint64_t refuses_until;
	uint64_t sweep_at; /* monotonic ms of the next walk over the queue */

	LIST_HEAD(, line) lines; /* owned */
	size_t line_count, connecting_count;
	struct line_idle_list idle; /* the last used first */

	struct due due; /* scheduled when due_at is not LOOP_NEVER */
	uint64_t due_at;
	bool is_dirty, is_wanting;
	TAILQ_ENTRY(destination) dirty_link, wanting_link;
	/* What lines.c notes of it: */
	bool has_room;  /* is kept for one more line of it */
	unsigned kind;  /* when it is wanting or has room */
	uint64_t wants; /* when it began to want; a number that grows */
};

/* For the router, who keeps it by name; takes a copy of name. */
struct destination *destination_new(struct core *core, const char *name);
/* Cuts its connections (what is in an attempt is sent again another day). */
void destination_free(struct destination *destination);

/* Has the pump look at it in this turn. */
void destination_wake(struct destination *destination);
/* Whatever it waits for, it is tried now. */
void destination_hurry(struct destination *destination);
/* It has refused for good, and is still believed. */
bool destination_refuses(const struct destination *destination);
/* It is not believed any more that it refuses for good. */
void destination_doubt(struct destination *destination);
/* A bounded piece of work: its steps. It wakes itself when there is more. */
int destination_run(struct destination *destination);
/* Its due has come.  It may be freed by this. */
void destination_due(struct destination *destination);
struct destination *destination_of(struct due *due);

/* An errand that is out joins its queue: at the end, or in front. */
void destination_queue(struct destination *destination, struct errand *errand,
    bool in_front);
/* The same when its route may have changed: it is to be read again. */
void destination_resort(struct destination *destination, struct errand *errand);
/* A new message: makes the errand, tells the entry, queues. */
struct errand *destination_add(struct destination *destination,
    struct spool_entry *entry);
/* Takes the errand out of the queue and frees it; the entry is not told. */
void destination_drop(struct errand *errand);
/* Lines that connect still are dropped; others are opened in their place. */
void destination_hang_up(struct destination *destination);
/* Its routes may have changed: every ready errand is to be read again. */
void destination_unsort(struct destination *destination);

/* The lines tell what they meet. */
void destination_greeted(struct destination *destination);
void destination_answered(struct destination *destination);
/* A session broke or was ended by 421. */
void destination_trouble(struct destination *destination,
    const struct outcome *why);
/* No host let us in. */
void destination_unreachable(struct destination *destination,
    const struct outcome *why);

#endif
