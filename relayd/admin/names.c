/*
 * names - addresses behind names on the allowlist, kept fresh.
 *
 * Job:     look every name up ahead and again when its TTL is over.
 * Called:  by main at start and reload; by the loop when a name is due.
 * Owns:    the queries that are under way, and a due time for each name.
 * Never:   asks for PTR records, forgets a good answer because DNS fails, or
 *          goes through all names at once: there may be a million.
 */
#include "relayd/admin/names.h"

#include <sys/queue.h>

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"

#define FRESH_LEAST   30   /* seconds an answer is kept at least */
#define FRESH_MOST    3600 /* and at most */
#define AFTER_FAILURE 60   /* seconds until a failed look-up is repeated */
#define AT_ONCE_MAX   20   /* look-ups begun in one turn */
#define UNDER_WAY_MAX 500  /* look-ups at the same time */

struct name {
	uint64_t due; /* monotonic milliseconds */
	bool failing; /* the last look-up failed: said once */
};

/* A look-up under way. */
struct asked {
	LIST_ENTRY(asked) link;
	struct names *names; /* borrowed */
	size_t index;        /* in the rules */
	struct query *query; /* borrowed from the resolver */
};

struct names {
	struct watch watch;        /* a pure timer: when the next name is due */
	struct loop *loop;         /* borrowed */
	struct resolver *resolver; /* borrowed */
	struct rules *rules;       /* borrowed */
	size_t count;
	struct name *list; /* owned */
	size_t fresh;      /* those from here on were never looked up */
	size_t *heap;      /* owned: the others at rest, the next due on top */
	size_t resting;
	LIST_HEAD(, asked) asked;
	size_t under_way;
};

static void names_due(void *owner);
static void names_reap(void *owner);
static void resolved(void *owner, const struct address_answer *answer);

struct names *
names_new(struct loop *loop, struct resolver *resolver, struct rules *rules)
{
	struct names *names = xcalloc(1, sizeof(*names));

	names->loop = loop;
	names->resolver = resolver;
	LIST_INIT(&names->asked);
	watch_init(&names->watch, -1, names, NULL, names_due, names_reap);
	loop_add(loop, &names->watch);
	names_reload(names, rules);
	return names;
}

static void
asked_free(struct asked *asked)
{
	LIST_REMOVE(asked, link);
	asked->names->under_way--;
	free(asked);
}

static void
forget_all(struct names *names)
{
	struct asked *asked;

	while ((asked = LIST_FIRST(&names->asked)) != NULL) {
		query_cancel(asked->query);
		asked_free(asked);
	}
	free(names->list);
	free(names->heap);
	names->list = NULL;
	names->heap = NULL;
	names->resting = names->fresh = names->count = 0;
}

/* Nothing is written here: the pages of a million names come one by one. */
void
names_reload(struct names *names, struct rules *rules)
{
	forget_all(names);
	names->rules = rules;
	names->count = rules_name_count(rules);
	names->list = xcalloc(names->count, sizeof(*names->list));
	names->heap = xcalloc(names->count, sizeof(*names->heap));
	names->watch.deadline =
	    names->count > 0 ? loop_now(names->loop) : LOOP_NEVER;
}

void
names_free(struct names *names)
{
	if (names != NULL)
		loop_kill(names->loop, &names->watch);
}

static void
names_reap(void *owner)
{
	struct names *names = owner;

	forget_all(names);
	free(names);
}

/* ---- those at rest, by when they are due ---- */

static uint64_t
due_of(const struct names *names, size_t place)
{
	return names->list[names->heap[place]].due;
}

static void
swap(struct names *names, size_t a, size_t b)
{
	size_t index = names->heap[a];

	names->heap[a] = names->heap[b];
	names->heap[b] = index;
}

static void
rest(struct names *names, size_t index)
{
	size_t at = names->resting++;

	names->heap[at] = index;
	for (; at > 0 && due_of(names, at) < due_of(names, (at - 1) / 2);
	     at = (at - 1) / 2)
		swap(names, at, (at - 1) / 2);
}

static size_t
take_first(struct names *names)
{
	size_t index = names->heap[0], at = 0, child;

	names->heap[0] = names->heap[--names->resting];
	while ((child = 2 * at + 1) < names->resting) {
		if (child + 1 < names->resting &&
		    due_of(names, child + 1) < due_of(names, child))
			child++;
		if (due_of(names, at) <= due_of(names, child))
			break;
		swap(names, at, child);
		at = child;
	}
	return index;
}

/* ---- looking up ---- */

/* When the next one is due: new ones are at once. */
static uint64_t
next_due(const struct names *names)
{
	if (names->under_way >= UNDER_WAY_MAX)
		return LOOP_NEVER; /* an answer is waited for */
	if (names->fresh < names->count)
		return loop_now(names->loop);
	return names->resting > 0 ? due_of(names, 0) : LOOP_NEVER;
}

static void
look_up(struct names *names, size_t index)
{
	struct asked *asked = xcalloc(1, sizeof(*asked));

	asked->names = names;
	asked->index = index;
	LIST_INSERT_HEAD(&names->asked, asked, link);
	names->under_way++;
	asked->query = resolve_address(names->resolver,
	    rules_name(names->rules, index), resolved, asked);
}

/* Begins the look-ups that are due, a bounded number, and sets the timer. */
static void
names_due(void *owner)
{
	struct names *names = owner;
	size_t i;

	for (i = 0; i < AT_ONCE_MAX && next_due(names) <= loop_now(names->loop);
	     i++)
		look_up(names,
		    names->fresh < names->count ? names->fresh++ :
						  take_first(names));
	names->watch.deadline = next_due(names);
}

static void
say_failed(struct names *names, size_t index,
    const struct address_answer *answer)
{
	struct log_line line;

	if (names->list[index].failing)
		return;
	names->list[index].failing = true;
	log_begin(&line, LEVEL_WARNING, "grant-name-failed");
	log_text(&line, "name", rules_name(names->rules, index));
	log_text(&line, "text",
	    answer->error != NULL ? answer->error : "no addresses");
	log_end(&line);
}

/* For how many seconds that is to be kept. */
static uint64_t
take_answer(struct names *names, size_t index,
    const struct address_answer *answer)
{
	switch (answer->status) {
	case RESOLVE_OK:
		names->list[index].failing = false;
		rules_name_resolved(names->rules, index, answer->addresses,
		    answer->count, answer->half);
		if (answer->ttl < FRESH_LEAST)
			return FRESH_LEAST;
		return answer->ttl > FRESH_MOST ? FRESH_MOST : answer->ttl;
	case RESOLVE_NODATA:
	case RESOLVE_NXDOMAIN:
		/* DNS says so: the name has no addresses, and grants nothing. */
		say_failed(names, index, answer);
		rules_name_resolved(names->rules, index, NULL, 0, false);
		break;
	case RESOLVE_FAILED:
		say_failed(names, index, answer);
		rules_name_failed(names->rules, index);
		break;
	}
	return AFTER_FAILURE;
}

static void
resolved(void *owner, const struct address_answer *answer)
{
	struct asked *asked = owner;
	struct names *names = asked->names;
	size_t index = asked->index;

	asked_free(asked);
	names->list[index].due =
	    loop_now(names->loop) + take_answer(names, index, answer) * 1000;
	rest(names, index);
	names->watch.deadline = next_due(names);
}
