/*
 * undo - a batch that failed.
 *
 * Job:     make it as if the batch had not been, but for its segments: refuse
 *          the messages, keep the results for the next batch, put moved
 *          entries back, retire what was written to.
 * Called:  by batch.c, when a write or the sync of a batch failed.
 * Owns:    nothing.
 * Never:   tries the same segment again: after an error nobody knows what
 *          lies there.  What was acknowledged before stays readable.
 */
#include "spool/undo.h"

#include <errno.h>
#include <string.h>

#include "spool/inside.h"
#include "spool/settle.h"

/* The entries are where they were; the copies may lie there as strays. */
static void
take_back_moves(struct spool *spool)
{
	struct batch *batch = &spool->batch;
	struct spool_entry *entry;
	struct move *move;

	while (batch->move_count > 0) {
		move = &batch->moves[--batch->move_count];
		entry = entries_find(&spool->entries, move->id);
		if (entry == NULL) {
			/* It ended meanwhile, in all its copies. */
			journal_lose(&spool->journal, move->from,
			    (uint64_t)move->from_size * RECORD_ALIGN);
			continue;
		}
		journal_lose(&spool->journal, move->to,
		    (uint64_t)move->to_size * RECORD_ALIGN);
		strays_add(&spool->strays, move->id, move->to->generation);
		entry->segment = move->from->slot;
		entry->place = move->from_place;
		entry->size = move->from_size;
		settle_restate(spool, entry);
	}
	if (batch->emptied != NULL)
		batch->emptied->copied = false;
	batch->emptied = NULL;
	copier_reset(spool);
}

/* What rode in the batch rides in the next one, ahead of the rest. */
static void
take_back(struct buf *batch, struct buf *pending)
{
	struct buf first = *batch;

	buf_add(&first, buf_span(pending));
	*batch = *pending;
	buf_empty(batch);
	*pending = first;
}

/*
 * A refused message whose record may have reached the disk is ended, so that
 * it is not delivered after a restart to somebody who sent it again.
 */
static void
refuse(struct spool *spool, struct intake *intake)
{
	intake_move(intake, &spool->batch.failed);
	if (intake->generation == 0)
		return;
	settle_end(spool, intake->id, intake->generation);
	if (intake->fd != -1)
		buf_add(&spool->ended_large,
		    span_make((const char *)&intake->id, sizeof(intake->id)));
}

void
undo_batch(struct spool *spool, const char *verb, int error)
{
	struct batch *batch = &spool->batch;
	struct segment *segment;
	struct intake *intake;
	size_t slot = 0;

	/* Once; it is tried again every second. */
	if (!spool->bad)
		spool_say(spool, SPOOL_ERROR,
		    "cannot %s the journal: %s; mail is refused until it works",
		    verb, strerror(error));
	writer_init(&batch->writer, &spool->journal);
	take_back(&batch->results, &spool->results);
	take_back(&batch->ended_large, &spool->ended_large);
	take_back_moves(spool);
	while ((intake = TAILQ_FIRST(&batch->intakes)) != NULL)
		refuse(spool, intake);
	while ((intake = TAILQ_FIRST(&spool->ready)) != NULL)
		refuse(spool, intake);
	while (
	    (segment = journal_next_touched(&spool->journal, &slot)) != NULL) {
		spool_say(spool, SPOOL_ERROR,
		    "segment %06u is retired: it is read, not written any more",
		    segment->number);
		journal_retire(&spool->journal, segment);
	}
	batch_free_scratch(batch);
	batch->open = false;
	spool->bad = true;
	spool->bad_full = error == ENOSPC || error == EDQUOT;
	spool->bad_at = spool_now(spool);
}
