#ifndef CORE_H
#define CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/client.h"
#include "relayd/delivery/delivery.h"
#include "relayd/delivery/history.h"
#include "relayd/delivery/holds.h"
#include "relayd/delivery/schedule.h"

/*
 * What the modules of the sending side share.  Made and freed by delivery.c;
 * the others borrow it and each owns what is named after it.
 */
struct destination;
struct router;
struct lines;
struct teller;

/* Who embeds a struct due: its kind. */
enum due_kind {
	DUE_ERRAND,      /* a message's back-off has ended */
	DUE_DESTINATION, /* a destination has something to look after */
	DUE_LINE,        /* a connection takes long: another address beside */
	DUE_LINES,       /* connections that have been idle too long */
	DUE_STORY,       /* a notice that could not be written */
	DUE_TELLER,      /* the postmaster's summary */
};

TAILQ_HEAD(destination_line, destination);

/* What every connection needs; one for each level of TLS. */
struct wires;

struct core {
	struct loop *loop; /* borrowed, and so are the next five */
	struct spool *spool;
	struct resolver *resolver;
	const struct conf *conf;
	const struct rules *rules;
	void *random_owner;
	uint64_t (*random)(void *owner);

	struct schedule schedule;
	struct watch pump;
	struct router *router; /* owned, and so are the next three */
	struct lines *lines;
	struct teller *teller;
	struct wires *wires;
	struct wires *next_wires; /* owned; prepared for a reload, or NULL */
	struct destination_line dirty; /* have work for this turn */
	uint64_t mark;                 /* of the last walk over recipients */
	uint64_t reloads;              /* how often the rules have changed */
	bool draining;
	struct delivery_counts counts;
	struct holds holds;      /* messages that are not to be tried */
	struct history *history; /* owned */
};

/* The pump runs in this turn, or at once in the next. */
void core_wake(struct core *core);
/* Has due come up at a monotonic ms; due must not be scheduled. */
void core_schedule(struct core *core, struct due *due, uint64_t at);
uint64_t core_random(struct core *core);

#endif
