/*
 * scan - a segment read record by record.
 *
 * Job:     find every whole record of a segment's present life, and set aside
 *          what is damaged between them.
 * Called:  by load.c where there is no index; by survey.c for the last ID.
 * Owns:    its place in the segment.
 * Never:   stops at damage: a later record that is whole is as good as any.
 *          Those of a batch that was not acknowledged may be torn, lost, or
 *          whole; those that were acknowledged are whole, wherever they lie,
 *          unless the disk rotted.  So nothing is inferred from the order.
 */
#include "spool/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/aside.h"
#include "spool/bytes.h"
#include "spool/domains.h"
#include "spool/envelope.h"
#include "spool/file.h"
#include "spool/flow.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/record.h"
#include "spool/window.h"

enum {
	UNREADABLE = 4096 /* so much is passed over when the disk fails */
};

struct scan {
	struct spool *spool;     /* borrowed */
	struct segment *segment; /* borrowed */
	struct buf *items;       /* borrowed */
	struct window window;
	struct buf payload; /* meta or results of one record */
	uint64_t at;
	uint64_t lost_from; /* damage began here; 0: none is open */
	bool unreadable;    /* of that damage: the disk failed */
	uint64_t end;       /* behind the last record that was whole */
	size_t damaged;
};

struct scan *
scan_new(struct spool *spool, struct segment *segment, struct buf *items)
{
	struct scan *scan;

	if (journal_fd(&spool->journal, segment) == -1)
		return NULL;
	scan = xcalloc(1, sizeof(*scan));
	scan->spool = spool;
	scan->segment = segment;
	scan->items = items;
	scan->at = scan->end = SEGMENT_RECORDS;
	window_init(&scan->window, spool->disk, segment->fd, segment->size);
	buf_init(&scan->payload, segment->size);
	segment->pins++; /* its descriptor stays open */
	return scan;
}

void
scan_free(struct scan *scan)
{
	if (scan == NULL)
		return;
	scan->segment->pins--;
	window_clear(&scan->window);
	buf_clear(&scan->payload);
	free(scan);
}

size_t
scan_damaged(const struct scan *scan)
{
	return scan->damaged;
}

/* A head of this life at this place, whose record fits the segment. */
static bool
head_at(struct scan *scan, uint64_t at, struct record *record)
{
	const unsigned char *head;

	head = window_see(&scan->window, at, RECORD_HEAD);
	return head != NULL &&
	    record_decode(head, scan->segment->generation,
		scan->segment->secret, at, record) &&
	    record_size(record) <= scan->segment->size - at;
}

static bool
take_results(struct scan *scan, uint64_t at, const struct record *record)
{
	struct span rest;
	struct index_item item;

	if (!window_sum_is(&scan->window, at + record_meta_at(record),
		record->content_len, record->content_sum, &scan->payload))
		return false;
	rest = buf_span(&scan->payload);
	while (index_next(&rest, &item))
		if (item.kind != INDEX_RESULT)
			return false;
	if (rest.len > 0)
		return false;
	buf_add(scan->items, buf_span(&scan->payload));
	return true;
}

static void
add_message(struct scan *scan, uint64_t at, const struct record *record,
    const struct envelope *envelope)
{
	size_t len;
	char *domains = domains_of(envelope, &len);
	struct index_message message = {
		.id = record->id,
		.arrival = record->arrival,
		.at = at,
		.size = record_size(record),
		.recipient_count = record->recipient_count,
		.flow = flow_of(envelope),
		.flags = record->flags,
		.state = span_make(scan->payload.data + record->envelope_len,
		    record->state_len),
		.domains = span_make(domains, len),
	};

	index_add_message(scan->items, &message);
	if (record->id > scan->segment->id_max)
		scan->segment->id_max = record->id;
	free(domains);
}

static bool
take_message(struct scan *scan, uint64_t at, const struct record *record)
{
	uint64_t meta = at + record_meta_at(record);
	struct envelope envelope;
	bool sound;

	if (!window_sum_is(&scan->window, meta, record_meta_len(record),
		record->meta_sum, &scan->payload) ||
	    !envelope_decode(span_head(buf_span(&scan->payload),
				 record->envelope_len),
		&envelope))
		return false;
	sound = envelope.recipient_count == record->recipient_count &&
	    (record->flags & RECORD_LARGE ||
		window_sum_is(&scan->window, meta + record_meta_len(record),
		    record->content_len, record->content_sum, NULL));
	if (sound)
		add_message(scan, at, record, &envelope);
	envelope_clear(&envelope);
	return sound;
}

/* Sets aside the damage up to here. */
static void
close_damage(struct scan *scan, uint64_t to)
{
	if (scan->lost_from == 0)
		return;
	scan->damaged++;
	aside_range(scan->spool, scan->segment, scan->lost_from,
	    to - scan->lost_from,
	    scan->unreadable ? "unreadable" : "no record where one should be");
	scan->lost_from = 0;
	scan->unreadable = false;
}

/*
 * No head here.  In a tail this is simply the end, and what follows are the
 * bytes of an earlier life; only a later record shows that it is damage.
 */
static void
pass_on(struct scan *scan)
{
	if (scan->lost_from == 0)
		scan->lost_from = scan->at;
	if (scan->window.error == 0) {
		scan->at += RECORD_ALIGN;
		return;
	}
	scan->unreadable = true;
	scan->at = (scan->at / UNREADABLE + 1) * UNREADABLE;
}

static void
take_record(struct scan *scan, const struct record *record)
{
	uint64_t size = record_size(record);
	bool whole;

	buf_empty(&scan->payload);
	close_damage(scan, scan->at);
	whole = record->kind == RECORD_RESULTS ?
	    take_results(scan, scan->at, record) :
	    take_message(scan, scan->at, record);
	if (whole) {
		scan->at += size;
		scan->end = scan->at;
		return;
	}
	scan->damaged++;
	aside_range(scan->spool, scan->segment, scan->at, size,
	    "torn or rotten record");
	/* Its head was good, and so is the length that it gives. */
	scan->at += size;
	scan->end = scan->at;
}

bool
scan_step(struct scan *scan, uint64_t budget)
{
	uint64_t limit = scan->segment->size - SEGMENT_FOOTER;
	uint64_t stop = scan->at + budget;
	struct record record;

	while (scan->at < stop) {
		if (scan->at + RECORD_HEAD > limit) {
			/* What runs to the end was never a record, unless
			   the disk refused to show it. */
			if (scan->unreadable)
				close_damage(scan, limit);
			scan->segment->end = scan->end;
			return false;
		}
		if (head_at(scan, scan->at, &record))
			take_record(scan, &record);
		else
			pass_on(scan);
	}
	return true;
}

bool
scan_has_first(struct spool *spool, struct segment *segment)
{
	unsigned char head[RECORD_HEAD];
	struct record record;

	return file_read(spool->disk, segment->fd, head, sizeof(head),
		   SEGMENT_RECORDS) == RECORD_HEAD &&
	    record_decode(head, segment->generation, segment->secret,
		SEGMENT_RECORDS, &record);
}

uint64_t
scan_last_id(struct spool *spool, struct segment *segment)
{
	unsigned char head[RECORD_HEAD];
	uint64_t at = SEGMENT_RECORDS, last = segment->id_mark;
	struct record record;

	while (at + RECORD_HEAD <= segment->size &&
	    file_read(spool->disk, segment->fd, head, sizeof(head), at) ==
		RECORD_HEAD &&
	    record_decode(head, segment->generation, segment->secret, at,
		&record)) {
		if (record.id > last)
			last = record.id;
		at += record_size(&record);
	}
	return last;
}
