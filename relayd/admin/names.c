/*
 * names - addresses behind names on the allowlist, kept fresh.
 *
 * Job:     look every name up ahead and again when its TTL is over.
 * Called:  by main at start and reload; by the loop when a name is due.
 * Owns:    one query and one due time for each name.
 * Never:   asks for PTR records, nor forgets a good answer because DNS fails.
 */
#include "relayd/admin/names.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"

#define FRESH_LEAST   30   /* seconds an answer is kept at least */
#define FRESH_MOST    3600 /* and at most */
#define AFTER_FAILURE 60   /* seconds until a failed look-up is repeated */
#define AT_ONCE_MAX   20   /* look-ups begun in one turn */

struct name {
	struct names *names; /* borrowed */
	size_t index;        /* in the rules */
	struct query *query; /* borrowed from the resolver; NULL: none runs */
	uint64_t due;        /* monotonic milliseconds */
	bool failing;        /* the last look-up failed: said once */
};

struct names {
	struct watch watch;        /* a pure timer: when the next name is due */
	struct loop *loop;         /* borrowed */
	struct resolver *resolver; /* borrowed */
	struct rules *rules;       /* borrowed */
	size_t count;
	struct name *list; /* owned */
};

static void names_due(void *owner);
static void names_reap(void *owner);
static void name_resolved(void *owner, const struct address_answer *answer);

struct names *
names_new(struct loop *loop, struct resolver *resolver, struct rules *rules)
{
	struct names *names = xcalloc(1, sizeof(*names));

	names->loop = loop;
	names->resolver = resolver;
	watch_init(&names->watch, -1, names, NULL, names_due, names_reap);
	loop_add(loop, &names->watch);
	names_reload(names, rules);
	return names;
}

static void
forget_all(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (names->list[i].query != NULL)
			query_cancel(names->list[i].query);
	free(names->list);
	names->list = NULL;
	names->count = 0;
}

void
names_reload(struct names *names, struct rules *rules)
{
	size_t i;

	forget_all(names);
	names->rules = rules;
	while (rules_name(rules, names->count) != NULL)
		names->count++;
	names->list = xcalloc(names->count, sizeof(names->list[0]));
	for (i = 0; i < names->count; i++)
		names->list[i] = (struct name){ .names = names,
			.index = i,
			.due = loop_now(names->loop) };
	if (names->count > 0)
		names_due(names);
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

/* Begins the look-ups that are due, a bounded number, and sets the timer. */
static void
names_due(void *owner)
{
	struct names *names = owner;
	uint64_t now = loop_now(names->loop), next = LOOP_NEVER;
	size_t begun = 0, i;

	for (i = 0; i < names->count; i++) {
		struct name *name = &names->list[i];

		if (name->query != NULL)
			continue;
		if (name->due <= now && begun < AT_ONCE_MAX) {
			begun++;
			name->query = resolve_address(names->resolver,
			    rules_name(names->rules, name->index),
			    name_resolved, name);
		} else if (name->due < next) {
			next = name->due;
		}
	}
	names->watch.deadline = next;
}

static void
schedule(struct name *name, uint64_t seconds)
{
	struct watch *watch = &name->names->watch;

	name->due = loop_now(name->names->loop) + seconds * 1000;
	if (name->due < watch->deadline)
		watch->deadline = name->due;
}

static void
say_failed(struct name *name, const struct address_answer *answer)
{
	struct log_line line;

	if (name->failing)
		return;
	name->failing = true;
	log_begin(&line, LEVEL_WARNING, "grant-name-failed");
	log_text(&line, "name", rules_name(name->names->rules, name->index));
	log_text(&line, "text",
	    answer->error != NULL ? answer->error : "no addresses");
	log_end(&line);
}

static void
name_resolved(void *owner, const struct address_answer *answer)
{
	struct name *name = owner;
	struct rules *rules = name->names->rules;
	uint64_t fresh = answer->ttl;

	name->query = NULL;
	switch (answer->status) {
	case RESOLVE_OK:
		name->failing = false;
		rules_name_resolved(rules, name->index, answer->addresses,
		    answer->count);
		if (fresh < FRESH_LEAST)
			fresh = FRESH_LEAST;
		if (fresh > FRESH_MOST)
			fresh = FRESH_MOST;
		schedule(name, fresh);
		return;
	case RESOLVE_NODATA:
	case RESOLVE_NXDOMAIN:
		/* DNS says so: the name has no addresses, and grants nothing. */
		say_failed(name, answer);
		rules_name_resolved(rules, name->index, NULL, 0);
		break;
	case RESOLVE_FAILED:
		say_failed(name, answer);
		rules_name_failed(rules, name->index);
		break;
	}
	schedule(name, AFTER_FAILURE);
}
