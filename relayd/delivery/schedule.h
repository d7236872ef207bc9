#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is due when: a wheel of three rings, in ticks of a quarter of a second.
 * Adding and cancelling cost the same at one and at a million entries, and an
 * entry costs no memory beside the struct that its owner embeds.
 */
enum {
	SCHEDULE_TICK_MS = 250,
	SCHEDULE_RINGS = 3,
	SCHEDULE_SLOTS = 256, /* of each ring: 64 s, 4.5 h, 48 days */
	SCHEDULE_WORDS = SCHEDULE_SLOTS / 64,
};

/* A member of its owner.  kind, flags and count are the owner's alone. */
struct due {
	union {
		LIST_ENTRY(due) slot;  /* while scheduled */
		TAILQ_ENTRY(due) line; /* the owner's, while it is not */
	};
	uint32_t tick; /* when; private while scheduled */
	uint8_t kind;
	uint8_t flags;
	uint16_t count;
};
LIST_HEAD(due_list, due);
TAILQ_HEAD(due_line, due);

struct schedule_ring {
	struct due_list slots[SCHEDULE_SLOTS];
	uint64_t
	    used[SCHEDULE_WORDS]; /* a bit for each slot that may hold some */
};

struct schedule {
	uint64_t start; /* monotonic ms of tick 0 */
	uint32_t tick;  /* up to here everything was given out */
	size_t count;
	struct schedule_ring rings[SCHEDULE_RINGS];
};

void schedule_init(struct schedule *schedule, uint64_t now);
/* Due at a monotonic ms, rounded up to a tick: never early.  Not twice. */
void schedule_add(struct schedule *schedule, struct due *due, uint64_t at);
void schedule_cancel(struct schedule *schedule, struct due *due);
/* The monotonic ms from which one that is scheduled is due. */
uint64_t schedule_when(const struct schedule *schedule, const struct due *due);
/* Takes the next one that is due at now out; NULL when there is none. */
struct due *schedule_pop(struct schedule *schedule, uint64_t now);
/*
 * Monotonic ms at which to call schedule_pop() again, LOOP_NEVER when nothing
 * is scheduled.  It may be early (the turn of an outer ring), never late.
 */
uint64_t schedule_next(const struct schedule *schedule);
/* Moves everything that is wanted from the schedule to the end of taken. */
void schedule_take(struct schedule *schedule,
    bool (*wanted)(void *owner, const struct due *due), void *owner,
    struct due_line *taken);

#endif
