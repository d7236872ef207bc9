#ifndef DELIVERY_H
#define DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/rules.h"
#include "relayd/admin/conf.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"
#include "spool/spool.h"

/*
 * The sending side: everything that waits in the spool, by destination.
 * What the struct names is borrowed from main, who outlives it.
 */
struct delivery;

struct delivery_needs {
	struct loop *loop;
	struct spool *spool;
	struct resolver *resolver;
	const struct conf *conf;
	const struct rules *rules;
	void *
	    random_owner; /* jitter and shuffles: 64 bits; NULL function: getrandom(2) */
	uint64_t (*random)(void *owner);
};

/* NULL with the reason in why (the CA file of conf->tls). */
struct delivery *delivery_new(const struct delivery_needs *needs,
    struct buf *why);
/*
 * Holds the messages that this file names, once they are found; before the
 * spool is loaded.  A missing file is fine; false with why.
 */
bool delivery_hold_these(struct delivery *delivery, const char *file,
    struct buf *why);
/* The spool's waiting() event. */
void delivery_waiting(void *delivery, struct spool_entry *entry,
    struct span domains);
/*
 * Loads what another configuration needs, and changes nothing; false with why.
 * Then delivery_reload() with the same can only succeed: routes are looked up
 * anew, and messages move to their new destinations.
 */
bool delivery_prepare(struct delivery *delivery, const struct conf *conf,
    struct buf *why);
void delivery_reload(struct delivery *delivery, const struct conf *conf,
    const struct rules *rules);
/* Begin nothing new; what is in flight may finish. */
void delivery_drain(struct delivery *delivery);
/* Transactions in flight. */
size_t delivery_active(const struct delivery *delivery);
/* Aborts what is in flight (it will be repeated after a start) and frees. */
void delivery_free(struct delivery *delivery);

/* Errands: a message counts once for each of its destinations. */
struct queue_totals {
	size_t in_attempt; /* or being told of */
	size_t ready;      /* as soon as there is a connection */
	size_t unsorted;   /* to be read again after a reload */
	size_t waiting;    /* their back-off lasts */
	size_t held;       /* until an administrator releases them */
};

struct delivery_counts {
	struct queue_totals queue;
	uint64_t delivered, deferred, failed, attempts, notices;
	size_t destinations, connections;
};
void delivery_count(const struct delivery *delivery,
    struct delivery_counts *counts);

#endif
