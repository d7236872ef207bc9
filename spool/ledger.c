/*
 * ledger - results that were read before their message.
 *
 * Job:     remember, by ID, that a message has ended or who was settled.
 * Called:  by load.c, and by settle.c while loading goes on.
 * Owns:    its table; it lives until everything is loaded.
 * Never:   knows where anything lies.
 */
#include "spool/ledger.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct ledger_row {
	uint64_t id; /* 0: empty; no message has it */
	size_t mark; /* ENDED, or number + 1 of the last mark; 0: none */
	uint64_t generation; /* of the end */
};

struct ledger_mark {
	uint64_t generation;
	uint32_t recipient;
	size_t before; /* number + 1 of the mark before; 0: none */
};

#define ENDED SIZE_MAX

void
ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){ 0 };
}

void
ledger_clear(struct ledger *ledger)
{
	free(ledger->rows);
	free(ledger->marks);
	ledger_init(ledger);
}

static struct ledger_row *
row_of(const struct ledger *ledger, uint64_t id)
{
	size_t at = (id ^ id >> 29) * 0x9e3779b97f4a7c15u >> 20;

	for (;; at++) {
		struct ledger_row *row = &ledger->rows[at & (ledger->size - 1)];
		if (row->id == id || row->id == 0)
			return row;
	}
}

static void
grow(struct ledger *ledger)
{
	struct ledger old = *ledger;
	size_t i;

	ledger->size = old.size == 0 ? 1024 : 2 * old.size;
	ledger->rows = xcalloc(ledger->size, sizeof(*ledger->rows));
	for (i = 0; i < old.size; i++)
		if (old.rows[i].id != 0)
			*row_of(ledger, old.rows[i].id) = old.rows[i];
	free(old.rows);
}

static struct ledger_row *
row_for(struct ledger *ledger, uint64_t id)
{
	struct ledger_row *row;

	if (ledger->size == 0 || ledger->count >= ledger->size / 2)
		grow(ledger);
	row = row_of(ledger, id);
	if (row->id == 0) {
		row->id = id;
		ledger->count++;
	}
	return row;
}

void
ledger_end(struct ledger *ledger, uint64_t id, uint64_t generation)
{
	struct ledger_row *row;

	if (id == 0)
		return;
	row = row_for(ledger, id);
	row->mark = ENDED;
	row->generation = generation;
}

void
ledger_settle(struct ledger *ledger, uint64_t id, uint64_t generation,
    uint32_t recipient)
{
	struct ledger_row *row;

	if (id == 0)
		return;
	row = row_for(ledger, id);
	if (row->mark == ENDED)
		return;
	if (ledger->mark_count == ledger->mark_size) {
		ledger->mark_size =
		    ledger->mark_size == 0 ? 1024 : 2 * ledger->mark_size;
		ledger->marks = xrealloc(ledger->marks, ledger->mark_size,
		    sizeof(*ledger->marks));
	}
	ledger->marks[ledger->mark_count++] =
	    (struct ledger_mark){ generation, recipient, row->mark };
	row->mark = ledger->mark_count;
}

bool
ledger_ended(const struct ledger *ledger, uint64_t id, uint64_t *generation)
{
	const struct ledger_row *row;

	if (ledger->size == 0)
		return false;
	row = row_of(ledger, id);
	*generation = row->generation;
	return row->mark == ENDED;
}

bool
ledger_next(const struct ledger *ledger, uint64_t id, size_t *place,
    uint64_t *generation, uint32_t *recipient)
{
	const struct ledger_mark *found;
	size_t mark = *place;

	if (ledger->size == 0 || mark == ENDED)
		return false;
	if (mark == 0)
		mark = row_of(ledger, id)->mark;
	if (mark == 0 || mark == ENDED)
		return false;
	found = &ledger->marks[mark - 1];
	*generation = found->generation;
	*recipient = found->recipient;
	*place = found->before == 0 ? ENDED : found->before;
	return true;
}
