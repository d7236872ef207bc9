/*
 * errand - one message that waits for one destination.
 *
 * Job:     keep errands in exactly one place each, and count them there.
 * Called:  by destination.c, attempt.c, router.c and letter.c.
 * Owns:    the errands and the lists of struct queue.
 * Never:   reads a message; decides when something is to be tried.
 */
#include "relayd/delivery/errand.h"

#include <stdlib.h>

#include "base/xalloc.h"

/*
 * due.flags: the place in the low bits; due.count: attempts; due.tick, which
 * is the schedule's only while it waits: where the next attempt begins.
 */
enum {
	FLAG_PLACE = 7,
	FLAG_TOLD = 1 << 3,
	FLAG_MENTIONED = 1 << 4,
	FLAG_KEPT = 1 << 5,
};

static void set_flag(struct errand *errand, unsigned flag, bool on);

/* With the allocator's own word this is 48 bytes for a waiting message. */
_Static_assert(sizeof(struct errand) <= 40, "an errand has grown");

void
queue_init(struct queue *queue, struct queue_totals *totals)
{
	*queue = (struct queue){ .totals = totals };
	turns_init(&queue->ready);
	TAILQ_INIT(&queue->unsorted);
	TAILQ_INIT(&queue->held);
}

bool
queue_empty(const struct queue *queue)
{
	return queue->ready_count == 0 && queue->unsorted_count == 0 &&
	    queue->waiting_count == 0 && queue->held_count == 0 &&
	    queue->out_count == 0;
}

static size_t *
count_of(struct queue *queue, enum errand_place place)
{
	switch (place) {
	case ERRAND_OUT:
		return &queue->out_count;
	case ERRAND_READY:
		return &queue->ready_count;
	case ERRAND_UNSORTED:
		return &queue->unsorted_count;
	case ERRAND_WAITING:
		return &queue->waiting_count;
	case ERRAND_HELD:
		return &queue->held_count;
	}
	abort();
}

static size_t *
total_of(struct queue *queue, enum errand_place place)
{
	switch (place) {
	case ERRAND_OUT:
		return &queue->totals->in_attempt;
	case ERRAND_READY:
		return &queue->totals->ready;
	case ERRAND_UNSORTED:
		return &queue->totals->unsorted;
	case ERRAND_WAITING:
		return &queue->totals->waiting;
	case ERRAND_HELD:
		return &queue->totals->held;
	}
	abort();
}

/* The only assignment to an errand's place. */
static void
move(struct queue *queue, struct errand *errand, enum errand_place place)
{
	(*count_of(queue, errand_place(errand)))--;
	(*count_of(queue, place))++;
	(*total_of(queue, errand_place(errand)))--;
	(*total_of(queue, place))++;
	errand->due.flags &= (uint8_t)~FLAG_PLACE;
	errand->due.flags |= (uint8_t)place;
}

struct errand *
errand_new(struct destination *destination, struct queue *queue,
    struct spool_entry *entry)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	errand->due.kind = DUE_ERRAND;
	errand->destination = destination;
	errand->entry = entry;
	queue->out_count++;
	queue->totals->in_attempt++;
	return errand;
}

void
errand_free(struct core *core, struct queue *queue, struct errand *errand)
{
	errand_take(core, queue, errand);
	queue->out_count--;
	queue->totals->in_attempt--;
	free(errand);
}

enum errand_place
errand_place(const struct errand *errand)
{
	return (enum errand_place)(errand->due.flags & FLAG_PLACE);
}

void
errand_take(struct core *core, struct queue *queue, struct errand *errand)
{
	if (queue->sweep == errand)
		errand_sweep_next(queue);
	switch (errand_place(errand)) {
	case ERRAND_OUT:
		return;
	case ERRAND_READY:
		turns_remove(&queue->ready, errand);
		break;
	case ERRAND_UNSORTED:
		TAILQ_REMOVE(&queue->unsorted, &errand->due, line);
		break;
	case ERRAND_HELD:
		TAILQ_REMOVE(&queue->held, &errand->due, line);
		break;
	case ERRAND_WAITING:
		schedule_cancel(&core->schedule, &errand->due);
		errand_set_offset(errand, 0, false);
		break;
	}
	move(queue, errand, ERRAND_OUT);
}

void
errand_ready(struct queue *queue, struct errand *errand, bool in_front)
{
	assert(errand_place(errand) == ERRAND_OUT);
	turns_add(&queue->ready, errand, in_front);
	move(queue, errand, ERRAND_READY);
}

void
errand_hold(struct queue *queue, struct errand *errand)
{
	assert(errand_place(errand) == ERRAND_OUT);
	TAILQ_INSERT_TAIL(&queue->held, &errand->due, line);
	move(queue, errand, ERRAND_HELD);
}

void
errand_unsorted(struct queue *queue, struct errand *errand)
{
	assert(errand_place(errand) == ERRAND_OUT);
	TAILQ_INSERT_TAIL(&queue->unsorted, &errand->due, line);
	move(queue, errand, ERRAND_UNSORTED);
}

void
errand_wait(struct core *core, struct queue *queue, struct errand *errand,
    uint64_t until)
{
	assert(errand_place(errand) == ERRAND_OUT);
	core_schedule(core, &errand->due, until);
	move(queue, errand, ERRAND_WAITING);
}

void
errand_due(struct queue *queue, struct errand *errand)
{
	assert(errand_place(errand) == ERRAND_WAITING);
	move(queue, errand, ERRAND_OUT);
	errand_set_offset(errand, 0, false);
}

struct errand *
errand_take_turn(struct core *core, struct queue *queue)
{
	struct errand *errand = turns_next(&queue->ready);

	if (errand == NULL)
		return NULL;
	turns_pass(&queue->ready, errand);
	errand_take(core, queue, errand);
	return errand;
}

struct errand *
errand_first_ready(const struct queue *queue)
{
	return turns_first(&queue->ready);
}

struct errand *
errand_first_unsorted(const struct queue *queue)
{
	return errand_of(TAILQ_FIRST(&queue->unsorted));
}

struct errand *
errand_first_held(const struct queue *queue)
{
	return errand_of(TAILQ_FIRST(&queue->held));
}

void
errand_sweep_start(struct queue *queue)
{
	queue->sweep = errand_first_ready(queue);
}

void
errand_sweep_next(struct queue *queue)
{
	queue->sweep = turns_after(&queue->ready, queue->sweep);
}

void
errand_ready_swept(struct queue *queue, struct errand *errand)
{
	assert(errand_place(errand) == ERRAND_OUT);
	turns_put_back(&queue->ready, errand, queue->sweep);
	move(queue, errand, ERRAND_READY);
}

struct errand *
errand_of(struct due *due)
{
	/* It is the first member: NULL stays NULL. */
	return (struct errand *)(void *)due;
}

unsigned
errand_attempts(const struct errand *errand)
{
	return errand->due.count;
}

void
errand_attempted(struct errand *errand)
{
	if (errand->due.count < UINT16_MAX)
		errand->due.count++;
}

static void
set_flag(struct errand *errand, unsigned flag, bool on)
{
	unsigned flags = errand->due.flags & ~flag;

	errand->due.flags = (uint8_t)(on ? flags | flag : flags);
}

size_t
errand_offset(const struct errand *errand)
{
	return errand->due.tick;
}

void
errand_set_offset(struct errand *errand, size_t offset, bool kept)
{
	assert(offset <= ENVELOPE_RECIPIENTS_MAX);
	errand->due.tick = (uint32_t)offset;
	set_flag(errand, FLAG_KEPT, kept);
}

bool
errand_kept(const struct errand *errand)
{
	return (errand->due.flags & FLAG_KEPT) != 0;
}

bool
errand_told(const struct errand *errand)
{
	return (errand->due.flags & FLAG_TOLD) != 0;
}

void
errand_set_told(struct errand *errand, bool told)
{
	set_flag(errand, FLAG_TOLD, told);
}

bool
errand_mentioned(const struct errand *errand)
{
	return (errand->due.flags & FLAG_MENTIONED) != 0;
}

void
errand_set_mentioned(struct errand *errand, bool mentioned)
{
	set_flag(errand, FLAG_MENTIONED, mentioned);
}
