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
#include "relayd/delivery/router.h"

enum {
	TURN_JOBS = 10,    /* a line carries so many where lines are scarce */
	LOOKS_MAX = 32,    /* idle lines, for one to spare */
	STRANGERS_NOT = 4, /* such a part of the ceiling is never theirs */
};

/* Of whom all may have so many, and so many stand in line. */
struct party {
	size_t count;
	size_t reserved; /* kept for destinations that wanted one */
	struct destination_line wanting;
};

enum {
	CAMPUS,
	STRANGERS,
	PARTIES
};

struct lines {
	struct core *core; /* borrowed */
	size_t busy_count;
	size_t holders;             /* destinations that have lines */
	struct line_idle_list idle; /* the longest idle first */
	struct party parties[PARTIES];
	size_t wanting_count;
	uint64_t wishes; /* so far */
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
	TAILQ_INIT(&lines->parties[CAMPUS].wanting);
	TAILQ_INIT(&lines->parties[STRANGERS].wanting);
	return lines;
}

void
lines_free(struct lines *lines)
{
	if (lines->scheduled)
		schedule_cancel(&lines->core->schedule, &lines->due);
	free(lines);
}

static struct party *
party_of(struct destination *destination)
{
	return &destination->core->lines
		    ->parties[destination->is_stranger ? STRANGERS : CAMPUS];
}

static size_t
taken(const struct party *party)
{
	return party->count + party->reserved;
}

static bool
strangers_are_full(const struct lines *lines)
{
	size_t most = lines->core->conf->delivery.connections;

	return taken(&lines->parties[STRANGERS]) >= most - most / STRANGERS_NOT;
}

/* Is there no room for one more of this party? */
static bool
is_full(const struct lines *lines, bool stranger)
{
	if (stranger && strangers_are_full(lines))
		return true;
	return taken(&lines->parties[CAMPUS]) +
	    taken(&lines->parties[STRANGERS]) >=
	    lines->core->conf->delivery.connections;
}

static void
want(struct lines *lines, struct destination *destination)
{
	if (destination->is_wanting)
		return;
	destination->is_wanting = true;
	destination->wanting_since = lines->wishes++;
	lines->wanting_count++;
	TAILQ_INSERT_TAIL(&party_of(destination)->wanting, destination,
	    wanting_link);
}

static void
want_no_more(struct lines *lines, struct destination *destination)
{
	if (!destination->is_wanting)
		return;
	destination->is_wanting = false;
	lines->wanting_count--;
	TAILQ_REMOVE(&party_of(destination)->wanting, destination,
	    wanting_link);
}

/* Who has waited longest of those for whom there is room, or NULL. */
static struct destination *
next_wanting(const struct lines *lines)
{
	struct destination *campus =
	    TAILQ_FIRST(&lines->parties[CAMPUS].wanting);
	struct destination *stranger =
	    TAILQ_FIRST(&lines->parties[STRANGERS].wanting);

	if (campus != NULL && is_full(lines, false))
		campus = NULL;
	if (stranger != NULL && is_full(lines, true))
		stranger = NULL;
	if (campus == NULL || stranger == NULL)
		return campus != NULL ? campus : stranger;
	return campus->wanting_since < stranger->wanting_since ? campus :
								 stranger;
}

/* Room goes to whoever has waited longest, and is kept for it. */
static void
give_room(struct lines *lines)
{
	struct destination *next;

	while ((next = next_wanting(lines)) != NULL) {
		want_no_more(lines, next);
		next->has_room = true;
		party_of(next)->reserved++;
		destination_wake(next);
	}
}

/* Takes the room that is kept for it. */
static bool
take_room(struct destination *destination)
{
	if (!destination->has_room)
		return false;
	destination->has_room = false;
	party_of(destination)->reserved--;
	return true;
}

/*
 * A line that nobody is about to use: one whose destination has work and is to
 * run is taken from it in its turn (lines_gives_way), not before its use.
 */
static struct line *
spare_line(const struct lines *lines, bool of_strangers)
{
	struct line *line;
	int looks = 0;

	TAILQ_FOREACH(line, &lines->idle, oldest_link) {
		if ((line->is_stranger || !of_strangers) &&
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
	struct line *spare;

	if (take_room(destination))
		return true;
	if (!destination->is_wanting)
		destination->is_stranger = !router_is_chosen(destination);
	/* With room, nobody of its party is waiting for it. */
	if (!is_full(lines, destination->is_stranger))
		return true;
	want(lines, destination);
	spare = spare_line(lines,
	    destination->is_stranger && strangers_are_full(lines));
	if (spare != NULL)
		line_quit(spare);
	return take_room(destination);
}

void
lines_forget(struct destination *destination)
{
	struct lines *lines = destination->core->lines;

	want_no_more(lines, destination);
	if (take_room(destination))
		give_room(lines);
}

/* Does somebody else of this party stand in line? */
static bool
others_want(const struct party *party, const struct destination *destination)
{
	const struct destination *first = TAILQ_FIRST(&party->wanting);

	if (first == destination)
		first = TAILQ_NEXT(first, wanting_link);
	return first != NULL;
}

bool
lines_want(const struct line *line)
{
	const struct destination *destination = line->destination;
	const struct lines *lines = destination->core->lines;

	if (others_want(&lines->parties[CAMPUS], destination))
		return true;
	return others_want(&lines->parties[STRANGERS], destination) &&
	    (line->is_stranger || !strangers_are_full(lines));
}

bool
lines_gives_way(const struct line *line)
{
	const struct destination *destination = line->destination;
	const struct lines *lines = destination->core->lines;
	size_t share;

	if (!lines_want(line))
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
	return lines->parties[CAMPUS].count + lines->parties[STRANGERS].count;
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

	line->is_stranger = line->destination->is_stranger;
	lines->parties[line->is_stranger ? STRANGERS : CAMPUS].count++;
	if (line->destination->line_count == 1)
		lines->holders++;
}

void
lines_closed(struct line *line)
{
	struct lines *lines = line->destination->core->lines;

	lines->parties[line->is_stranger ? STRANGERS : CAMPUS].count--;
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
