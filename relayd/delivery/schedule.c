/*
 * schedule - what is due when.
 *
 * Job:     keep up to millions of due times; give out those that have come.
 * Called:  by delivery's pump, errands, destinations and stories.
 * Owns:    the rings; the entries belong to whoever embeds them.
 * Never:   allocates, reads a clock, or calls anybody.
 */
#include "relayd/delivery/schedule.h"

#include "base/xalloc.h"
#include "relayd/net/loop.h"

enum {
	RING_BITS = 8,
	SLOT_MASK = SCHEDULE_SLOTS - 1,
	FURTHEST = (1 << (RING_BITS * SCHEDULE_RINGS)) - SCHEDULE_SLOTS * 256,
};

void
schedule_init(struct schedule *schedule, uint64_t now)
{
	*schedule = (struct schedule){ .start = now };
}

/* The first tick at which ms has come. */
static uint32_t
tick_at(const struct schedule *schedule, uint64_t ms)
{
	uint64_t ahead, ticks;

	if (ms <= schedule->start)
		return 0;
	ahead = ms - schedule->start;
	ticks = ahead / SCHEDULE_TICK_MS + (ahead % SCHEDULE_TICK_MS != 0);
	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

/* The last tick that has wholly come. */
static uint32_t
tick_now(const struct schedule *schedule, uint64_t now)
{
	uint64_t ticks;

	if (now < schedule->start)
		return 0;
	ticks = (now - schedule->start) / SCHEDULE_TICK_MS;
	return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

/*
 * Into the innermost ring that reaches as far.  An entry beyond the outermost
 * waits in its last slot and is placed again when that comes round.
 */
static void
place(struct schedule *schedule, struct due *due)
{
	uint32_t ahead = due->tick - schedule->tick, tick = due->tick;
	struct schedule_ring *ring = schedule->rings;
	unsigned shift = 0, slot;

	if (ahead > FURTHEST) {
		ahead = FURTHEST;
		tick = schedule->tick + FURTHEST;
	}
	for (; ahead >= SCHEDULE_SLOTS; ahead >>= RING_BITS) {
		shift += RING_BITS;
		ring++;
	}
	slot = (tick >> shift) & SLOT_MASK;
	LIST_INSERT_HEAD(&ring->slots[slot], due, slot);
	ring->used[slot / 64] |= UINT64_C(1) << slot % 64;
}

void
schedule_add(struct schedule *schedule, struct due *due, uint64_t at)
{
	due->tick = tick_at(schedule, at);
	if (due->tick <= schedule->tick)
		due->tick = schedule->tick + 1; /* this tick was given out */
	schedule->count++;
	place(schedule, due);
}

void
schedule_cancel(struct schedule *schedule, struct due *due)
{
	assert(schedule->count > 0);
	LIST_REMOVE(due, slot);
	schedule->count--;
}

/* Steps between slot `from` and the next used one, 1 to 256; 0: none is. */
static unsigned
steps_to_used(const struct schedule_ring *ring, unsigned from)
{
	unsigned step = 1, slot;
	uint64_t word;

	while (step <= SCHEDULE_SLOTS) {
		slot = (from + step) & SLOT_MASK;
		word = ring->used[slot / 64] >> slot % 64;
		if (word != 0) {
			step += (unsigned)__builtin_ctzll(word);
			return step <= SCHEDULE_SLOTS ? step : 0;
		}
		step += 64 - slot % 64;
	}
	return 0;
}

/* The next tick at which a slot of some ring has its turn. */
static bool
next_turn(const struct schedule *schedule, uint32_t *tick)
{
	unsigned r, shift, steps;
	uint32_t turn;
	bool any = false;

	for (r = 0; r < SCHEDULE_RINGS; r++) {
		shift = r * RING_BITS;
		steps = steps_to_used(&schedule->rings[r],
		    (schedule->tick >> shift) & SLOT_MASK);
		if (steps == 0)
			continue;
		turn = ((schedule->tick >> shift) + steps) << shift;
		if (!any || turn < *tick)
			*tick = turn;
		any = true;
	}
	return any;
}

/* Takes a slot's entries off, as a chain of slot.le_next, and its mark. */
static struct due *
empty_slot(struct schedule_ring *ring, unsigned slot)
{
	struct due *first = LIST_FIRST(&ring->slots[slot]);

	LIST_INIT(&ring->slots[slot]);
	ring->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	return first;
}

/* An outer ring's slot has its turn: its entries move inward. */
static void
cascade(struct schedule *schedule, unsigned r)
{
	unsigned slot = (schedule->tick >> (r * RING_BITS)) & SLOT_MASK;
	struct due *due, *next;

	due = empty_slot(&schedule->rings[r], slot);
	for (; due != NULL; due = next) {
		next = LIST_NEXT(due, slot);
		place(schedule, due);
	}
}

static void
advance(struct schedule *schedule, uint32_t tick)
{
	unsigned r;

	schedule->tick = tick;
	for (r = SCHEDULE_RINGS - 1; r > 0; r--)
		if ((tick & ((1U << (r * RING_BITS)) - 1)) == 0)
			cascade(schedule, r);
}

struct due *
schedule_pop(struct schedule *schedule, uint64_t now)
{
	uint32_t last, tick;
	struct due_list *slot;
	struct due *due;

	last = tick_now(schedule, now);
	for (;;) {
		slot = &schedule->rings[0].slots[schedule->tick & SLOT_MASK];
		due = LIST_FIRST(slot);
		if (due != NULL) {
			schedule_cancel(schedule, due);
			return due;
		}
		(void)empty_slot(&schedule->rings[0],
		    schedule->tick & SLOT_MASK);
		if (!next_turn(schedule, &tick) || tick > last)
			break;
		advance(schedule, tick);
	}
	if (last > schedule->tick)
		schedule->tick = last; /* nothing has its turn on the way */
	return NULL;
}

uint64_t
schedule_next(const struct schedule *schedule)
{
	uint32_t tick = schedule->tick;

	if (schedule->count == 0)
		return LOOP_NEVER;
	if (LIST_EMPTY(&schedule->rings[0].slots[tick & SLOT_MASK]) &&
	    !next_turn(schedule, &tick))
		return LOOP_NEVER;
	return schedule->start + (uint64_t)tick * SCHEDULE_TICK_MS;
}

void
schedule_take(struct schedule *schedule,
    bool (*wanted)(void *owner, const struct due *due), void *owner,
    struct due_line *taken)
{
	struct due *due, *next;
	unsigned r, s;

	for (r = 0; r < SCHEDULE_RINGS; r++) {
		for (s = 0; s < SCHEDULE_SLOTS; s++) {
			due = LIST_FIRST(&schedule->rings[r].slots[s]);
			for (; due != NULL; due = next) {
				next = LIST_NEXT(due, slot);
				if (!wanted(owner, due))
					continue;
				schedule_cancel(schedule, due);
				TAILQ_INSERT_TAIL(taken, due, line);
			}
		}
	}
}

uint64_t
schedule_when(const struct schedule *schedule, const struct due *due)
{
	return schedule->start + (uint64_t)due->tick * SCHEDULE_TICK_MS;
}
