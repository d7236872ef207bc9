/*
 * batch - group commit: one write and one sync for all that waits.
 *
 * Job:     write everything uncommitted to the head of the log; when the
 *          sync has returned, make it owed, or take it back.
 * Called:  by turn.c, before a sync job is handed over and after it ended.
 * Owns:    the batch, and the only way from "received" to "owed".
 * Never:   says COMMITTED before the sync that covers the record returned
 *          without error; never trusts a segment again after an error.
 *
 * The legal states of a message on disk.  What is true of the whole is
 * derived from single records: a message is owed exactly when a whole record
 * of it is there and no end is.  Recovery (load.c) asks nothing else, and the
 * order in which records reached the disk does not matter to it.
 *
 *   state      journal               large/ID    touched by  after a crash
 *   RECEIVING  nothing               being made  intake.c    file removed
 *   FILED      nothing               durable     intake.c    file removed
 *   WRITTEN    record, not synced    durable     batch.c     whole: owed (no
 *                                                            250 was said, but
 *                                                            it is all there);
 *                                                            torn: set aside
 *   OWED       record, synced        durable     settle.c    owed
 *   PARTLY     record and marks      durable     settle.c    owed, without the
 *                                                            marked recipients
 *   MOVED      two records, one ID   durable     copier.c    owed; the later
 *                                                            life counts, the
 *                                                            other is a stray
 *   ENDED      record(s), an end     may be      settle.c    file removed
 *              for each life         removed
 *   GONE       no record             nothing     keeper.c    nothing
 *   REFUSED    perhaps a record in   until the   batch.c     owed only if the
 *              a retired segment;    end is                  end was lost too
 *              an end later          durable
 *
 * An end, and marks, name the life (generation) their record lies in, and are
 * kept, or copied, until that life is gone from the disk: journal_tomb().
 */
#include "spool/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/large.h"
#include "spool/record.h"
#include "spool/undo.h"

#define RETRY_US 1000000 /* a bad disk is tried again after this */

enum {
	RESULTS_MAX = 64 << 10 /* bytes of items in one record */
};

void
batch_init(struct spool *spool)
{
	struct batch *batch = &spool->batch;

	writer_init(&batch->writer, &spool->journal);
	TAILQ_INIT(&batch->intakes);
	TAILQ_INIT(&batch->failed);
	buf_init(&batch->results, spool->results.max);
	buf_init(&batch->ended_large, spool->ended_large.max);
}

void
batch_free_scratch(struct batch *batch)
{
	while (batch->scratch_count > 0)
		free(batch->scratch[--batch->scratch_count]);
}

void
batch_clear(struct spool *spool)
{
	struct batch *batch = &spool->batch;

	batch_free_scratch(batch);
	free(batch->scratch);
	free(batch->moves);
	buf_clear(&batch->results);
	buf_clear(&batch->ended_large);
}

void *
batch_scratch(struct spool *spool, size_t len)
{
	struct batch *batch = &spool->batch;

	if (batch->scratch_count == batch->scratch_size) {
		batch->scratch_size =
		    batch->scratch_size == 0 ? 16 : 2 * batch->scratch_size;
		batch->scratch = xrealloc(batch->scratch, batch->scratch_size,
		    sizeof(*batch->scratch));
	}
	return batch->scratch[batch->scratch_count++] = xcalloc(len, 1);
}

bool
batch_wanted(struct spool *spool)
{
	/* Whoever waits for an answer gets one now, whatever the disk did. */
	if (!TAILQ_EMPTY(&spool->ready))
		return true;
	if (spool->bad)
		return spool_since(spool, spool->bad_at, RETRY_US);
	return spool->results.len > 0 || copier_wanted(spool);
}

/* ---- writing ---- */

/* One record of results; accounts for how long each is needed. */
static bool
write_results(struct spool *spool, struct span items)
{
	struct record record = {
		.kind = RECORD_RESULTS,
		.content_len = items.len,
		.content_sum = record_sum(items.data, items.len),
	};
	uint64_t size = record_size(&record), at = record_meta_at(&record);
	struct span rest = items;
	struct index_item item;
	struct segment *head;
	unsigned char *bytes;

	head =
	    writer_place(&spool->batch.writer, size, items.len, spool->last_id);
	if (head == NULL)
		return false;
	bytes = batch_scratch(spool, size);
	record.generation = head->generation;
	record_encode(&record, head->secret, head->end - size, bytes);
	if (items.len > 0)
		memcpy(bytes + at, items.data, items.len);
	writer_add(&spool->batch.writer, bytes, size);
	buf_add(&head->index, items);
	while (index_next(&rest, &item))
		journal_tomb(head, item.result.generation, item.bytes.len);
	return true;
}

/* All that are still needed, in records of a bounded size. */
static bool
write_all_results(struct spool *spool)
{
	size_t most = spool->journal.segment_size / 4;
	struct span rest = buf_span(&spool->batch.results);
	struct index_item item;
	bool written = true;
	struct buf items;

	buf_init(&items, most < RESULTS_MAX ? most : RESULTS_MAX);
	while (written && index_next(&rest, &item)) {
		if (journal_find(&spool->journal, item.result.generation) ==
		    NULL)
			continue;
		if (item.bytes.len > items.max - items.len) {
			written = write_results(spool, buf_span(&items));
			buf_empty(&items);
		}
		buf_add(&items, item.bytes);
	}
	/* An empty one proves that a disk that was bad can be written. */
	if (written && (items.len > 0 || spool->bad))
		written = write_results(spool, buf_span(&items));
	buf_clear(&items);
	return written;
}

static bool
write_intake(struct spool *spool, struct intake *intake)
{
	struct record *record = &intake->record;
	uint64_t size = record_size(record);
	struct index_message message = {
		.id = intake->id,
		.arrival = record->arrival,
		.size = size,
		.recipient_count = record->recipient_count,
		.flow = intake->flow,
		.flags = record->flags,
		.domains = span_make(intake->domains, intake->domains_len),
	};
	struct segment *head;

	head = writer_place(&spool->batch.writer, size,
	    index_message_len(&message), spool->last_id);
	if (head == NULL)
		return false;
	intake->segment = head->slot;
	intake->at = message.at = head->end - size;
	intake->generation = record->generation = head->generation;
	record_encode(record, head->secret, intake->at, intake->meta);
	writer_add(&spool->batch.writer, intake->meta, intake->meta_len);
	writer_add(&spool->batch.writer, intake->memory, intake->len);
	index_add_message(&head->index, &message);
	if (intake->id > head->id_max)
		head->id_max = intake->id;
	return true;
}

static bool
write_intakes(struct spool *spool)
{
	struct batch *batch = &spool->batch;
	struct intake *intake;

	while ((intake = TAILQ_FIRST(&spool->ready)) != NULL) {
		if (intake->failed) {
			intake_move(intake, &batch->failed);
			continue;
		}
		intake_move(intake, &batch->intakes);
		if (!write_intake(spool, intake))
			return false;
	}
	return true;
}

/* Those that wait now are of this batch; later ones are of the next. */
static void
take_pending(struct buf *batch, struct buf *pending)
{
	struct buf empty = *batch;

	assert(batch->len == 0);
	*batch = *pending;
	*pending = empty;
}

/* False: nothing was written after all, and there is nothing to sync. */
static bool
sync_batch(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	bool fresh = false, any = false;
	size_t i;

	for (i = 0; i < journal->slot_count; i++) {
		struct segment *segment = journal->slots[i];

		if (segment == NULL || !segment->touched)
			continue;
		syncer_add(spool->syncer, segment->fd, !segment->fresh,
		    &segment->error);
		fresh = fresh || segment->fresh;
		any = true;
	}
	spool->batch.dir_error = 0;
	if (fresh)
		syncer_add(spool->syncer, journal->dir, false,
		    &spool->batch.dir_error);
	return any;
}

static void
tell_failed(struct spool *spool)
{
	struct intake *intake;

	while ((intake = TAILQ_FIRST(&spool->batch.failed)) != NULL)
		intake_fail(spool, intake, intake->generation == 0);
}

void
batch_write(struct spool *spool)
{
	struct batch *batch = &spool->batch;
	bool written;

	assert(!batch->open);
	if (!batch_wanted(spool))
		return;
	batch->open = true;
	spool->bad_at = spool_now(spool);
	/* The copier first: it adds results. */
	written = copier_step(spool);
	take_pending(&batch->results, &spool->results);
	take_pending(&batch->ended_large, &spool->ended_large);
	written = written && write_all_results(spool) && write_intakes(spool) &&
	    writer_flush(&batch->writer);
	if (!written)
		undo_batch(spool, "write", errno);
	else if (!sync_batch(spool))
		batch_synced(spool);
	tell_failed(spool);
}

/* ---- the sync returned ---- */

static int
first_error(struct spool *spool)
{
	struct segment *segment;
	size_t slot = 0;

	while ((segment = journal_next_touched(&spool->journal, &slot)) != NULL)
		if (segment->error != 0)
			return segment->error;
	return spool->batch.dir_error;
}

static void
finish_moves(struct spool *spool)
{
	struct batch *batch = &spool->batch;
	size_t i;

	for (i = 0; i < batch->move_count; i++)
		journal_lose(&spool->journal, batch->moves[i].from,
		    (uint64_t)batch->moves[i].from_size * RECORD_ALIGN);
	batch->move_count = 0;
	if (batch->emptied != NULL)
		journal_drop_tombs(&spool->journal, batch->emptied);
	batch->emptied = NULL;
}

static void
remove_ended_files(struct spool *spool)
{
	struct buf *ended = &spool->batch.ended_large;
	uint64_t id;

	while (ended->len > 0) {
		memcpy(&id, ended->data, sizeof(id));
		buf_eat(ended, sizeof(id));
		large_unlink(spool, id);
		spool->large_files--;
	}
}

/* From here the message is ours (RFC 5321 4.2.5, 6.1). */
static void
own(struct spool *spool, struct intake *intake)
{
	void (*done)(void *owner, enum commit_result result) = intake->done;
	struct span domains = span_make(intake->domains, intake->domains_len);
	uint64_t size = record_size(&intake->record);
	struct spool_entry *entry;
	char *owned = intake->domains;
	void *owner = intake->owner;

	entry = entries_add(&spool->entries, intake->id,
	    intake->record.recipient_count);
	entry->arrival = intake->record.arrival;
	entry->flow = intake->flow;
	entry->segment = intake->segment;
	entry->place = (uint32_t)(intake->at / RECORD_ALIGN);
	entry->size = (uint32_t)(size / RECORD_ALIGN);
	entry->flags = ENTRY_VERIFIED |
	    (intake->record.flags & RECORD_LARGE ? ENTRY_LARGE : 0u);
	journal_gain(spool->journal.slots[intake->segment], size);
	intake->domains = NULL;
	intake_free(spool, intake);
	if (done != NULL)
		done(owner, COMMITTED);
	if (spool->events.waiting != NULL)
		spool->events.waiting(spool->events.owner, entry, domains);
	free(owned);
}

void
batch_synced(struct spool *spool)
{
	struct batch *batch = &spool->batch;
	struct segment *segment;
	struct intake *intake;
	size_t slot = 0;
	int error;

	if (!batch->open)
		return;
	error = first_error(spool);
	if (error != 0) {
		undo_batch(spool, "sync", error);
		tell_failed(spool);
		return;
	}
	while ((segment = journal_next_touched(&spool->journal, &slot)) != NULL)
		segment->touched = segment->fresh = false;
	batch->open = false;
	buf_empty(&batch->results);
	batch_free_scratch(batch);
	finish_moves(spool);
	remove_ended_files(spool);
	if (spool->bad)
		spool_say(spool, SPOOL_NOTE, "the disk works again");
	spool->bad = false;
	while ((intake = TAILQ_FIRST(&batch->intakes)) != NULL)
		own(spool, intake);
}

/* ---- for the copier ---- */

void
batch_moved(struct spool *spool, struct spool_entry *entry, struct segment *to,
    uint64_t at, uint64_t size)
{
	struct batch *batch = &spool->batch;

	if (batch->move_count == batch->move_size) {
		batch->move_size =
		    batch->move_size == 0 ? 64 : 2 * batch->move_size;
		batch->moves = xrealloc(batch->moves, batch->move_size,
		    sizeof(*batch->moves));
	}
	batch->moves[batch->move_count++] = (struct move){
		.id = entry->id,
		.from = spool_segment(spool, entry),
		.from_place = entry->place,
		.from_size = entry->size,
		.to = to,
		.to_size = (uint32_t)(size / RECORD_ALIGN),
	};
	strays_add(&spool->strays, entry->id,
	    spool_segment(spool, entry)->generation);
	entry->flags |= ENTRY_STRAY;
	entry->segment = to->slot;
	entry->place = (uint32_t)(at / RECORD_ALIGN);
	entry->size = (uint32_t)(size / RECORD_ALIGN);
	journal_gain(to, size);
}
