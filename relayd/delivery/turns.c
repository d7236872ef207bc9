/*
 * turns - whose message goes next.
 *
 * Job:     be fair among the origins of what waits for one destination.
 * Called:  by errand.c.
 * Owns:    the lists of struct turns, not the errands in them.
 * Never:   looks into a message, or at more than a few lists a call.
 */
#include "relayd/delivery/turns.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/errand.h"

enum {
	FEW = 32, /* so many go in order */
	CLIENTS = 32,
	SENDERS = 16, /* of each client */
};

/* Of one client: a line for each of its senders. */
struct row {
	struct due_line lines[SENDERS];
	uint16_t used;   /* a bit for each line that has some */
	unsigned sender; /* whose turn it is, or the next that has some */
};

struct flows {
	struct row *rows[CLIENTS]; /* owned; NULL for those that have none */
	uint32_t used;             /* a bit for each row */
	unsigned client;           /* whose turn it is, or the next above */
};

static unsigned
client_of(const struct errand *errand)
{
	return (unsigned)(spool_entry_flow(errand->entry) >> 8) % CLIENTS;
}

static unsigned
sender_of(const struct errand *errand)
{
	return spool_entry_flow(errand->entry) % SENDERS;
}

static struct row *
row_of(const struct flows *flows, const struct errand *errand)
{
	return flows->rows[client_of(errand)];
}

/* The line that it is in. */
static struct due_line *
line_of(struct turns *turns, const struct errand *errand)
{
	return turns->flows == NULL ?
	    &turns->few :
	    &row_of(turns->flows, errand)->lines[sender_of(errand)];
}

void
turns_init(struct turns *turns)
{
	*turns = (struct turns){ .flows = NULL };
	TAILQ_INIT(&turns->few);
}

/* ---- bits ---- */

/* Some bit is set. */
static unsigned
first_bit(uint32_t bits)
{
	return (unsigned)__builtin_ctz(bits);
}

/* The first that is set from `from` on, and then from the beginning. */
static unsigned
next_bit(uint32_t bits, unsigned from)
{
	uint32_t above = bits & ~(uint32_t)0 << from;

	return first_bit(above != 0 ? above : bits);
}

/* ---- adding and removing ---- */

static void
make_row(struct flows *flows, unsigned client)
{
	struct row *row = xcalloc(1, sizeof(*row));
	unsigned sender;

	for (sender = 0; sender < SENDERS; sender++)
		TAILQ_INIT(&row->lines[sender]);
	flows->rows[client] = row;
	flows->used |= (uint32_t)1 << client;
}

static void
add(struct turns *turns, struct errand *errand, bool in_front)
{
	struct flows *flows = turns->flows;
	struct due_line *line;

	if (flows != NULL) {
		if (row_of(flows, errand) == NULL)
			make_row(flows, client_of(errand));
		row_of(flows, errand)->used |=
		    (uint16_t)(1u << sender_of(errand));
	}
	line = line_of(turns, errand);
	if (in_front)
		TAILQ_INSERT_HEAD(line, &errand->due, line);
	else
		TAILQ_INSERT_TAIL(line, &errand->due, line);
}

/* From one line to a line for each origin. */
static void
spread(struct turns *turns)
{
	struct due *due;

	turns->flows = xcalloc(1, sizeof(*turns->flows));
	while ((due = TAILQ_FIRST(&turns->few)) != NULL) {
		TAILQ_REMOVE(&turns->few, due, line);
		add(turns, errand_of(due), false);
	}
}

void
turns_add(struct turns *turns, struct errand *errand, bool in_front)
{
	if (turns->flows == NULL && turns->count == FEW)
		spread(turns);
	add(turns, errand, in_front);
	turns->count++;
}

/* The origin of this one has none left. */
static void
forget_origin(struct turns *turns, const struct errand *errand)
{
	struct flows *flows = turns->flows;
	struct row *row = row_of(flows, errand);

	row->used &= (uint16_t) ~(1u << sender_of(errand));
	if (row->used != 0)
		return;
	flows->rows[client_of(errand)] = NULL;
	flows->used &= ~((uint32_t)1 << client_of(errand));
	free(row);
	if (flows->used != 0)
		return;
	turns->flows = NULL;
	free(flows);
}

void
turns_remove(struct turns *turns, struct errand *errand)
{
	struct due_line *line = line_of(turns, errand);

	TAILQ_REMOVE(line, &errand->due, line);
	turns->count--;
	if (turns->flows != NULL && TAILQ_EMPTY(line))
		forget_origin(turns, errand);
}

/* ---- turns ---- */

struct errand *
turns_next(const struct turns *turns)
{
	const struct flows *flows = turns->flows;
	const struct row *row;

	if (flows == NULL)
		return errand_of(TAILQ_FIRST(&turns->few));
	row = flows->rows[next_bit(flows->used, flows->client)];
	return errand_of(
	    TAILQ_FIRST(&row->lines[next_bit(row->used, row->sender)]));
}

void
turns_pass(struct turns *turns, const struct errand *errand)
{
	struct flows *flows = turns->flows;

	if (flows == NULL)
		return;
	flows->client = (client_of(errand) + 1) % CLIENTS;
	row_of(flows, errand)->sender = (sender_of(errand) + 1) % SENDERS;
}

/* ---- the walk ---- */

static struct errand *
first_of(const struct row *row)
{
	return errand_of(TAILQ_FIRST(&row->lines[first_bit(row->used)]));
}

struct errand *
turns_first(const struct turns *turns)
{
	const struct flows *flows = turns->flows;

	return flows == NULL ? errand_of(TAILQ_FIRST(&turns->few)) :
			       first_of(flows->rows[first_bit(flows->used)]);
}

struct errand *
turns_after(const struct turns *turns, const struct errand *errand)
{
	const struct flows *flows = turns->flows;
	struct due *next = TAILQ_NEXT(&errand->due, line);
	const struct row *row;
	uint32_t above;

	if (next != NULL || flows == NULL)
		return errand_of(next);
	row = row_of(flows, errand);
	above = row->used & ~(uint32_t)1 << sender_of(errand);
	if (above != 0)
		return errand_of(TAILQ_FIRST(&row->lines[first_bit(above)]));
	above = flows->used & ~(uint32_t)1 << client_of(errand);
	return above == 0 ? NULL : first_of(flows->rows[first_bit(above)]);
}

void
turns_put_back(struct turns *turns, struct errand *errand, struct errand *next)
{
	if (next == NULL ||
	    (turns->flows != NULL &&
		(client_of(errand) != client_of(next) ||
		    sender_of(errand) != sender_of(next)))) {
		turns_add(turns, errand, false);
		return;
	}
	TAILQ_INSERT_BEFORE(&next->due, &errand->due, line);
	turns->count++;
}
