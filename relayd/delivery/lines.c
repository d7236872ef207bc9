/*
 * lines - all connections together.
 *
 * Job:     keep to the ceiling, share it among destinations, end what has been
 *          idle too long, the oldest first.
 * Called:  by line.c, destination.c and delivery.c.
 * Owns:    the counts, the order of idleness, and who wants a line.
 * Never:   ends a line that carries a message.
 */
#include "relayd/delivery/lines.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/destination.h"

enum {
	TURN_JOBS = 10, /* a line carries so many where lines are scarce */
	LOOKS_MAX = 32, /* idle lines, for one to spare */
};

struct lines {
	struct core *core; /* borrowed */
	size_t count, busy_count;
	size_t reserved;            /* kept for destinations that wanted one */
	size_t holders;             /* destinations that have lines */
	struct line_idle_list idle; /* the longest idle first */
	struct destination_line wanting;
	size_t wanting_count;
	struct due due;
	bool scheduled;
};

struct lines *
lines_new(struct core *core)
{
	struct lines *lines = xcalloc(1, sizeof(*lines));

	lines->core = core;
	lines->due.kind = DUE_LINES;
	TAILQ_INIT(&lines->idle);
	TAILQ_INIT(&lines->wanting);
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

static void
want(struct lines *lines, struct destination *destination)
{
	if (destination->is_wanting)
		return;
	destination->is_wanting = true;
	lines->wanting_count++;
	TAILQ_INSERT_TAIL(&lines->wanting, destination, wanting_link);
}

static void
want_no_more(struct lines *lines, struct destination *destination)
{
	if (!destination->is_wanting)
		return;
	destination->is_wanting = false;
	lines->wanting_count--;
	TAILQ_REMOVE(&lines->wanting, destination, wanting_link);
}

/* Room goes to whoever has waited longest, and is kept for it. */
static void
give_room(struct lines *lines)
{
	struct destination *next;

	while (
	    !is_full(lines) && (next = TAILQ_FIRST(&lines->wanting)) != NULL) {
		want_no_more(lines, next);
		next->has_room = true;
		lines->reserved++;
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
	return true;
}

/*
 * A line that nobody is about to use: one whose destination has work and is to
 * run is taken from it in its turn (lines_gives_way), not before its use.
 */
static struct line *
spare_line(const struct lines *lines)
{
	struct line *line;
	int looks = 0;

	TAILQ_FOREACH(line, &lines->idle, oldest_link) {
		if (line->destination->queue.ready_count == 0 ||
		    !line->destination->is_dirty)
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
	struct line *spare;

	if (take_room(lines, destination))
		return true;
	if (!is_full(lines)) /* then nobody is waiting for room */
		return true;
	want(lines, destination);
	spare = spare_line(lines);
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

bool
lines_are_wanted(const struct lines *lines)
{
	return lines->wanting_count > 0;
}

bool
lines_gives_way(const struct line *line)
{
	const struct destination *destination = line->destination;
	const struct lines *lines = destination->core->lines;
	size_t share;

	if (!lines_are_wanted(lines))
		return false;
	share = destination->core->conf->delivery.connections /
	    (lines->holders + lines->wanting_count);
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
	if (line->destination->line_count == 1)
		lines->holders++;
}

void
lines_closed(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	lines->count--;
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
