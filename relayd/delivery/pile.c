/*
 * pile - the failures that go into the postmaster's summary.
 *
 * Job:     gather them, have the summary sent when it is due, then settle them.
 * Called:  by teller.c; by the spool when a summary is on disk, or not.
 * Owns:    the summary, and who waits for it.
 * Never:   settles what is in no summary on disk.
 */
#include "relayd/delivery/pile.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/router.h"

enum {
	TURN_SETTLES = 256, /* of one turn */
	LOOK_SECONDS = 60,  /* the wall clock may jump: look this often */
	LATER_SECONDS = 30, /* a full or bad spool is asked again */
};

struct piled {
	struct letter *letter; /* held; NULL: gone */
	size_t recipient;
};

struct heap {
	struct piled *items; /* owned */
	size_t count, room;
};

enum sending {
	NOT_SENDING,
	IN_SPOOL,    /* the sync is to come */
	ON_DISK,     /* those in `sent` are settled, some each turn */
	NOT_ON_DISK, /* they are tried again: so they are told again */
};

struct pile {
	struct core *core;       /* borrowed */
	struct summary *summary; /* owned */
	struct heap next;        /* in the summary that is being gathered */
	struct heap sent;        /* in the one that was sent */
	enum sending sending;
	struct due due;
	bool scheduled;
};

struct pile *
pile_new(struct core *core)
{
	struct pile *pile = xcalloc(1, sizeof(*pile));

	pile->core = core;
	pile->summary = summary_new();
	pile->due.kind = DUE_TELLER;
	return pile;
}

/* Lets go of the last one: it is settled, or owed again. */
static struct letter *
pop(struct heap *heap, size_t *recipient)
{
	struct piled *last = &heap->items[--heap->count];

	if (last->letter != NULL)
		last->letter->stories--;
	*recipient = last->recipient;
	return last->letter;
}

static void
abandon(struct heap *heap)
{
	struct letter *letter;
	size_t recipient;

	while (heap->count > 0) {
		letter = pop(heap, &recipient);
		if (letter == NULL)
			continue;
		letter_release(letter, recipient);
		letter_lower(letter);
	}
	free(heap->items);
}

void
pile_free(struct pile *pile)
{
	if (pile->scheduled)
		schedule_cancel(&pile->core->schedule, &pile->due);
	if (pile->sending == IN_SPOOL)
		intake_forget(pile->core->spool, pile);
	abandon(&pile->next);
	abandon(&pile->sent);
	summary_free(pile->summary);
	free(pile);
}

static void
look_in(struct pile *pile, int64_t seconds)
{
	if (pile->scheduled)
		return;
	if (seconds < 1)
		seconds = 1;
	if (seconds > LOOK_SECONDS)
		seconds = LOOK_SECONDS;
	pile->scheduled = true;
	core_schedule(pile->core, &pile->due,
	    loop_now(pile->core->loop) + (uint64_t)seconds * 1000);
}

void
pile_add(struct pile *pile, struct letter *letter, size_t recipient,
    const struct outcome *outcome)
{
	const struct envelope *envelope = letter_envelope(letter);
	int64_t now = loop_wall(pile->core->loop);
	struct heap *heap = &pile->next;

	summary_add(pile->summary, envelope, letter->id,
	    &envelope->recipients[recipient], outcome, now);
	if (heap->count == heap->room) {
		heap->room = heap->room == 0 ? 16 : heap->room * 2;
		heap->items =
		    xrealloc(heap->items, heap->room, sizeof(*heap->items));
	}
	heap->items[heap->count++] =
	    (struct piled){ .letter = letter, .recipient = recipient };
	letter->stories++;
	look_in(pile, summary_due(pile->summary) - now);
}

size_t
pile_count(const struct pile *pile)
{
	return pile->next.count + pile->sent.count;
}

static void
forget_in(struct heap *heap, const struct letter *letter)
{
	size_t i;

	for (i = 0; i < heap->count; i++)
		if (heap->items[i].letter == letter)
			heap->items[i].letter = NULL;
}

void
pile_forget(struct pile *pile, const struct letter *letter)
{
	forget_in(&pile->next, letter);
	forget_in(&pile->sent, letter);
}

static void
committed(void *owner, enum commit_result result)
{
	struct pile *pile = owner;

	pile->sending = result == COMMITTED ? ON_DISK : NOT_ON_DISK;
	core_wake(pile->core);
}

static bool
send(struct pile *pile, int64_t now)
{
	if (!summary_send(pile->summary, pile->core->spool, pile->core->conf,
		now, committed, pile))
		return false;
	assert(pile->sent.count == 0);
	free(pile->sent.items);
	pile->sent = pile->next;
	pile->next = (struct heap){ .count = 0 };
	pile->sending = IN_SPOOL;
	pile->core->counts.notices++;
	return true;
}

void
pile_due(struct pile *pile)
{
	int64_t now = loop_wall(pile->core->loop);

	pile->scheduled = false;
	if (pile->next.count == 0)
		return;
	if (pile->sending != NOT_SENDING)
		look_in(pile, LATER_SECONDS);
	else if (summary_due(pile->summary) > now)
		look_in(pile, summary_due(pile->summary) - now);
	else if (!send(pile, now))
		look_in(pile, LATER_SECONDS);
}

static void
settle_one(struct core *core, struct letter *letter, size_t recipient)
{
	struct settlement settlement = {
		.recipient = recipient,
		.how = FAILED,
	};

	if (letter_settle(letter, core->spool, &settlement, 1))
		router_ended(core->router, letter);
	else
		router_rest(core->router, letter);
}

bool
pile_turn(struct pile *pile)
{
	struct letter *letter;
	size_t recipient;
	int i;

	if (pile->sending != ON_DISK && pile->sending != NOT_ON_DISK)
		return false;
	for (i = 0; i < TURN_SETTLES && pile->sent.count > 0; i++) {
		letter = pop(&pile->sent, &recipient);
		if (letter == NULL)
			continue;
		if (pile->sending == ON_DISK) {
			settle_one(pile->core, letter, recipient);
		} else {
			letter_release(letter, recipient);
			router_again(pile->core->router, letter);
		}
	}
	if (pile->sent.count > 0)
		return true;
	pile->sending = NOT_SENDING;
	return false;
}
