/*
 * journal - the set of segments.
 *
 * Job:     know every segment, which is written, and how many bytes of each
 *          are still needed.
 * Called:  by the rest of spool/, from the loop's thread.
 * Owns:    the segments and their descriptors.
 * Never:   writes a record, and never decides that a segment is dead:
 *          keeper.c does.
 */
#include "spool/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum {
	OPEN_MAX_SEGMENTS = 256 /* descriptors that are kept */
};

void
journal_init(struct journal *journal, const struct disk *disk,
    uint64_t segment_size, uint64_t (*random)(void))
{
	*journal = (struct journal){
		.disk = disk,
		.dir = -1,
		.segment_size = segment_size,
		.random = random,
		.next_generation = 1,
		.next_number = 1,
	};
	TAILQ_INIT(&journal->dying);
}

void
journal_clear(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->slot_count; i++)
		if (journal->slots[i] != NULL)
			journal_forget(journal, journal->slots[i]);
	free(journal->slots);
	if (journal->dir != -1)
		journal->disk->close(journal->disk->owner, journal->dir);
	*journal = (struct journal){ .dir = -1 };
}

void
journal_name(uint32_t number, char name[16])
{
	snprintf(name, 16, "%06u", number);
}

void
journal_adopt(struct journal *journal, struct segment *segment)
{
	size_t slot = 0;

	while (slot < journal->slot_count && journal->slots[slot] != NULL)
		slot++;
	if (slot == journal->slot_count) {
		journal->slots = xrealloc(journal->slots,
		    journal->slot_count + 1, sizeof(*journal->slots));
		journal->slot_count++;
	}
	segment->slot = (uint32_t)slot;
	journal->slots[slot] = segment;
	journal->segment_count++;
	if (segment->fd != -1)
		journal->open_count++;
	if (segment->state == SEGMENT_FREE)
		journal->free_count++;
	if (segment->number >= journal->next_number)
		journal->next_number = segment->number + 1;
	if (segment->generation >= journal->next_generation)
		journal->next_generation = segment->generation + 1;
}

void
journal_forget(struct journal *journal, struct segment *segment)
{
	journal_close_fd(journal, segment);
	if (journal->found == segment)
		journal->found = NULL;
	if (journal->head == segment)
		journal->head = NULL;
	if (segment->state == SEGMENT_FREE)
		journal->free_count--;
	if (segment->state == SEGMENT_CLOSED)
		journal->closed_count--;
	journal->slots[segment->slot] = NULL;
	journal->segment_count--;
	segment_free(segment);
}

struct segment *
journal_find(struct journal *journal, uint64_t generation)
{
	size_t i;

	if (journal->found != NULL && journal->found->generation == generation)
		return journal->found;
	for (i = 0; i < journal->slot_count; i++)
		if (journal->slots[i] != NULL &&
		    journal->slots[i]->generation == generation)
			return journal->found = journal->slots[i];
	return NULL;
}

void
journal_close_fd(struct journal *journal, struct segment *segment)
{
	if (segment->fd == -1)
		return;
	journal->disk->close(journal->disk->owner, segment->fd);
	segment->fd = -1;
	journal->open_count--;
}

static bool
in_use(const struct segment *segment)
{
	return segment->pins > 0 || segment->touched ||
	    segment->state == SEGMENT_HEAD ||
	    segment->state == SEGMENT_CLOSED ||
	    segment->state == SEGMENT_SEALING ||
	    segment->state == SEGMENT_DYING;
}

/* Closes the descriptor that was not used for the longest time. */
static void
close_oldest(struct journal *journal)
{
	struct segment *segment, *oldest = NULL;
	size_t i;

	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment == NULL || segment->fd == -1 || in_use(segment))
			continue;
		if (oldest == NULL || segment->used_at < oldest->used_at)
			oldest = segment;
	}
	if (oldest != NULL)
		journal_close_fd(journal, oldest);
}

int
journal_fd(struct journal *journal, struct segment *segment)
{
	char name[16];

	segment->used_at = ++journal->uses;
	if (segment->fd != -1)
		return segment->fd;
	if (journal->open_count >= OPEN_MAX_SEGMENTS)
		close_oldest(journal);
	journal_name(segment->number, name);
	segment->fd = journal->disk->open(journal->disk->owner, journal->dir,
	    name, journal->read_only ? O_RDONLY : O_RDWR, 0);
	if (segment->fd != -1)
		journal->open_count++;
	return segment->fd;
}

static struct segment *
first_free(struct journal *journal)
{
	struct segment *segment, *first = NULL;
	size_t i;

	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment == NULL || segment->state != SEGMENT_FREE)
			continue;
		if (first == NULL || segment->generation < first->generation)
			first = segment;
	}
	return first;
}

/* Space for all of it at once, so that no later write runs out of it. */
static bool
allocate(struct journal *journal, struct segment *segment)
{
	const struct disk *disk = journal->disk;

	if (disk->allocate(disk->owner, segment->fd, (off_t)segment->size) == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	return disk->truncate(disk->owner, segment->fd, (off_t)segment->size) ==
	    0;
}

static struct segment *
make(struct journal *journal, uint64_t id_mark)
{
	const struct disk *disk = journal->disk;
	struct segment *segment;
	char name[16];
	int error;

	segment = segment_new(journal->next_number, journal->segment_size);
	journal_name(segment->number, name);
	segment->fd = disk->open(disk->owner, journal->dir, name,
	    O_RDWR | O_CREAT | O_EXCL, 0600);
	if (segment->fd == -1)
		goto no_file;
	segment->generation = journal->next_generation;
	segment->secret = journal->random();
	segment->id_mark = segment->id_max = id_mark;
	segment->fresh = true;
	segment->zeroed = SEGMENT_RECORDS;
	if (!allocate(journal, segment) ||
	    !segment_write_header(disk, segment, segment->generation,
		segment->secret, id_mark, &journal->bytes_written))
		goto no_header;
	journal_adopt(journal, segment);
	return segment;

no_header:
	error = errno;
	disk->close(disk->owner, segment->fd);
	segment->fd = -1;
	disk->unlink(disk->owner, journal->dir, name);
	errno = error;
no_file:
	/* A name that is taken (by a file nobody could read) is passed by. */
	if (errno == EEXIST)
		journal->next_number++;
	error = errno;
	segment_free(segment);
	errno = error;
	return NULL;
}

struct segment *
journal_advance(struct journal *journal, uint64_t id_mark)
{
	struct segment *segment = first_free(journal);

	if (segment == NULL)
		segment = make(journal, id_mark);
	else if (journal_fd(journal, segment) == -1)
		segment = NULL;
	if (segment == NULL)
		return NULL;
	if (journal->head != NULL) {
		journal->head->state = SEGMENT_CLOSED;
		journal->closed_count++;
	}
	if (segment->state == SEGMENT_FREE)
		journal->free_count--;
	segment->state = SEGMENT_HEAD;
	journal->head = segment;
	journal->look = true;
	return segment;
}

void
journal_retire(struct journal *journal, struct segment *segment)
{
	if (segment->state == SEGMENT_CLOSED)
		journal->closed_count--;
	if (segment->state == SEGMENT_FREE)
		journal->free_count--;
	if (journal->head == segment)
		journal->head = NULL;
	segment->state = SEGMENT_RETIRED;
	segment->touched = false;
	buf_clear(&segment->index);
	journal->look = true;
}

void
journal_gain(struct segment *segment, uint64_t bytes)
{
	segment->live += bytes;
}

void
journal_lose(struct journal *journal, struct segment *segment, uint64_t bytes)
{
	assert(bytes <= segment->live);
	segment->live -= bytes;
	if (segment->live == 0)
		journal->look = true;
}

void
journal_tomb(struct segment *segment, uint64_t generation, uint64_t bytes)
{
	struct tomb *tomb;
	size_t i;

	/* What dies with the segment itself needs no keeping. */
	if (generation == segment->generation)
		return;
	segment->live += bytes;
	for (i = segment->tomb_count; i-- > 0;) {
		tomb = &segment->tombs[i];
		if (tomb->generation == generation) {
			tomb->bytes += bytes;
			return;
		}
	}
	segment->tombs = xrealloc(segment->tombs, segment->tomb_count + 1,
	    sizeof(*segment->tombs));
	segment->tombs[segment->tomb_count++] =
	    (struct tomb){ generation, bytes };
}

void
journal_release(struct journal *journal, uint64_t generation)
{
	struct segment *segment;
	size_t i, k;

	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		for (k = 0; segment != NULL && k < segment->tomb_count; k++) {
			if (segment->tombs[k].generation != generation)
				continue;
			journal_lose(journal, segment, segment->tombs[k].bytes);
			segment->tombs[k] =
			    segment->tombs[--segment->tomb_count];
			break;
		}
	}
}

void
journal_drop_tombs(struct journal *journal, struct segment *segment)
{
	size_t i;

	for (i = 0; i < segment->tomb_count; i++)
		journal_lose(journal, segment, segment->tombs[i].bytes);
	segment->tomb_count = 0;
}

struct segment *
journal_next_touched(struct journal *journal, size_t *slot)
{
	struct segment *segment;

	while (*slot < journal->slot_count) {
		segment = journal->slots[(*slot)++];
		if (segment != NULL && segment->touched)
			return segment;
	}
	return NULL;
}
