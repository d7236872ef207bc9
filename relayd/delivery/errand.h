#ifndef ERRAND_H
#define ERRAND_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/core.h"
#include "relayd/delivery/turns.h"

/*
 * One message that waits for one destination: all that is kept of it in
 * memory.  Its struct due is in the queue of its destination while it is
 * ready or unsorted, and in the schedule while its back-off lasts.
 */
enum errand_place {
	ERRAND_OUT,      /* in an attempt: in no list */
	ERRAND_READY,    /* may go as soon as there is a connection */
	ERRAND_UNSORTED, /* its route may have changed: to be read again */
	ERRAND_WAITING,  /* until its back-off ends */
	ERRAND_HELD,     /* until it is released */
};

struct errand {
	struct due due; /* kind DUE_ERRAND; flags, count: see errand.c */
	struct destination *destination; /* borrowed */
	struct spool_entry *entry;       /* borrowed */
};

/* The errands of one destination, by place. */
struct queue {
	struct turns ready;
	struct due_line unsorted;
	struct due_line held;
	size_t ready_count, unsorted_count, waiting_count, held_count,
	    out_count;
	struct errand *sweep;        /* next one to be looked at, or NULL */
	struct queue_totals *totals; /* borrowed: over all queues */
};

void queue_init(struct queue *queue, struct queue_totals *totals);
bool queue_empty(const struct queue *queue);

/* A new errand, out; its entry's letter learns of it in letter_attach(). */
struct errand *errand_new(struct destination *destination, struct queue *queue,
    struct spool_entry *entry);
/* Takes it out of whatever it is in, and frees it. */
void errand_free(struct core *core, struct queue *queue, struct errand *errand);

enum errand_place errand_place(const struct errand *errand);
/* Takes it out of its list or the schedule: it is out then. */
void errand_take(struct core *core, struct queue *queue, struct errand *errand);
/* These want it out. */
void errand_ready(struct queue *queue, struct errand *errand, bool in_front);
void errand_hold(struct queue *queue, struct errand *errand);
void errand_unsorted(struct queue *queue, struct errand *errand);
void errand_wait(struct core *core, struct queue *queue, struct errand *errand,
    uint64_t until);
/* The schedule gave it out: it is out. */
void errand_due(struct queue *queue, struct errand *errand);

/* The next of those that are ready, by turns, or NULL; it is out then. */
struct errand *errand_take_turn(struct core *core, struct queue *queue);
struct errand *errand_first_ready(const struct queue *queue);
struct errand *errand_first_unsorted(const struct queue *queue);
struct errand *errand_first_held(const struct queue *queue);
/* The walk over all that are ready, from queue->sweep on. */
void errand_sweep_start(struct queue *queue);
void errand_sweep_next(struct queue *queue);
/* Back to where it was in the walk: before queue->sweep. */
void errand_ready_swept(struct queue *queue, struct errand *errand);

/* NULL of NULL. */
struct errand *errand_of(struct due *due);

/*
 * Where among the recipients the next attempt begins, so that more of them
 * than fit a transaction all have their turn; 0 after a wait.  kept: some
 * before that place are to be tried again after a back-off.
 */
size_t errand_offset(const struct errand *errand);
void errand_set_offset(struct errand *errand, size_t offset, bool kept);
bool errand_kept(const struct errand *errand);

/* Attempts that were made, and what was said about it. */
unsigned errand_attempts(const struct errand *errand);
void errand_attempted(struct errand *errand);
bool errand_told(const struct errand *errand); /* its delay, to the sender */
void errand_set_told(struct errand *errand, bool told);
bool errand_mentioned(const struct errand *errand); /* its wait, in the log */
void errand_set_mentioned(struct errand *errand, bool mentioned);

#endif
