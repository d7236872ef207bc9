/*
 * letter - a message that is more than one waiting errand.
 *
 * Job:     know a message's errands; open it once for all who read it; know
 *          which recipients somebody already sees to.
 * Called:  by attempt.c, teller.c and router.c.
 * Owns:    struct letter, and the entry's slot.
 * Never:   lets a recipient be in two attempts, or settles what is open.
 */
#include "relayd/delivery/letter.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum {
	WORD_BITS = 64
};

/* Envelope and content, while somebody reads them. */
struct opened {
	struct buf bytes; /* the envelope's texts live here */
	struct envelope envelope;
	struct content content;
};

/* ---- the entry's slot: an errand, or a letter with the low bit set ---- */

static bool
slot_is_letter(void *word)
{
	return ((uintptr_t)word & 1) != 0;
}

static struct letter *
slot_letter(void *word)
{
	return (struct letter *)(void *)((char *)word - 1);
}

static void
slot_set_letter(struct spool_entry *entry, struct letter *letter)
{
	*spool_entry_slot(entry) = (char *)letter + 1;
}

static void
push_errand(struct letter *letter, struct errand *errand)
{
	if (letter->errand_count == letter->errand_room) {
		letter->errand_room =
		    letter->errand_room == 0 ? 1 : letter->errand_room * 2;
		letter->errands = xrealloc(letter->errands, letter->errand_room,
		    sizeof(*letter->errands));
	}
	letter->errands[letter->errand_count++] = errand;
}

void
letter_attach(struct spool_entry *entry, struct errand *errand)
{
	void **slot = spool_entry_slot(entry);

	if (*slot == NULL)
		*slot = errand;
	else
		push_errand(letter_raise(entry), errand);
}

struct errand **
letter_errands(struct spool_entry *entry, size_t *count)
{
	void **slot = spool_entry_slot(entry);

	if (*slot == NULL) {
		*count = 0;
		return NULL;
	}
	if (slot_is_letter(*slot)) {
		*count = slot_letter(*slot)->errand_count;
		return slot_letter(*slot)->errands;
	}
	*count = 1;
	return (struct errand **)slot;
}

struct letter *
letter_raise(struct spool_entry *entry)
{
	void **slot = spool_entry_slot(entry);
	struct letter *letter;

	if (*slot != NULL && slot_is_letter(*slot))
		return slot_letter(*slot);
	letter = xcalloc(1, sizeof(*letter));
	letter->entry = entry;
	letter->id = spool_entry_id(entry);
	if (*slot != NULL)
		push_errand(letter, *slot);
	slot_set_letter(entry, letter);
	return letter;
}

void
letter_detach(struct letter *letter, struct errand *errand)
{
	size_t i;

	for (i = 0; i < letter->errand_count; i++)
		if (letter->errands[i] == errand)
			break;
	assert(i < letter->errand_count);
	letter->errands[i] = letter->errands[--letter->errand_count];
}

void
letter_lower(struct letter *letter)
{
	if (letter->users > 0 || letter->stories > 0 ||
	    letter->taken_count > 0 || letter->errand_count > 1)
		return;
	*spool_entry_slot(letter->entry) =
	    letter->errand_count == 1 ? letter->errands[0] : NULL;
	letter_free(letter);
}

static void
opened_free(struct opened *opened)
{
	envelope_clear(&opened->envelope);
	buf_clear(&opened->bytes);
	free(opened);
}

void
letter_free(struct letter *letter)
{
	if (letter->opened != NULL)
		opened_free(letter->opened);
	free(letter->errands);
	free(letter->taken_many);
	free(letter);
}

bool
letter_open(struct letter *letter, struct spool *spool)
{
	struct opened *opened;

	if (letter->opened != NULL) {
		letter->users++;
		return true;
	}
	opened = xcalloc(1, sizeof(*opened));
	buf_init(&opened->bytes, ENVELOPE_MAX);
	if (!spool_read(spool, letter->entry, &opened->bytes,
		&opened->envelope) ||
	    !content_open(spool, letter->entry, &opened->content)) {
		opened_free(opened);
		return false;
	}
	letter->opened = opened;
	letter->users++;
	return true;
}

void
letter_close(struct letter *letter, struct spool *spool)
{
	assert(letter->users > 0);
	if (--letter->users > 0)
		return;
	content_close(spool, &letter->opened->content);
	opened_free(letter->opened);
	letter->opened = NULL;
}

const struct envelope *
letter_envelope(const struct letter *letter)
{
	return &letter->opened->envelope;
}

const struct content *
letter_content(const struct letter *letter)
{
	return &letter->opened->content;
}

static uint64_t
taken_bit(size_t recipient)
{
	return UINT64_C(1) << recipient % WORD_BITS;
}

static bool
is_taken(const struct letter *letter, size_t recipient)
{
	uint64_t word = 0;

	if (letter->taken_many != NULL)
		word = letter->taken_many[recipient / WORD_BITS];
	else if (recipient < WORD_BITS)
		word = letter->taken_few;
	return (word & taken_bit(recipient)) != 0;
}

bool
letter_owes(const struct letter *letter, struct spool *spool, size_t recipient)
{
	return !is_taken(letter, recipient) &&
	    !spool_settled(spool, letter->entry, recipient);
}

static void
make_many(struct letter *letter)
{
	size_t words = letter->opened->envelope.recipient_count / WORD_BITS;

	letter->taken_many = xcalloc(words + 1, sizeof(uint64_t));
	letter->taken_many[0] = letter->taken_few;
}

void
letter_take(struct letter *letter, size_t recipient)
{
	assert(letter->opened != NULL && !is_taken(letter, recipient));
	if (letter->taken_many == NULL && recipient >= WORD_BITS)
		make_many(letter);
	if (letter->taken_many != NULL)
		letter->taken_many[recipient / WORD_BITS] |=
		    taken_bit(recipient);
	else
		letter->taken_few |= taken_bit(recipient);
	letter->taken_count++;
}

void
letter_release(struct letter *letter, size_t recipient)
{
	assert(is_taken(letter, recipient));
	if (letter->taken_many != NULL)
		letter->taken_many[recipient / WORD_BITS] &=
		    ~taken_bit(recipient);
	else
		letter->taken_few &= ~taken_bit(recipient);
	letter->taken_count--;
}

bool
letter_settle(struct letter *letter, struct spool *spool,
    const struct settlement *settlements, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		letter_release(letter, settlements[i].recipient);
	return count > 0 &&
	    spool_settle(spool, letter->entry, settlements, count);
}
