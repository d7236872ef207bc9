/*
 * keeper - the life of segments after they are full.
 *
 * Job:     index and seal what is closed; recycle or unlink what is dead.
 * Called:  by turn.c, after batch_write() and when a job has ended.
 * Owns:    the states from CLOSED on, and the queue of the dying.
 * Never:   seals a segment whose records are not all durable: an index that
 *          is whole must prove that they are.  Never lets go of a result
 *          before the life it is about is gone from the disk.
 *
 *   FREE --head--> HEAD --full--> CLOSED --index written--> SEALING
 *     ^                              |                         |synced
 *     |synced                        |error                    v
 *   DYING <----nothing live----- RETIRED <----error-------- SEALED
 *     |synced, when unlinked                                   |
 *     v                                    nothing live        |
 *   (gone)     DYING <-----------------------------------------+
 *
 * The dying go in order: while the first of the queue is not gone from the
 * disk, no later one is let go of.
 */
#include "spool/keeper.h"

#include <errno.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/orphan.h"

/*
 * Free segments that are kept.  Mail that waits is copied forward after four
 * newer lives (copier.c), and what those held goes free with it: with fewer
 * than that in reserve, a steady flow would unlink segments and make them
 * anew, with zeros, in every round.
 */
enum {
	RESERVE = 6
};

static void
say_failed(struct spool *spool, const struct segment *segment, const char *verb,
    int error)
{
	spool_say(spool, SPOOL_ERROR, "cannot %s segment %06u: %s", verb,
	    segment->number, strerror(error));
}

/* ---- sealing ---- */

static void
seal(struct spool *spool, struct segment *segment)
{
	struct journal *journal = &spool->journal;

	if (segment->unsynced) {
		/* A recovered tail: what was read may not be durable yet. */
		if (journal_fd(journal, segment) != -1)
			syncer_add(spool->syncer, segment->fd, false,
			    &segment->error);
		segment->syncing = segment->fd != -1;
		return;
	}
	if (segment->odd) {
		/* No room for an index, or no place: it stays without. */
		segment->state = SEGMENT_SEALED;
		journal->closed_count--;
		journal->look = true;
		return;
	}
	if (journal_fd(journal, segment) == -1 ||
	    !segment_write_index(spool->disk, segment,
		&journal->bytes_written)) {
		say_failed(spool, segment, "seal", errno);
		journal_retire(journal, segment);
		return;
	}
	buf_clear(&segment->index);
	segment->state = SEGMENT_SEALING;
	journal->closed_count--;
	syncer_add(spool->syncer, segment->fd, true, &segment->error);
}

static void
seal_closed(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment;
	size_t i;

	for (i = 0; i < journal->slot_count && journal->closed_count > 0; i++) {
		segment = journal->slots[i];
		if (segment != NULL && segment->state == SEGMENT_CLOSED &&
		    !segment->touched)
			seal(spool, segment);
	}
}

/* ---- dying ---- */

static bool
is_dead(const struct segment *segment)
{
	return (segment->state == SEGMENT_SEALED ||
		   segment->state == SEGMENT_RETIRED) &&
	    segment->live == 0 && segment->pins == 0 && !segment->keep &&
	    !segment->touched;
}

static void
enqueue(struct spool *spool, struct segment *segment)
{
	struct journal *journal = &spool->journal;

	segment->unlinked = segment->state == SEGMENT_RETIRED || segment->odd ||
	    segment->size != journal->segment_size;
	segment->state = SEGMENT_DYING;
	segment->syncing = false;
	TAILQ_INSERT_TAIL(&journal->dying, segment, dying);
}

/* In the order of their lives, so that copies never outlive their ends. */
static void
enqueue_dead(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment, *oldest;
	size_t i;

	do {
		oldest = NULL;
		for (i = 0; i < journal->slot_count; i++) {
			segment = journal->slots[i];
			if (segment != NULL && is_dead(segment) &&
			    (oldest == NULL ||
				segment->generation < oldest->generation))
				oldest = segment;
		}
		if (oldest != NULL)
			enqueue(spool, oldest);
	} while (oldest != NULL);
}

/* Too many free ones: the oldest go, the latest bears the ID mark. */
static void
trim_reserve(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment, *oldest;
	size_t i;

	while (journal->free_count > RESERVE) {
		oldest = NULL;
		for (i = 0; i < journal->slot_count; i++) {
			segment = journal->slots[i];
			if (segment != NULL && segment->state == SEGMENT_FREE &&
			    (oldest == NULL ||
				segment->generation < oldest->generation))
				oldest = segment;
		}
		if (oldest == NULL)
			return;
		journal->free_count--;
		oldest->state = SEGMENT_RETIRED;
		enqueue(spool, oldest);
	}
}

static bool
unlink_file(struct spool *spool, struct segment *segment)
{
	char name[16];

	journal_name(segment->number, name);
	return spool->disk->unlink(spool->disk->owner, spool->journal.dir,
		   name) == 0 ||
	    errno == ENOENT;
}

/* False: it could not be begun; errno. */
static bool
begin_death(struct spool *spool, struct segment *segment)
{
	struct journal *journal = &spool->journal;

	if (segment->unlinked) {
		if (!unlink_file(spool, segment))
			return false;
		syncer_add(spool->syncer, journal->dir, false, &segment->error);
		return true;
	}
	segment->next_generation = journal->next_generation++;
	segment->next_secret = journal->random();
	if (journal_fd(journal, segment) == -1 ||
	    !segment_write_header(spool->disk, segment,
		segment->next_generation, segment->next_secret, spool->last_id,
		&journal->bytes_written))
		return false;
	syncer_add(spool->syncer, segment->fd, true, &segment->error);
	return true;
}

static void
begin_deaths(struct spool *spool)
{
	struct segment *segment;

	TAILQ_FOREACH(segment, &spool->journal.dying, dying) {
		if (begin_death(spool, segment)) {
			segment->syncing = true;
			continue;
		}
		say_failed(spool, segment, "recycle", errno);
		segment->unlinked = true;
		spool->keeper_failed_at = spool_now(spool);
		return;
	}
}

void
keeper_work(struct spool *spool)
{
	struct journal *journal = &spool->journal;

	seal_closed(spool);
	if (spool->loader != NULL || spool->hold || spool->unsynced_count > 0)
		return;
	orphan_remove(spool);
	if (journal->look) {
		journal->look = false;
		enqueue_dead(spool);
		trim_reserve(spool);
		copier_choose(spool);
	}
	if (!TAILQ_EMPTY(&journal->dying) &&
	    spool_since(spool, spool->keeper_failed_at, 1000000))
		begin_deaths(spool);
}

/* ---- the job has ended ---- */

/* Nothing of that life is on the disk any more. */
static void
release(struct spool *spool, uint64_t generation)
{
	journal_release(&spool->journal, generation);
	strays_release(&spool->strays, generation);
}

static void
begin_next_life(struct spool *spool, struct segment *segment)
{
	release(spool, segment->generation);
	if (spool->journal.found == segment)
		spool->journal.found = NULL;
	segment->generation = segment->next_generation;
	segment->secret = segment->next_secret;
	segment->id_mark = segment->id_max = spool->last_id;
	segment->end = SEGMENT_RECORDS;
	/* Where the last life ended early, blocks may be unwritten. */
	segment->sealed = segment->copied = false;
	assert(segment->live == 0 && segment->tomb_count == 0);
	buf_clear(&segment->index);
	segment->state = SEGMENT_FREE;
	spool->journal.free_count++;
	spool->journal.look = true;
}

static void
finish_deaths(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment;
	uint64_t generation;

	while ((segment = TAILQ_FIRST(&journal->dying)) != NULL) {
		if (!segment->syncing)
			return;
		segment->syncing = false;
		if (segment->error != 0) {
			say_failed(spool, segment, "recycle", segment->error);
			segment->unlinked = true;
			spool->keeper_failed_at = spool_now(spool);
			return;
		}
		TAILQ_REMOVE(&journal->dying, segment, dying);
		if (!segment->unlinked) {
			begin_next_life(spool, segment);
			continue;
		}
		generation = segment->generation;
		journal_forget(journal, segment);
		release(spool, generation);
	}
}

static void
finish_seal(struct spool *spool, struct segment *segment)
{
	if (segment->error == 0) {
		segment->state = SEGMENT_SEALED;
		spool->journal.look = true;
		return;
	}
	say_failed(spool, segment, "seal", segment->error);
	journal_retire(&spool->journal, segment);
}

/* The results in a tail that will never be durable are recorded again. */
static void
record_again(struct spool *spool, const struct segment *segment)
{
	struct span rest = buf_span(&segment->index);
	struct index_item item;

	while (index_next(&rest, &item))
		if (item.kind == INDEX_RESULT)
			buf_add(&spool->results, item.bytes);
}

/* A recovered tail is durable now, or it never will be. */
static void
finish_unsynced(struct spool *spool, struct segment *segment)
{
	segment->syncing = false;
	segment->unsynced = false;
	spool->unsynced_count--;
	if (segment->error == 0)
		return;
	say_failed(spool, segment, "sync", segment->error);
	/* What lies elsewhere too may be needed: this life frees nothing. */
	spool->hold = true;
	record_again(spool, segment);
	journal_retire(&spool->journal, segment);
}

void
keeper_synced(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment;
	size_t i;

	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment == NULL)
			continue;
		if (segment->state == SEGMENT_SEALING)
			finish_seal(spool, segment);
		else if (segment->state == SEGMENT_CLOSED && segment->syncing)
			finish_unsynced(spool, segment);
	}
	finish_deaths(spool);
}
