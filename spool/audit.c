/*
 * audit - a look at all of a spool: is everything what was written?
 *
 * Job:     verify every header, record, index and large file, and say what
 *          is wrong, where, and which message it costs.
 * Called:  by relayctl, on a spool that no server has open.
 * Owns:    nothing but its findings.
 * Never:   writes.  Never calls damage what a crash may leave by right: a torn
 *          record at the end of an open segment, or one that a later start
 *          passed over when it sealed the segment.
 */
#include "spool/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/xalloc.h"
#include "spool/bytes.h"
#include "spool/file.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/large.h"
#include "spool/walk.h"

enum {
	SAID_MAX = 1024,
	NAME_SHOWN = 80,
	HEADER_LEN = 64, /* segment.c: its last 8 bytes are the sum */
	LOAD_BUDGET = 10000,
};

/* A whole record of a message, or a place without one. */
struct place {
	uint64_t at, len;
	uint64_t id;
	enum walk_step step;
};

struct auditor {
	const struct audit_events *events;
	struct audit_totals *totals;
	struct spool *spool;
	bool mute;          /* what the spool says is found out here, too */
	struct buf waiting; /* IDs of messages with a large file */
	/* of the segment that is looked at: */
	struct segment *segment;
	struct audit_segment report;
	struct buf places; /* struct place, in the order of at */
};

static void found(struct auditor *auditor, enum audit_grade grade,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
found(struct auditor *auditor, enum audit_grade grade, const char *format, ...)
{
	struct buf text;
	va_list args;

	auditor->totals->damage += grade == AUDIT_DAMAGE;
	if (auditor->events->found == NULL)
		return;
	buf_init(&text, SAID_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	auditor->events->found(auditor->events->owner, grade, buf_text(&text));
	buf_clear(&text);
}

static void
said(void *owner, enum spool_level level, const char *text)
{
	struct auditor *auditor = owner;

	if (!auditor->mute)
		found(auditor, level == SPOOL_ERROR ? AUDIT_DAMAGE : AUDIT_NOTE,
		    "%s", text);
}

/* ---- the headers ---- */

/* Zeros: power went while the file was made, and the other copy counts. */
static bool
copy_is_sound(const unsigned char *copy)
{
	static const unsigned char zeros[HEADER_LEN];

	return memcmp(copy, zeros, HEADER_LEN) == 0 ||
	    XXH3_64bits(copy, HEADER_LEN - 8) ==
	    bytes_get64(copy + HEADER_LEN - 8);
}

static void
look_at_headers(struct auditor *auditor)
{
	unsigned char copy[HEADER_LEN];
	uint64_t i;

	for (i = 0; i < 2; i++)
		if (file_read(auditor->spool->disk, auditor->segment->fd, copy,
			sizeof(copy), i * SEGMENT_BLOCK) != sizeof(copy) ||
		    !copy_is_sound(copy))
			found(auditor, AUDIT_DAMAGE,
			    "segment %06u offset %" PRIu64
			    ": this copy of the header is rotten; the other "
			    "one is good",
			    auditor->segment->number, i * SEGMENT_BLOCK);
}

/* ---- the records ---- */

static struct place *
place_at(const struct auditor *auditor, size_t n)
{
	return (struct place *)(void *)auditor->places.data + n;
}

static size_t
place_count(const struct auditor *auditor)
{
	return auditor->places.len / sizeof(struct place);
}

static bool
is_waiting(const struct auditor *auditor, uint64_t id, uint64_t at)
{
	const struct spool_entry *entry =
	    entries_find(&auditor->spool->entries, id);

	return entry != NULL && entry->segment == auditor->segment->slot &&
	    (uint64_t)entry->place * RECORD_ALIGN == at;
}

static size_t
count_items(struct span items)
{
	struct index_item item;
	size_t count = 0;

	while (index_next(&items, &item))
		count += item.kind == INDEX_RESULT;
	return count;
}

static void
note_place(struct auditor *auditor, const struct walk *walk,
    enum walk_step step)
{
	struct place place = { .at = walk->at, .len = walk->len, .step = step };

	if (step == WALK_MESSAGE || step == WALK_TORN)
		place.id = walk->record.id;
	buf_add(&auditor->places,
	    span_make((const char *)&place, sizeof(place)));
}

static void
look_at_records(struct auditor *auditor, uint64_t limit)
{
	struct audit_segment *report = &auditor->report;
	enum walk_step step;
	struct walk walk;

	walk_init(&walk, auditor->spool->disk, auditor->segment, limit);
	while ((step = walk_next(&walk)) != WALK_END) {
		if (step == WALK_MESSAGE) {
			report->messages++;
			report->waiting +=
			    is_waiting(auditor, walk.record.id, walk.at);
		} else if (step == WALK_RESULTS) {
			report->results += count_items(buf_span(&walk.payload));
		} else if (step == WALK_BLIND) {
			report->rotten++;
			found(auditor, AUDIT_DAMAGE,
			    "segment %06u offset %" PRIu64 ": %" PRIu64
			    " bytes cannot be read: %s",
			    report->number, walk.at, walk.len,
			    strerror(walk.error));
		}
		note_place(auditor, &walk, step);
		report->used = walk.at + walk.len;
	}
	walk_clear(&walk);
}

/* ---- what damage means ---- */

/* In an open segment, before a record that is whole. */
static void
tell_rotten(struct auditor *auditor, const struct place *place)
{
	char id[SPOOL_ID_LEN + 1];
	const char *what = "no record where one should be";

	auditor->report.rotten++;
	if (place->step == WALK_TORN)
		what = "results with a wrong checksum";
	if (place->step == WALK_TORN && place->id != 0) {
		spool_id_text(place->id, id);
		what = "a wrong checksum in message ";
	} else {
		id[0] = '\0';
	}
	found(auditor, AUDIT_DAMAGE,
	    "segment %06u offset %" PRIu64 ": %" PRIu64
	    " bytes are rotten: %s%s",
	    auditor->report.number, place->at, place->len, what, id);
}

/* Nobody has vouched for these records but they themselves. */
static void
judge_open(struct auditor *auditor)
{
	size_t i, last = place_count(auditor);
	const struct place *place;

	while (last > 0 && place_at(auditor, last - 1)->step == WALK_TORN)
		last--;
	for (i = 0; i < place_count(auditor); i++) {
		place = place_at(auditor, i);
		if (place->step != WALK_TORN && place->step != WALK_GAP)
			continue;
		if (i < last) {
			tell_rotten(auditor, place);
			continue;
		}
		auditor->report.torn++;
		found(auditor, AUDIT_NOTE,
		    "segment %06u offset %" PRIu64 ": torn tail of "
		    "%" PRIu64 " bytes, as a crash may leave it",
		    auditor->report.number, place->at, place->len);
	}
}

/* The last place that begins at or before at; NULL: none does. */
static struct place *
find_place(const struct auditor *auditor, uint64_t at)
{
	size_t low = 0, high = place_count(auditor), middle;

	while (low < high) {
		middle = (low + high) / 2;
		if (place_at(auditor, middle)->at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : place_at(auditor, low - 1);
}

/* The index is good, and names a message whose record is not. */
static void
judge_message(struct auditor *auditor, const struct index_message *message)
{
	bool waiting = is_waiting(auditor, message->id, message->at);
	const struct place *place = find_place(auditor, message->at);
	char id[SPOOL_ID_LEN + 1];

	if (place != NULL && place->at == message->at &&
	    place->step == WALK_MESSAGE && place->id == message->id)
		return;
	auditor->report.rotten++;
	spool_id_text(message->id, id);
	found(auditor, waiting ? AUDIT_DAMAGE : AUDIT_NOTE,
	    "segment %06u offset %" PRIu64 ": message %s is rotten, %" PRIu64
	    " bytes; %s",
	    auditor->report.number, message->at, id, message->size,
	    waiting ? "it was not delivered to all" :
		      "it has ended or is elsewhere, so nothing is lost");
}

static void
judge_sealed(struct auditor *auditor, struct span items)
{
	struct index_item item;
	size_t results = 0;

	while (index_next(&items, &item)) {
		if (item.kind == INDEX_MESSAGE)
			judge_message(auditor, &item.message);
		else
			results++;
	}
	if (results <= auditor->report.results)
		return;
	auditor->report.rotten++;
	found(auditor, AUDIT_DAMAGE,
	    "segment %06u: %zu results are rotten; its index has them still, "
	    "so nothing is lost",
	    auditor->report.number, results - auditor->report.results);
	auditor->report.results = results;
}

/* ---- a segment ---- */

static void
look_inside(struct auditor *auditor)
{
	struct segment *segment = auditor->segment;
	const struct disk *disk = auditor->spool->disk;
	uint64_t limit = segment->size - SEGMENT_FOOTER, at, len, sum;
	struct buf items;
	bool sealed, good;

	buf_init(&items, segment->size);
	sealed = segment_read_footer(disk, segment, &at, &len, &sum);
	good = sealed && segment_read_index(disk, segment, &items);
	auditor->report.state = sealed ? "sealed" : "open";
	if (sealed && !good)
		found(auditor, AUDIT_DAMAGE,
		    "segment %06u offset %" PRIu64 ": its index is rotten; "
		    "its records are read instead",
		    segment->number, at);
	look_at_records(auditor, sealed ? segment->end : limit);
	if (good)
		judge_sealed(auditor, buf_span(&items));
	else
		judge_open(auditor);
	buf_clear(&items);
}

static void
look_at_segment(struct auditor *auditor, struct segment *segment)
{
	struct audit_segment *report = &auditor->report;
	struct audit_totals *totals = auditor->totals;

	*report = (struct audit_segment){
		.number = segment->number,
		.generation = segment->generation,
		.state = "free",
		.used = SEGMENT_RECORDS,
		.size = segment->size,
	};
	auditor->segment = segment;
	buf_empty(&auditor->places);
	totals->segments++;
	if (journal_fd(&auditor->spool->journal, segment) == -1) {
		found(auditor, AUDIT_DAMAGE, "cannot open segment %06u: %s",
		    segment->number, strerror(errno));
		return;
	}
	segment->pins++; /* its descriptor stays open */
	look_at_headers(auditor);
	if (segment->state != SEGMENT_FREE)
		look_inside(auditor);
	segment->pins--;
	totals->messages += report->messages;
	totals->waiting += report->waiting;
	totals->results += report->results;
	if (auditor->events->segment != NULL)
		auditor->events->segment(auditor->events->owner, report);
}

/* ---- the files ---- */

static void
look_at_large(struct auditor *auditor)
{
	struct spool *spool = auditor->spool;
	struct spool_entry *entry;
	struct content content;
	uint64_t id;

	while (auditor->waiting.len > 0) {
		memcpy(&id, auditor->waiting.data, sizeof(id));
		buf_eat(&auditor->waiting, sizeof(id));
		entry = entries_find(&spool->entries, id);
		/* Where it fails, the spool says why; that is damage. */
		if (entry == NULL || !content_open(spool, entry, &content)) {
			auditor->totals->damage++;
			continue;
		}
		content_close(spool, &content);
		auditor->totals->large_files++;
	}
}

static void
note_file(void *owner, uint64_t id)
{
	struct auditor *auditor = owner;
	char name[SPOOL_ID_LEN + 1];

	if (entries_find(&auditor->spool->entries, id) != NULL)
		return;
	auditor->totals->unnamed++;
	spool_id_text(id, name);
	found(auditor, AUDIT_NOTE, "large/%s: %s", name,
	    auditor->totals->damage > 0 ?
		"no message names it; what is damaged may have" :
		"no message names it; the next start removes it");
}

static bool
note_set_aside(void *owner, const char *name)
{
	struct auditor *auditor = owner;
	const struct disk *disk = auditor->spool->disk;
	struct buf shown;
	off_t size = 0;
	int fd;

	auditor->totals->set_aside++;
	fd = disk->open(disk->owner, auditor->spool->corrupt_dir, name,
	    O_RDONLY | O_NONBLOCK, 0);
	if (fd != -1) {
		if (disk->size(disk->owner, fd, &size) == -1)
			size = 0;
		disk->close(disk->owner, fd);
	}
	buf_init(&shown, SAID_MAX);
	buf_add_escaped(&shown, span_of(name), NAME_SHOWN);
	found(auditor, AUDIT_NOTE, "corrupt/%s: %lld bytes were set aside",
	    buf_text(&shown), (long long)size);
	buf_clear(&shown);
	return true;
}

/* ---- all of it ---- */

static void
note_waiting(void *owner, struct spool_entry *entry, struct span domains)
{
	struct auditor *auditor = owner;

	(void)domains;
	if (entry->flags & ENTRY_LARGE)
		buf_add(&auditor->waiting,
		    span_make((const char *)&entry->id, sizeof(entry->id)));
}

static void
look_at_all(struct auditor *auditor)
{
	struct spool *spool = auditor->spool;
	const struct disk *disk = spool->disk;
	size_t i;

	auditor->mute = true;
	while (spool_load(spool, LOAD_BUDGET))
		continue;
	for (i = 0; i < spool->journal.slot_count; i++)
		if (spool->journal.slots[i] != NULL)
			look_at_segment(auditor, spool->journal.slots[i]);
	auditor->mute = false;
	look_at_large(auditor);
	if (!large_list(spool, note_file, auditor))
		found(auditor, AUDIT_DAMAGE, "cannot list large/: %s",
		    strerror(errno));
	if (disk->list(disk->owner, spool->corrupt_dir, note_set_aside,
		auditor) == -1)
		found(auditor, AUDIT_DAMAGE, "cannot list corrupt/: %s",
		    strerror(errno));
}

bool
audit_run(const struct spool_options *options,
    const struct audit_events *events, struct audit_totals *totals,
    struct buf *why)
{
	struct auditor auditor = { .events = events, .totals = totals };
	struct spool_options looking = *options;
	struct spool_events spool_events = {
		.owner = &auditor,
		.waiting = note_waiting,
		.said = said,
	};

	*totals = (struct audit_totals){ 0 };
	looking.read_only = true;
	looking.no_thread = true;
	buf_init(&auditor.waiting, (size_t)1 << 36);
	buf_init(&auditor.places, (size_t)1 << 36);
	auditor.spool = spool_open(&looking, &spool_events, why);
	if (auditor.spool != NULL)
		look_at_all(&auditor);
	spool_close(auditor.spool);
	buf_clear(&auditor.waiting);
	buf_clear(&auditor.places);
	return auditor.spool != NULL;
}
