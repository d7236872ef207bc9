/*
 * load - what an earlier life left is owed by this one.
 *
 * Job:     read the segments, latest life first; queue every message that has
 *          a record and no end; remove files that no message names.
 * Called:  by the loop through spool_load(), a piece each turn.
 * Owns:    struct loader, from spool_open() until everything is told.
 * Never:   blocks for more than a piece; frees a segment (keeper.c waits
 *          until all are read, for an older one may hold what it needs).
 *
 * The table of legal states is in batch.c.  Heads follow each other in the
 * order of their lives, so every end and mark of a message is met before its
 * record, or in the same segment: results are read before messages there.
 */
#include "spool/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/domains.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/lapse.h"
#include "spool/large.h"
#include "spool/ledger.h"
#include "spool/orphan.h"
#include "spool/reader.h"
#include "spool/scan.h"
#include "spool/settle.h"

enum {
	SCAN_STEP = 4 << 20 /* bytes a turn */
};

struct loader {
	struct ledger ledger;
	struct segment **order; /* owned; the segments borrowed */
	size_t count, next;
	struct segment *segment; /* that is being read, or NULL */
	struct scan *scan;       /* owned; while it has no index */
	struct buf items;        /* of the segment */
	struct span rest;        /* of the items: messages to be told */
	struct buf files;        /* IDs found in large/ at the start */
	size_t damaged;
	int64_t failed_at; /* spool_now when a segment could not be opened */
};

static void
note_file(void *arg, uint64_t id)
{
	struct loader *loader = arg;

	buf_add(&loader->files, span_make((const char *)&id, sizeof(id)));
}

/* Latest life first. */
static int
compare(const void *a, const void *b)
{
	const struct segment *one = *(struct segment *const *)a;
	const struct segment *two = *(struct segment *const *)b;

	return one->generation < two->generation ?
	    1 :
	    -(one->generation > two->generation);
}

void
load_init(struct spool *spool)
{
	struct loader *loader = xcalloc(1, sizeof(*loader));
	struct journal *journal = &spool->journal;
	size_t i;

	spool->loader = loader;
	ledger_init(&loader->ledger);
	buf_init(&loader->items, (size_t)1 << 36);
	buf_init(&loader->files, (size_t)1 << 36);
	if (!large_list(spool, note_file, loader)) {
		spool_say(spool, SPOOL_WARNING, "cannot list large/: %s",
		    strerror(errno));
		buf_empty(&loader->files);
	}
	spool->large_files = loader->files.len / sizeof(uint64_t);
	loader->order = xcalloc(journal->slot_count, sizeof(*loader->order));
	for (i = 0; i < journal->slot_count; i++)
		if (journal->slots[i] != NULL &&
		    journal->slots[i]->state == SEGMENT_UNREAD)
			loader->order[loader->count++] = journal->slots[i];
	qsort(loader->order, loader->count, sizeof(*loader->order), compare);
}

void
load_clear(struct spool *spool)
{
	struct loader *loader = spool->loader;

	if (loader == NULL)
		return;
	scan_free(loader->scan);
	ledger_clear(&loader->ledger);
	buf_clear(&loader->items);
	buf_clear(&loader->files);
	free(loader->order);
	free(loader);
	spool->loader = NULL;
}

void
load_note_end(struct spool *spool, uint64_t id, uint64_t generation)
{
	if (spool->loader != NULL)
		ledger_end(&spool->loader->ledger, id, generation);
}

/* ---- one segment ---- */

/* Results first: they may be about messages of this very segment. */
static void
take_results(struct spool *spool)
{
	struct loader *loader = spool->loader;
	struct segment *segment = loader->segment;
	struct span rest = buf_span(&loader->items);
	struct index_item item;
	const struct index_result *result = &item.result;
	uint32_t i;

	loader->rest = rest;
	while (index_next(&rest, &item)) {
		if (item.kind != INDEX_RESULT)
			continue;
		if (result->end)
			ledger_end(&loader->ledger, result->id,
			    result->generation);
		for (i = 0; i < result->mark_count; i++)
			ledger_settle(&loader->ledger, result->id,
			    result->generation, index_mark(result, i) >> 1);
		if (journal_find(&spool->journal, result->generation) != NULL)
			journal_tomb(segment, result->generation,
			    item.bytes.len);
	}
}

/* From its index, or else by a scan, which takes more than one turn. */
static void
begin_segment(struct spool *spool)
{
	struct loader *loader = spool->loader;
	struct segment *segment = loader->segment;

	if (segment->sealed && !spool->options.verify) {
		if (segment_read_index(spool->disk, segment, &loader->items)) {
			take_results(spool);
			return;
		}
		spool_say(spool, SPOOL_WARNING,
		    "segment %06u: its index is rotten; reading its records",
		    segment->number);
		segment->sealed = false;
	}
	buf_empty(&loader->items);
	loader->rest = buf_span(&loader->items);
	segment->end = SEGMENT_RECORDS;
	loader->scan = scan_new(spool, segment, &loader->items);
}

/*
 * A tail that was not sealed is sealed by us: the items are its index.  But
 * first it is synced: after a kill -9 its last records may lie in the page
 * cache only, and here they are counted on.
 */
static void
adopt_tail(struct spool *spool)
{
	struct loader *loader = spool->loader;
	struct segment *segment = loader->segment;

	if (spool->options.read_only || segment->sealed)
		return;
	/* Where there is no room for the index, it stays without. */
	if (segment_has_room(segment, 0, loader->items.len))
		buf_add(&segment->index, buf_span(&loader->items));
	else
		segment->odd = true;
	segment->state = SEGMENT_CLOSED;
	spool->journal.closed_count++;
	segment->unsynced = true;
	spool->unsynced_count++;
}

static bool
scan_on(struct spool *spool)
{
	struct loader *loader = spool->loader;

	if (scan_step(loader->scan, SCAN_STEP))
		return true;
	loader->damaged += scan_damaged(loader->scan);
	scan_free(loader->scan);
	loader->scan = NULL;
	take_results(spool);
	return false;
}

static bool
next_segment(struct spool *spool)
{
	struct loader *loader = spool->loader;

	if (loader->next == loader->count)
		return false;
	loader->segment = loader->order[loader->next];
	if (journal_fd(&spool->journal, loader->segment) == -1) {
		if (loader->failed_at == 0)
			spool_say(spool, SPOOL_ERROR,
			    "cannot open segment %06u: %s; trying on",
			    loader->segment->number, strerror(errno));
		loader->failed_at = spool_now(spool);
		loader->segment = NULL;
		return true;
	}
	loader->failed_at = 0;
	loader->next++;
	loader->segment->state = SEGMENT_SEALED;
	begin_segment(spool);
	return true;
}

/* ---- one message ---- */

/* Who was settled, by the record itself and by later results. */
static void
apply_results(struct spool *spool, struct spool_entry *entry,
    uint64_t generation, struct span state)
{
	uint64_t about;
	uint32_t recipient;
	size_t place = 0, i;
	bool elsewhere = false;

	for (i = 0; i < entry->recipient_count && i / 8 < state.len; i++)
		if ((unsigned char)state.data[i / 8] >> i % 8 & 1)
			entry_settle(&spool->entries, entry, i);
	while (ledger_next(&spool->loader->ledger, entry->id, &place, &about,
	    &recipient)) {
		entry_settle(&spool->entries, entry, recipient);
		elsewhere = elsewhere || about != generation;
	}
	/* Kept for another copy of the record; this one needs its own. */
	if (elsewhere && !spool->options.read_only)
		settle_restate(spool, entry);
}

/* It ended; each copy on the disk needs an end that is kept for it. */
static void
end_copy(struct spool *spool, uint64_t id, uint64_t generation)
{
	uint64_t about = 0;

	if (ledger_ended(&spool->loader->ledger, id, &about) &&
	    about != generation && !spool->options.read_only)
		index_add_end(&spool->results, id, generation);
}

static struct spool_entry *
add_entry(struct spool *spool, const struct index_message *message,
    struct span state)
{
	struct segment *segment = spool->loader->segment;
	struct spool_entry *entry;

	entry =
	    entries_add(&spool->entries, message->id, message->recipient_count);
	entry->arrival = message->arrival;
	entry->flow = message->flow;
	entry->segment = segment->slot;
	entry->place = (uint32_t)(message->at / RECORD_ALIGN);
	entry->size = (uint32_t)(message->size / RECORD_ALIGN);
	entry->flags = message->flags & RECORD_LARGE ? ENTRY_LARGE : 0u;
	journal_gain(segment, message->size);
	apply_results(spool, entry, segment->generation, state);
	return entry;
}

static void
tell(struct spool *spool, struct spool_entry *entry, struct span domains)
{
	if (entry_ended(entry)) {
		/* The last mark is there, the end was lost with the batch. */
		if (spool->options.read_only)
			spool_drop_entry(spool, entry);
		else
			settle_finish(spool, entry);
		return;
	}
	if (spool->events.waiting != NULL)
		spool->events.waiting(spool->events.owner, entry, domains);
}

/* State or domains are too long for an index: from the record itself. */
static void
take_abridged(struct spool *spool, const struct index_message *message)
{
	struct segment *segment = spool->loader->segment;
	struct spool_entry *entry;
	struct envelope envelope;
	struct record record;
	enum read_result result;
	struct buf meta;
	char *domains;
	size_t len;

	buf_init(&meta, ENVELOPE_MAX + (1 << 20));
	result = reader_message(spool, segment, message->at, message->id,
	    &record, &meta);
	if (result != READ_WELL ||
	    !envelope_decode(span_head(buf_span(&meta), record.envelope_len),
		&envelope)) {
		/* Not now, or rotten: that is found out when it is read. */
		entry = add_entry(spool, message, span_make(NULL, 0));
		if (result != READ_LATER)
			errno = EILSEQ;
		lapse_add(spool, entry);
		buf_clear(&meta);
		return;
	}
	domains = domains_of(&envelope, &len);
	envelope_clear(&envelope);
	entry = add_entry(spool, message,
	    span_make(meta.data + record.envelope_len, record.state_len));
	tell(spool, entry, span_make(domains, len));
	free(domains);
	buf_clear(&meta);
}

static void
take_message(struct spool *spool, const struct index_message *message)
{
	struct segment *segment = spool->loader->segment;
	struct spool_entry *entry;
	uint64_t about;

	if (message->recipient_count == 0 || message->id == 0 ||
	    message->at < SEGMENT_RECORDS || message->size < RECORD_HEAD ||
	    message->at > segment->size ||
	    message->size > segment->size - message->at)
		return;
	if (ledger_ended(&spool->loader->ledger, message->id, &about)) {
		end_copy(spool, message->id, segment->generation);
		return;
	}
	entry = entries_find(&spool->entries, message->id);
	if (entry != NULL) {
		strays_add(&spool->strays, message->id, segment->generation);
		entry->flags |= ENTRY_STRAY;
		return;
	}
	if (message->abridged) {
		take_abridged(spool, message);
		return;
	}
	entry = add_entry(spool, message, message->state);
	tell(spool, entry, message->domains);
}

/* ---- the end ---- */

/* A file that no message names: of an intake that was never committed. */
static void
find_orphans(struct spool *spool)
{
	struct loader *loader = spool->loader;
	uint64_t id, about;
	size_t i;

	for (i = 0; i + sizeof(id) <= loader->files.len; i += sizeof(id)) {
		memcpy(&id, loader->files.data + i, sizeof(id));
		if (entries_find(&spool->entries, id) == NULL &&
		    !orphan_ends(spool, id))
			/* Its record may be in what was damaged. */
			orphan_add(spool, id,
			    loader->damaged > 0 &&
				!ledger_ended(&loader->ledger, id, &about));
	}
}

static void
finish(struct spool *spool)
{
	if (!spool->options.read_only)
		find_orphans(spool);
	load_clear(spool);
	spool->journal.look = true;
	if (spool->events.loaded != NULL)
		spool->events.loaded(spool->events.owner);
}

bool
spool_load(struct spool *spool, size_t budget)
{
	struct loader *loader = spool->loader;
	struct index_item item;

	if (loader == NULL)
		return false;
	if (loader->failed_at != 0 &&
	    !spool_since(spool, loader->failed_at, 1000000))
		return true;
	if (loader->segment == NULL && !next_segment(spool)) {
		finish(spool);
		return false;
	}
	if (loader->scan != NULL && scan_on(spool))
		return true;
	while (loader->segment != NULL && budget-- > 0) {
		if (index_next(&loader->rest, &item)) {
			if (item.kind == INDEX_MESSAGE)
				take_message(spool, &item.message);
			continue;
		}
		adopt_tail(spool);
		loader->segment = NULL;
	}
	return true;
}
