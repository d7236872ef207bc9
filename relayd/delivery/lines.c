/*
 * lines - all connections together.
 *
 * Job:     keep to the ceiling, share it among destinations so that neither the
 *          dead nor strangers take all of it, end what has been idle too
 *          long, the oldest first.
 * Called:  by line.c, destination.c and delivery.c.
 * Owns:    the counts, the order of idleness, and who wants a line.
 * Never:   ends a line that carries a message.
 */
#include "relayd/delivery/lines.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/router.h"

enum {
	TURN_JOBS = 10, /* a line carries so many where lines are scarce */
	LOOKS_MAX = 32, /* idle lines, for one to spare */
};

/*
 * Who has a line, or wants one.  A host that is silent keeps it for minutes: so
 * those that are down leave half of the ceiling to the others, and strangers an
 * eighth to the campus, whose mail goes on when all the world is silent.
 */
enum {
	KIND_DOWN = 1,
	KIND_STRANGER = 2,
	KINDS = 4,
};

struct lines {
	struct core *core; /* borrowed */
	size_t count, busy_count;
	size_t reserved;            /* kept for destinations that wanted one */
	size_t down, strangers;     /* of both, those of that kind */
	size_t holders;             /* destinations that have lines */
	struct line_idle_list idle; /* the longest idle first */
	struct destination_line wanting[KINDS];
	size_t wanting_count[KINDS];
	uint64_t wants; /* how many have come: who wants first has the least */
	struct due due;
	bool scheduled;
};

struct lines *
lines_new(struct core *core)
{
	struct lines *lines = xcalloc(1, sizeof(*lines));
	unsigned kind;

	lines->core = core;
	lines->due.kind = DUE_LINES;
	TAILQ_INIT(&lines->idle);
	for (kind = 0; kind < KINDS; kind++)
		TAILQ_INIT(&lines->wanting[kind]);
	return lines;
}

void
lines_free(struct lines *lines)
{
	if (lines->scheduled)
		schedule_cancel(&lines->core->schedule, &lines->due);
	free(lines);
}

static bool
is_full(const struct lines *lines)
{
	return lines->count + lines->reserved >=
	    lines->core->conf->delivery.connections;
}

/* ---- kinds ---- */

static unsigned
kind_of(const struct destination *destination)
{
	return (destination->health.down ? KIND_DOWN : 0u) |
	    (router_is_strange(destination) ? KIND_STRANGER : 0u);
}

/* Of what the kind is, that of which there are as many as may be. */
static unsigned
too_many(const struct lines *lines, unsigned kind)
{
	size_t most = lines->core->conf->delivery.connections;

	if (lines->down < most - most / 2)
		kind &= ~(unsigned)KIND_DOWN;
	if (lines->strangers < most - most / 8)
		kind &= ~(unsigned)KIND_STRANGER;
	return kind;
}

static void
count_in(struct lines *lines, unsigned kind)
{
	lines->down += (kind & KIND_DOWN) != 0;
	lines->strangers += (kind & KIND_STRANGER) != 0;
}

static void
count_out(struct lines *lines, unsigned kind)
{
	lines->down -= (kind & KIND_DOWN) != 0;
	lines->strangers -= (kind & KIND_STRANGER) != 0;
}

/* ---- who wants room, and has it ---- */

static void
want(struct lines *lines, struct destination *destination, unsigned kind)
{
	if (destination->is_wanting)
		return;
	destination->is_wanting = true;
	destination->kind = kind;
	destination->wants = ++lines->wants;
	lines->wanting_count[kind]++;
	TAILQ_INSERT_TAIL(&lines->wanting[kind], destination, wanting_link);
}

static void
want_no_more(struct lines *lines, struct destination *destination)
{
	if (!destination->is_wanting)
		return;
	destination->is_wanting = false;
	lines->wanting_count[destination->kind]--;
	TAILQ_REMOVE(&lines->wanting[destination->kind], destination,
	    wanting_link);
}

/* Who wanted first of those whose kind has its share to come; or NULL. */
static struct destination *
next_wanting(const struct lines *lines)
{
	struct destination *next = NULL, *first;
	unsigned kind;

	for (kind = 0; kind < KINDS; kind++) {
		first = TAILQ_FIRST(&lines->wanting[kind]);
		if (first != NULL && too_many(lines, kind) == 0 &&
		    (next == NULL || first->wants < next->wants))
			next = first;
	}
	return next;
}

/* Room goes to whoever has waited longest, and is kept for it. */
static void
give_room(struct lines *lines)
{
	struct destination *next;

	while (!is_full(lines) && (next = next_wanting(lines)) != NULL) {
		want_no_more(lines, next);
		next->has_room = true;
		lines->reserved++;
		count_in(lines, next->kind);
		destination_wake(next);
	}
}

/* Takes the room that is kept for it. */
static bool
take_room(struct lines *lines, struct destination *destination)
{
	if (!destination->has_room)
		return false;
	destination->has_room = false;
	lines->reserved--;
	count_out(lines, destination->kind);
	return true;
}

/*
 * A line that nobody is about to use: one whose destination has work and is to
 * run is taken from it in its turn (lines_gives_way), not before its use.  Of
 * what there are too many it is one itself.
 */
static struct line *
spare_line(const struct lines *lines, unsigned many)
{
	struct line *line;
	int looks = 0;

	TAILQ_FOREACH(line, &lines->idle, oldest_link) {
		if ((many & ~line->kind) == 0 &&
		    (line->destination->queue.ready_count == 0 ||
			!line->destination->is_dirty))
			return line;
		if (++looks == LOOKS_MAX)
			break; /* in a moment they are busy */
	}
	return NULL;
}

bool
lines_room(struct destination *destination)
{
	struct lines *lines = destination->core->lines;
	unsigned kind = kind_of(destination);
	struct line *spare;

	if (take_room(lines, destination))
		return true;
	/* While there is room, nobody is waiting for it who may have it. */
	if (!is_full(lines) && too_many(lines, kind) == 0)
		return true;
	want(lines, destination, kind);
	spare = spare_line(lines, too_many(lines, kind));
	if (spare != NULL)
		line_quit(spare);
	return take_room(lines, destination);
}

void
lines_forget(struct destination *destination)
{
	struct lines *lines = destination->core->lines;

	want_no_more(lines, destination);
	if (take_room(lines, destination))
		give_room(lines);
}

/* Other destinations that could have a line if this one ended. */
static size_t
count_wanting(const struct lines *lines, const struct line *line)
{
	const struct destination *own = line->destination;
	size_t count = 0;
	unsigned kind;

	for (kind = 0; kind < KINDS; kind++)
		if ((too_many(lines, kind) & ~line->kind) == 0)
			count += lines->wanting_count[kind] -
			    (own->is_wanting && own->kind == kind);
	return count;
}

bool
lines_is_wanted(const struct line *line)
{
	return count_wanting(line->destination->core->lines, line) > 0;
}

bool
lines_gives_way(const struct line *line)
{
	const struct destination *destination = line->destination;
	const struct lines *lines = destination->core->lines;
	size_t wanting = count_wanting(lines, line), share;

	if (wanting == 0)
		return false;
	share = destination->core->conf->delivery.connections /
	    (lines->holders + wanting);
	if (destination->line_count > (share > 1 ? share : 1))
		return true;
	/* More destinations than lines: they take turns. */
	return share == 0 && line->jobs >= TURN_JOBS;
}

/* The longest idle decides when to look again. */
static void
schedule_oldest(struct lines *lines)
{
	struct line *oldest = TAILQ_FIRST(&lines->idle);

	if (oldest == NULL || lines->scheduled)
		return;
	lines->scheduled = true;
	core_schedule(lines->core, &lines->due,
	    oldest->idle_since +
		lines->core->conf->delivery.idle_seconds * UINT64_C(1000));
}

void
lines_due(struct lines *lines)
{
	uint64_t now = loop_now(lines->core->loop);
	uint64_t most =
	    lines->core->conf->delivery.idle_seconds * UINT64_C(1000);
	struct line *oldest;

	lines->scheduled = false;
	while ((oldest = TAILQ_FIRST(&lines->idle)) != NULL &&
	    now - oldest->idle_since >= most)
		line_quit(oldest);
	schedule_oldest(lines);
}

void
lines_renew(struct lines *lines)
{
	struct line *oldest;

	while ((oldest = TAILQ_FIRST(&lines->idle)) != NULL)
		line_quit(oldest);
	give_room(lines); /* the ceiling may have been raised */
}

size_t
lines_count(const struct lines *lines)
{
	return lines->count;
}

size_t
lines_busy(const struct lines *lines)
{
	return lines->busy_count;
}

void
lines_opened(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	lines->count++;
	line->kind = kind_of(line->destination);
	count_in(lines, line->kind);
	if (line->destination->line_count == 1)
		lines->holders++;
}

void
lines_proven(struct destination *destination)
{
	struct lines *lines = destination->core->lines;
	struct line *line;

	LIST_FOREACH(line, &destination->lines, link) {
		count_out(lines, line->kind & KIND_DOWN);
		line->kind &= ~(unsigned)KIND_DOWN;
	}
	give_room(lines);
}

void
lines_closed(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	lines->count--;
	count_out(lines, line->kind);
	if (line->destination->line_count == 0)
		lines->holders--;
	give_room(lines);
}

void
lines_idle(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	line->idle_since = loop_now(lines->core->loop);
	TAILQ_INSERT_TAIL(&lines->idle, line, oldest_link);
	schedule_oldest(lines);
}

void
lines_not_idle(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	TAILQ_REMOVE(&lines->idle, line, oldest_link);
}

void
lines_busy_more(struct line *line)
{
	line->destination->core->lines->busy_count++;
}

void
lines_busy_less(struct line *line)
{
	line->destination->core->lines->busy_count--;
}
