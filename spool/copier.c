/*
 * copier - copying forward.
 *
 * Job:     write the few live messages and results of an old segment again at
 *          the head of the log, a piece with each batch.
 * Called:  by keeper.c (choosing) and batch.c (a step with each batch).
 * Owns:    the place it has come to.
 * Never:   frees the old segment: it dies like any other, after the sync that
 *          covers the last of the copies.
 */
#include "spool/copier.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/domains.h"
#include "spool/file.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/reader.h"

enum {
	FEW = 8,   /* under one FEWth of the segment is live */
	YOUNG = 4, /* so many newer lives, and it is not young any more */
	STEP = 512 << 10, /* bytes a batch */
};

static bool
worth_it(const struct spool *spool, const struct segment *segment)
{
	const struct segment *head = spool->journal.head;

	return segment->state == SEGMENT_SEALED && !segment->copied &&
	    !segment->keep && segment->live > 0 &&
	    segment->live < segment->size / FEW && head != NULL &&
	    head->generation - segment->generation >= YOUNG;
}

void
copier_choose(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct copier *copier = &spool->copier;
	struct segment *segment;
	size_t i;

	if (copier->from != NULL)
		return;
	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment == NULL || !worth_it(spool, segment))
			continue;
		segment->copied = true;
		buf_init(&copier->items, segment->size);
		if (journal_fd(journal, segment) == -1 ||
		    !segment_read_index(spool->disk, segment, &copier->items)) {
			buf_clear(&copier->items);
			continue;
		}
		copier->from = segment;
		copier->rest = buf_span(&copier->items);
		return;
	}
}

bool
copier_wanted(const struct spool *spool)
{
	return spool->copier.from != NULL;
}

/* The record again, with who is settled by now; its head is to come. */
static unsigned char *
make_copy(struct spool *spool, const struct spool_entry *entry,
    const struct record *old, const unsigned char *bytes, struct record *record)
{
	uint64_t tail = old->prefix_len + record_inline_len(old);
	unsigned char *copy, *state;

	*record = *old;
	record->state_len =
	    entry->settled_count == 0 ? 0 : (record->recipient_count + 7) / 8;
	copy = batch_scratch(spool, record_size(record));
	memcpy(copy + record_meta_at(record), bytes + record_meta_at(old),
	    record->envelope_len);
	state = copy + record_meta_at(record) + record->envelope_len;
	if (record->state_len > 0)
		entry_state(entry, state, record->state_len);
	if (tail > 0)
		memcpy(state + record->state_len, bytes + record_prefix_at(old),
		    tail);
	record->meta_sum =
	    record_sum(copy + record_meta_at(record), record_meta_len(record));
	return copy;
}

static bool
write_copy(struct spool *spool, struct spool_entry *entry,
    struct record *record, unsigned char *copy, struct span domains)
{
	const unsigned char *meta = copy + record_meta_at(record);
	struct index_message message = {
		.id = record->id,
		.arrival = record->arrival,
		.size = record_size(record),
		.recipient_count = record->recipient_count,
		.flow = entry->flow,
		.flags = record->flags,
		.domains = domains,
		.state = span_make((const char *)meta + record->envelope_len,
		    record->state_len),
	};
	struct segment *head;

	head = writer_place(&spool->batch.writer, message.size,
	    index_message_len(&message), spool->last_id);
	if (head == NULL)
		return false;
	message.at = head->end - message.size;
	record->generation = head->generation;
	record_encode(record, head->secret, message.at, copy);
	writer_add(&spool->batch.writer, copy, message.size);
	index_add_message(&head->index, &message);
	if (record->id > head->id_max)
		head->id_max = record->id;
	batch_moved(spool, entry, head, message.at, message.size);
	return true;
}

static bool
copy_sound(struct spool *spool, struct spool_entry *entry,
    const struct record *old, const unsigned char *bytes)
{
	struct span stored =
	    span_make((const char *)bytes + record_meta_at(old),
		old->envelope_len);
	struct envelope envelope;
	struct record record;
	unsigned char *copy;
	char *domains;
	bool written;
	size_t len;

	if (!envelope_decode(stored, &envelope))
		return true;
	domains = domains_of(&envelope, &len);
	envelope_clear(&envelope);
	copy = make_copy(spool, entry, old, bytes, &record);
	written =
	    write_copy(spool, entry, &record, copy, span_make(domains, len));
	free(domains);
	return written;
}

/* Whole and right, or not: then it stays where it is. */
static bool
is_sound(struct spool *spool, const struct spool_entry *entry,
    const struct record *record, const unsigned char *bytes, uint64_t size)
{
	uint64_t inside = record_inline_len(record);

	if (record->id != entry->id || record_size(record) != size ||
	    record->recipient_count != entry->recipient_count ||
	    record_sum(bytes + record_meta_at(record),
		record_meta_len(record)) != record->meta_sum)
		return false;
	/* A state and a longer item must still fit a segment. */
	if (size + 2 * (uint64_t)record->recipient_count + 1024 >
	    spool->journal.segment_size - SEGMENT_RECORDS)
		return false;
	return record->flags & RECORD_LARGE ||
	    record_sum(bytes + size - inside, inside) == record->content_sum;
}

static bool
copy_message(struct spool *spool, const struct index_message *message)
{
	struct segment *from = spool->copier.from;
	struct spool_entry *entry;
	struct record record;
	unsigned char *bytes;
	ssize_t n;

	entry = entries_find(&spool->entries, message->id);
	if (entry == NULL || spool_segment(spool, entry) != from ||
	    (uint64_t)entry->place * RECORD_ALIGN != message->at ||
	    message->size > from->size || message->size < RECORD_HEAD)
		return true;
	bytes = batch_scratch(spool, message->size);
	n = file_read(spool->disk, from->fd, bytes, message->size, message->at);
	if (n == -1 || (uint64_t)n < message->size ||
	    !record_decode(bytes, from->generation, from->secret, message->at,
		&record) ||
	    !is_sound(spool, entry, &record, bytes, message->size))
		return true;
	return copy_sound(spool, entry, &record, bytes);
}

/* Results that are needed elsewhere ride again. */
static void
copy_result(struct spool *spool, const struct index_item *item)
{
	const struct index_result *result = &item->result;
	struct spool_entry *entry;
	struct segment *about;

	about = journal_find(&spool->journal, result->generation);
	if (about == NULL || about == spool->copier.from)
		return;
	entry = entries_find(&spool->entries, result->id);
	if (result->end || about->keep ||
	    (entry != NULL && spool_segment(spool, entry) == about))
		buf_add(&spool->results, item->bytes);
}

bool
copier_step(struct spool *spool)
{
	struct copier *copier = &spool->copier;
	struct index_item item;
	uint64_t copied = 0;

	if (copier->from == NULL)
		return true;
	if (journal_fd(&spool->journal, copier->from) == -1) {
		copier_reset(spool);
		return true;
	}
	while (copied < STEP && index_next(&copier->rest, &item)) {
		copied += item.bytes.len;
		if (item.kind == INDEX_RESULT) {
			copy_result(spool, &item);
		} else {
			copied += item.message.size;
			if (!copy_message(spool, &item.message))
				return false;
		}
	}
	if (copied < STEP) {
		if (copier->rest.len == 0)
			spool->batch.emptied = copier->from;
		copier->from = NULL;
		buf_clear(&copier->items);
	}
	return true;
}

void
copier_reset(struct spool *spool)
{
	struct copier *copier = &spool->copier;

	if (copier->from != NULL)
		copier->from->copied = false;
	copier->from = NULL;
	buf_clear(&copier->items);
}

void
copier_clear(struct spool *spool)
{
	buf_clear(&spool->copier.items);
}
