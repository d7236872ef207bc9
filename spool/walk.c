/*
 * walk - a segment as it lies on the disk, for a look from outside.
 *
 * Job:     tell record from damage, one after the other, checksums verified.
 * Called:  by audit.c.
 * Owns:    its place in the segment.
 * Never:   writes, sets aside, or guesses what damage was.
 *
 * It is written apart from scan.c, which decides what a start believes: so the
 * two watch each other.
 */
#include "spool/walk.h"

#include "base/xalloc.h"
#include "spool/envelope.h"
#include "spool/index.h"

enum {
	BLIND_STEP = 4096 /* so much is passed over when the disk fails */
};

void
walk_init(struct walk *walk, const struct disk *disk,
    const struct segment *segment, uint64_t limit)
{
	*walk = (struct walk){
		.disk = disk,
		.segment = segment,
		.next = SEGMENT_RECORDS,
		.limit = limit,
	};
	window_init(&walk->window, disk, segment->fd, limit);
	buf_init(&walk->payload, segment->size);
}

void
walk_clear(struct walk *walk)
{
	window_clear(&walk->window);
	buf_clear(&walk->payload);
}

/* A head of this life in its place, whose record fits. */
static bool
see_head(struct walk *walk)
{
	const unsigned char *head;

	walk->error = 0;
	if (walk->next + RECORD_HEAD > walk->limit)
		return false;
	head = window_see(&walk->window, walk->next, RECORD_HEAD);
	walk->error = walk->window.error;
	return head != NULL &&
	    record_decode(head, walk->segment->generation,
		walk->segment->secret, walk->next, &walk->record) &&
	    record_size(&walk->record) <= walk->limit - walk->next;
}

static bool
sum_is(struct walk *walk, uint64_t at, uint64_t len, uint64_t sum,
    struct buf *keep)
{
	bool is = window_sum_is(&walk->window, at, len, sum, keep);

	walk->error = walk->window.error;
	return is;
}

static enum walk_step
look_into_results(struct walk *walk)
{
	struct record *record = &walk->record;
	struct index_item item;
	struct span rest;

	if (!sum_is(walk, walk->at + record_meta_at(record),
		record->content_len, record->content_sum, &walk->payload))
		return WALK_TORN;
	rest = buf_span(&walk->payload);
	while (index_next(&rest, &item))
		if (item.kind != INDEX_RESULT)
			return WALK_TORN;
	return rest.len == 0 ? WALK_RESULTS : WALK_TORN;
}

static enum walk_step
look_into_message(struct walk *walk)
{
	struct record *record = &walk->record;
	uint64_t meta = walk->at + record_meta_at(record);
	struct envelope envelope;
	bool sound;

	if (!sum_is(walk, meta, record_meta_len(record), record->meta_sum,
		&walk->payload) ||
	    (record_inline_len(record) > 0 &&
		!sum_is(walk, meta + record_meta_len(record),
		    record_inline_len(record), record->content_sum, NULL)))
		return WALK_TORN;
	buf_cut(&walk->payload, record->envelope_len + record->state_len);
	if (!envelope_decode(span_head(buf_span(&walk->payload),
				 record->envelope_len),
		&envelope))
		return WALK_TORN;
	sound = envelope.recipient_count == record->recipient_count;
	envelope_clear(&envelope);
	return sound ? WALK_MESSAGE : WALK_TORN;
}

static enum walk_step
take_record(struct walk *walk)
{
	enum walk_step step;

	walk->have_head = false;
	walk->at = walk->next;
	walk->len = record_size(&walk->record);
	walk->next += walk->len;
	buf_empty(&walk->payload);
	step = walk->record.kind == RECORD_RESULTS ? look_into_results(walk) :
						     look_into_message(walk);
	return step == WALK_TORN && walk->error != 0 ? WALK_BLIND : step;
}

/* What had no record ends here: a record, or the end, comes next. */
static enum walk_step
tell_lost(struct walk *walk, uint64_t to)
{
	walk->at = walk->lost;
	walk->len = to - walk->lost;
	walk->error = walk->failed;
	walk->lost = 0;
	walk->failed = 0;
	return walk->error != 0 ? WALK_BLIND : WALK_GAP;
}

static void
pass_on(struct walk *walk)
{
	if (walk->lost == 0)
		walk->lost = walk->next;
	if (walk->error == 0) {
		walk->next += RECORD_ALIGN;
		return;
	}
	walk->failed = walk->error;
	walk->next = (walk->next / BLIND_STEP + 1) * BLIND_STEP;
}

enum walk_step
walk_next(struct walk *walk)
{
	if (walk->have_head)
		return take_record(walk);
	while (walk->next + RECORD_HEAD <= walk->limit) {
		if (!see_head(walk)) {
			pass_on(walk);
			continue;
		}
		if (walk->lost == 0)
			return take_record(walk);
		walk->have_head = true;
		return tell_lost(walk, walk->next);
	}
	/* What runs to the end was never a record, or was not shown. */
	if (walk->failed != 0)
		return tell_lost(walk, walk->limit);
	return WALK_END;
}
