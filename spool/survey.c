/*
 * survey - the segments that an earlier life left.
 *
 * Job:     list the journal; tell free segments from those to be read; learn
 *          the highest generation and ID.
 * Called:  by spool_open(), before anything else is known.
 * Owns:    nothing; the journal owns what is found.
 * Never:   takes a segment for empty that may hold mail: one without a first
 *          record is believed only when, by the order of lives, it cannot
 *          have been written to.
 */
#include "spool/survey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "spool/inside.h"
#include "spool/scan.h"

struct surveyor {
	struct spool *spool;
	struct buf numbers; /* uint32_t */
};

static bool
note_number(void *arg, const char *name)
{
	struct surveyor *surveyor = arg;
	uint64_t number;
	uint32_t kept;

	if (!span_number(span_of(name), UINT32_MAX - 1, &number) ||
	    number == 0) {
		spool_say(surveyor->spool, SPOOL_WARNING,
		    "journal/ holds a file that is no segment; left alone");
		return true;
	}
	kept = (uint32_t)number;
	buf_add(&surveyor->numbers,
	    span_make((const char *)&kept, sizeof(kept)));
	return true;
}

/* The header is lost: nothing in the file can be proved to be a record. */
static void
lose(struct spool *spool, struct segment *segment, enum header_found found)
{
	const struct disk *disk = spool->disk;
	char name[16], to[32];
	bool moved;

	journal_name(segment->number, name);
	snprintf(to, sizeof(to), "%s.segment", name);
	if (found == HEADER_NEVER_WRITTEN) {
		/* It was being made when the power went. */
		if (!spool->options.read_only)
			disk->unlink(disk->owner, spool->journal.dir, name);
		return;
	}
	moved = !spool->options.read_only &&
	    disk->rename(disk->owner, spool->journal.dir, name,
		spool->corrupt_dir, to) == 0;
	spool_say(spool, SPOOL_ERROR,
	    "segment %06u: both copies of its header are rotten; %s%s",
	    segment->number, moved ? "set aside as corrupt/" : "left",
	    moved ? to : "");
}

static void
classify(struct spool *spool, struct segment *segment)
{
	uint64_t at, len, sum;
	off_t size;

	if (spool->disk->size(spool->disk->owner, segment->fd, &size) == -1 ||
	    (uint64_t)size != segment->size)
		segment->odd = true;
	segment->state = SEGMENT_UNREAD;
	segment->zeroed = segment->size;
	segment->id_max = segment->id_mark;
	buf_init(&segment->index, segment->size);
	if (segment_read_footer(spool->disk, segment, &at, &len, &sum))
		segment->sealed = true;
	else if (scan_has_first(spool, segment))
		segment->id_max = scan_last_id(spool, segment);
	else
		segment->state = SEGMENT_FREE;
	if (segment->id_max > spool->last_id)
		spool->last_id = segment->id_max;
}

/* False: it could not even be looked at; errno. */
static bool
survey_one(struct spool *spool, uint32_t number)
{
	struct journal *journal = &spool->journal;
	struct segment *segment;
	enum header_found found;

	segment = segment_new(number, journal->segment_size);
	if (journal_fd(journal, segment) == -1) {
		segment_free(segment);
		return false;
	}
	found = segment_read_header(spool->disk, segment);
	if (found == HEADER_GOOD) {
		classify(spool, segment);
		journal->open_count--; /* journal_adopt() counts it anew */
		journal_adopt(journal, segment);
		return true;
	}
	if (number >= journal->next_number)
		journal->next_number = number + 1;
	if (found != HEADER_UNREADABLE)
		lose(spool, segment, found);
	journal_close_fd(journal, segment);
	segment_free(segment);
	return found != HEADER_UNREADABLE;
}

/*
 * Heads were taken in the order of their lives.  So of those that look
 * empty, all below the latest that does not, and the first one above it, may
 * have been written to, and have lost their first record: they are read.
 */
static void
doubt_free_ones(struct spool *spool)
{
	struct journal *journal = &spool->journal;
	struct segment *segment, *first = NULL;
	uint64_t latest = 0;
	size_t i;

	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment != NULL && segment->state == SEGMENT_UNREAD &&
		    segment->generation > latest)
			latest = segment->generation;
	}
	for (i = 0; i < journal->slot_count; i++) {
		segment = journal->slots[i];
		if (segment == NULL || segment->state != SEGMENT_FREE)
			continue;
		if (segment->generation < latest || segment->odd ||
		    segment->size != journal->segment_size) {
			segment->state = SEGMENT_UNREAD;
			journal->free_count--;
		} else if (first == NULL ||
		    segment->generation < first->generation) {
			first = segment;
		}
	}
	if (first != NULL) {
		first->state = SEGMENT_UNREAD;
		journal->free_count--;
	}
}

bool
survey_journal(struct spool *spool, struct buf *why)
{
	struct surveyor surveyor = { .spool = spool };
	const struct disk *disk = spool->disk;
	uint32_t number;
	bool good = true;

	buf_init(&surveyor.numbers, 64 << 20);
	if (disk->list(disk->owner, spool->journal.dir, note_number,
		&surveyor) == -1) {
		buf_addf(why, "cannot list journal/: %s", strerror(errno));
		good = false;
	}
	while (good && surveyor.numbers.len > 0) {
		memcpy(&number, surveyor.numbers.data, sizeof(number));
		buf_eat(&surveyor.numbers, sizeof(number));
		good = survey_one(spool, number);
		if (!good)
			buf_addf(why, "cannot read journal/%06u: %s", number,
			    strerror(errno));
	}
	buf_clear(&surveyor.numbers);
	if (good)
		doubt_free_ones(spool);
	return good;
}
