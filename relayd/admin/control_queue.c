/*
 * control_queue - "queue" on the control socket.
 *
 * Job:     count what waits, for each destination; then list the oldest
 *          messages, or all of them.
 * Called:  by control.
 * Owns:    struct listing, while it goes on.
 * Never:   looks at more than a slice of the queue in one turn.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"
#include "relayd/admin/control_filter.h"
#include "relayd/admin/control_message.h"
#include "relayd/delivery/lookup.h"
#include "relayd/delivery/manage.h"
#include "spool/look.h"
#include "spool/tour.h"

enum {
	MEET_BUDGET = 500, /* entries in one step, while none is read */
	READ_BUDGET = 8,   /* messages read in one step: the disk may be slow */
	ROWS_BUDGET = 20,  /* destinations told in one step */
	LIMIT_DEFAULT = 50,
	LIMIT_MAX = 10000, /* of those that are sorted; more: all, unsorted */
	RECIPIENTS_MAX = 20,
};

/* What waits for one destination. */
struct place {
	struct lookup_item item;
	char *name; /* owned; the key */
	size_t count, states[4];
	int64_t oldest; /* arrival */
	uint64_t next_ms;
	char *reason; /* owned, or NULL */
	struct place *next;
};

struct listing {
	struct filter filter;
	struct tour tour;
	struct lookup places;
	struct place *first; /* owned, all of them */
	size_t met, matched;
	uint64_t limit;
	bool all;         /* every message, as it is met */
	uint64_t *oldest; /* a heap of the least IDs, the greatest on top */
	size_t oldest_count;
	size_t told; /* of oldest */
	/* for the calls of one slice: */
	struct control_job *job;
	struct spool_entry *entry;
	bool touring_again;
};

static void
listing_free(void *state)
{
	struct listing *listing = state;
	struct place *place;

	while ((place = listing->first) != NULL) {
		listing->first = place->next;
		free(place->reason);
		free(place->name);
		free(place);
	}
	lookup_clear(&listing->places);
	filter_clear(&listing->filter);
	free(listing->oldest);
	free(listing);
}

/* ---- the first walk: counting ---- */

static struct place *
find_place(struct listing *listing, const char *name)
{
	struct place *place = lookup_find(&listing->places, span_of(name));

	if (place != NULL)
		return place;
	place = xcalloc(1, sizeof(*place));
	place->name = xstrdup(name);
	place->oldest = INT64_MAX;
	place->next_ms = UINT64_MAX;
	place->next = listing->first;
	listing->first = place;
	lookup_add(&listing->places, &place->item, span_of(place->name), place);
	return place;
}

static void
count_wait(void *owner, const struct wait *wait)
{
	struct listing *listing = owner;
	struct place *place = find_place(listing, wait->destination);
	int64_t arrival = spool_entry_arrival(listing->entry);

	place->count++;
	place->states[wait->state]++;
	if (arrival < place->oldest)
		place->oldest = arrival;
	if (wait->state == WAIT_RETRY && wait->next_ms < place->next_ms)
		place->next_ms = wait->next_ms;
	if (wait->reason != NULL && place->reason == NULL)
		place->reason = xstrdup(wait->reason);
}

static void
sift_up(uint64_t *heap, size_t at)
{
	uint64_t id = heap[at];

	for (; at > 0 && heap[(at - 1) / 2] < id; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = id;
}

static void
sift_down(uint64_t *heap, size_t count, size_t at)
{
	uint64_t id = heap[at];
	size_t child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= id)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = id;
}

/* Keeps the `limit` least IDs, which are the oldest messages. */
static void
keep_oldest(struct listing *listing, uint64_t id)
{
	uint64_t *heap = listing->oldest;

	if (listing->all || listing->limit == 0)
		return;
	if (listing->oldest_count < listing->limit) {
		heap[listing->oldest_count] = id;
		sift_up(heap, listing->oldest_count++);
	} else if (id < heap[0]) {
		heap[0] = id;
		sift_down(heap, listing->oldest_count, 0);
	}
}

static bool
means(const struct listing *listing, struct spool_entry *entry)
{
	const struct control_rooms *rooms = listing->job->rooms;
	struct envelope envelope;
	struct buf bytes;
	bool meant;

	if (!filter_may_mean(&listing->filter, entry, loop_wall(rooms->loop)))
		return false;
	if (!filter_needs_envelope(&listing->filter))
		return true;
	buf_init(&bytes, LOOK_ENVELOPE_MAX);
	meant = look_envelope(rooms->spool, entry, &bytes, &envelope) &&
	    filter_means(&listing->filter, rooms->spool, entry, &envelope);
	envelope_clear(&envelope);
	buf_clear(&bytes);
	return meant;
}

static void
tell_message(struct control_job *job, struct spool_entry *entry)
{
	struct spool *spool = job->rooms->spool;
	struct envelope envelope;
	struct buf bytes;
	bool read;

	buf_init(&bytes, LOOK_ENVELOPE_MAX);
	read = look_envelope(spool, entry, &bytes, &envelope);
	control_say(job,
	    message_row(job->rooms, entry, read ? &envelope : NULL,
		RECIPIENTS_MAX));
	envelope_clear(&envelope);
	buf_clear(&bytes);
}

static void
meet(void *owner, struct spool_entry *entry)
{
	struct listing *listing = owner;

	listing->met++;
	if (!means(listing, entry))
		return;
	if (listing->touring_again) {
		tell_message(listing->job, entry);
		return;
	}
	listing->matched++;
	listing->entry = entry;
	manage_look(listing->job->rooms->delivery, entry, count_wait, listing);
	keep_oldest(listing, spool_entry_id(entry));
}

/* ---- telling ---- */

static void
tell_place(struct control_job *job, const struct place *place)
{
	json_t *row;

	row = json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "kind",
	    "destination", "destination", control_text(span_of(place->name)),
	    "messages", (json_int_t)place->count, "oldest_seconds",
	    (json_int_t)(loop_wall(job->rooms->loop) - place->oldest),
	    "in_attempt", (json_int_t)place->states[WAIT_ATTEMPT], "ready",
	    (json_int_t)place->states[WAIT_READY], "waiting",
	    (json_int_t)place->states[WAIT_RETRY], "held",
	    (json_int_t)place->states[WAIT_HELD]);
	if (place->next_ms != UINT64_MAX)
		json_object_set_new(row, "next_seconds",
		    json_integer((json_int_t)((place->next_ms + 999) / 1000)));
	if (place->reason != NULL)
		json_object_set_new(row, "reason",
		    control_text(span_of(place->reason)));
	control_say(job, row);
}

static bool
tell_places(struct listing *listing)
{
	struct place *place;
	int i;

	for (i = 0; i < ROWS_BUDGET && listing->first != NULL; i++) {
		place = listing->first;
		tell_place(listing->job, place);
		listing->first = place->next;
		lookup_remove(&listing->places, &place->item);
		free(place->reason);
		free(place->name);
		free(place);
	}
	return listing->first != NULL;
}

static bool
tell_oldest(struct listing *listing)
{
	struct spool *spool = listing->job->rooms->spool;
	struct spool_entry *entry;
	int i;

	for (i = 0; i < READ_BUDGET; i++) {
		if (listing->told == listing->oldest_count)
			return false;
		entry = spool_find(spool, listing->oldest[listing->told++]);
		if (entry != NULL) /* it may have left meanwhile */
			tell_message(listing->job, entry);
	}
	return true;
}

static int
ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static bool
walk_on(struct listing *listing)
{
	const struct control_rooms *rooms = listing->job->rooms;
	bool reads =
	    listing->touring_again || filter_needs_envelope(&listing->filter);
	struct spool_counts counts;

	if (tour_step(rooms->spool, &listing->tour,
		reads ? READ_BUDGET : MEET_BUDGET, meet, listing)) {
		spool_count(rooms->spool, &counts);
		control_progress(listing->job, listing->met, counts.messages);
		return true;
	}
	return false;
}

static bool
tell_all(struct control_job *job)
{
	return walk_on(job->state);
}

static bool
tell(struct control_job *job)
{
	struct listing *listing = job->state;

	if (listing->first != NULL) {
		tell_places(listing);
		return true;
	}
	if (!listing->all)
		return tell_oldest(listing);
	listing->touring_again = true;
	listing->met = 0;
	listing->tour.next = 0;
	job->step = tell_all;
	return true;
}

static bool
count(struct control_job *job)
{
	struct listing *listing = job->state;

	if (walk_on(listing))
		return true;
	if (listing->oldest_count > 0)
		qsort(listing->oldest, listing->oldest_count, sizeof(uint64_t),
		    ascending);
	control_say(job,
	    json_pack("{s:s, s:b, s:I, s:I}", "kind", "queue", "loading",
		look_loading(job->rooms->spool), "messages",
		(json_int_t)listing->matched, "destinations",
		(json_int_t)listing->places.count));
	job->step = tell;
	return true;
}

void
control_queue_begin(struct control_job *job)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	listing->job = job;
	listing->limit = LIMIT_DEFAULT;
	lookup_init(&listing->places, (uint64_t)(uintptr_t)listing);
	job->state = listing;
	job->release = listing_free;
	if (!filter_read(&listing->filter, job) ||
	    !control_number(job, "limit", &listing->limit) ||
	    !control_flag(job, "all", &listing->all))
		return;
	if (listing->limit > LIMIT_MAX)
		listing->limit = LIMIT_MAX;
	listing->oldest = xcalloc((size_t)listing->limit + 1, sizeof(uint64_t));
	tour_begin(job->rooms->spool, &listing->tour);
	job->step = count;
}
