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

struct flows {
	struct due_line lines[CLIENTS][SENDERS];
	uint32_t clients;          /* a bit for each that has some */
	uint16_t senders[CLIENTS]; /* likewise */
	/* whose turn it is, or the next above that has some */
	unsigned client, sender[CLIENTS];
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

static struct due_line *
line_of(struct turns *turns, const struct errand *errand)
{
	return turns->flows == NULL ?
	    &turns->few :
	    &turns->flows->lines[client_of(errand)][sender_of(errand)];
}

static struct errand *
errand_or_null(struct due *due)
{
	return due == NULL ? NULL : errand_of(due);
}

void
turns_init(struct turns *turns)
{
	*turns = (struct turns){ .flows = NULL };
	TAILQ_INIT(&turns->few);
}

/* ---- the bits ---- */

static void
mark(struct flows *flows, unsigned client, unsigned sender)
{
	if (TAILQ_EMPTY(&flows->lines[client][sender]))
		flows->senders[client] &= (uint16_t) ~(1u << sender);
	else
		flows->senders[client] |= (uint16_t)(1u << sender);
	if (flows->senders[client] == 0)
		flows->clients &= ~((uint32_t)1 << client);
	else
		flows->clients |= (uint32_t)1 << client;
}

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
add(struct turns *turns, struct errand *errand, bool in_front)
{
	struct due_line *line = line_of(turns, errand);

	if (in_front)
		TAILQ_INSERT_HEAD(line, &errand->due, line);
	else
		TAILQ_INSERT_TAIL(line, &errand->due, line);
	if (turns->flows != NULL)
		mark(turns->flows, client_of(errand), sender_of(errand));
}

/* From one line to a line for each origin. */
static void
spread(struct turns *turns)
{
	struct flows *flows = xcalloc(1, sizeof(*flows));
	unsigned client, sender;
	struct due *due;

	for (client = 0; client < CLIENTS; client++)
		for (sender = 0; sender < SENDERS; sender++)
			TAILQ_INIT(&flows->lines[client][sender]);
	turns->flows = flows;
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

void
turns_remove(struct turns *turns, struct errand *errand)
{
	TAILQ_REMOVE(line_of(turns, errand), &errand->due, line);
	if (turns->flows != NULL)
		mark(turns->flows, client_of(errand), sender_of(errand));
	if (--turns->count == 0) {
		free(turns->flows);
		turns->flows = NULL;
	}
}

/* ---- turns ---- */

struct errand *
turns_next(const struct turns *turns)
{
	const struct flows *flows = turns->flows;
	unsigned client, sender;

	if (flows == NULL)
		return errand_or_null(TAILQ_FIRST(&turns->few));
	client = next_bit(flows->clients, flows->client);
	sender = next_bit(flows->senders[client], flows->sender[client]);
	return errand_of(TAILQ_FIRST(&flows->lines[client][sender]));
}

void
turns_pass(struct turns *turns, const struct errand *errand)
{
	struct flows *flows = turns->flows;
	unsigned client = client_of(errand);

	if (flows == NULL)
		return;
	flows->client = (client + 1) % CLIENTS;
	flows->sender[client] = (sender_of(errand) + 1) % SENDERS;
}

/* ---- the walk ---- */

struct errand *
turns_first(const struct turns *turns)
{
	const struct flows *flows = turns->flows;
	unsigned client, sender;

	if (flows == NULL)
		return errand_or_null(TAILQ_FIRST(&turns->few));
	client = first_bit(flows->clients);
	sender = first_bit(flows->senders[client]);
	return errand_of(TAILQ_FIRST(&flows->lines[client][sender]));
}

struct errand *
turns_after(const struct turns *turns, const struct errand *errand)
{
	const struct flows *flows = turns->flows;
	const struct due *next = TAILQ_NEXT(&errand->due, line);
	unsigned client = client_of(errand);
	uint32_t above;

	if (next != NULL || flows == NULL)
		return errand_or_null(TAILQ_NEXT(&errand->due, line));
	above = flows->senders[client] & ~(uint32_t)1 << sender_of(errand);
	if (above == 0) {
		above = flows->clients & ~(uint32_t)1 << client;
		if (above == 0)
			return NULL;
		client = first_bit(above);
		above = flows->senders[client];
	}
	return errand_of(TAILQ_FIRST(&flows->lines[client][first_bit(above)]));
}

void
turns_put_back(struct turns *turns, struct errand *errand, struct errand *next)
{
	if (next == NULL || line_of(turns, errand) != line_of(turns, next)) {
		turns_add(turns, errand, false);
		return;
	}
	TAILQ_INSERT_BEFORE(&next->due, &errand->due, line);
	turns->count++;
}
