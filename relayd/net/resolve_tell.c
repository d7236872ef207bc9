/*
 * resolve_tell - what is known goes to those who asked.
 *
 * Job:     tell each query its answer; while DNS fails, or is silent for long,
 *          those of the campus the last good one (RFC 8767).
 * Called:  by resolve.c and the resolver's timer.
 * Owns:    the lines of those who are to be told.
 * Never:   calls done() but from the timer.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"
#include "resolve_inside.h"

enum {
	HOPE_MS = 1800, /* RFC 8767 5: the client response timer */
};

/* Who is told next, and when? */
static void
look(struct resolver *resolver)
{
	const struct query *first = TAILQ_FIRST(&resolver->hoping);

	if (!TAILQ_EMPTY(&resolver->to_tell))
		resolver->timer.deadline = 0;
	else
		resolver->timer.deadline =
		    first == NULL ? LOOP_NEVER : first->hopes_until;
}

void
resolve_tell_all(struct dns_entry *entry)
{
	struct resolver *resolver = entry->resolver;

	if (entry->place == DNS_TO_TELL)
		return;
	assert(entry->place == DNS_NOWHERE);
	entry->place = DNS_TO_TELL;
	TAILQ_INSERT_TAIL(&resolver->to_tell, entry, line);
	look(resolver);
}

void
resolve_tell_stale(struct query *query)
{
	struct resolver *resolver = query->resolver;
	uint64_t now = loop_now(resolver->loop);

	query->takes_stale = true;
	if (now >= query->entry->stale_until ||
	    query->entry->place == DNS_TO_TELL || query->is_hoping)
		return;
	query->is_hoping = true;
	query->hopes_until = now + HOPE_MS;
	TAILQ_INSERT_TAIL(&resolver->hoping, query, hope);
	look(resolver);
}

void
resolve_tell_drop(struct query *query)
{
	if (query->is_hoping)
		TAILQ_REMOVE(&query->resolver->hoping, query, hope);
	TAILQ_REMOVE(&query->entry->waiting, query, link);
	LIST_REMOVE(query, all);
	free(query);
}

static void
log_stale(struct dns_entry *entry, const char *error, uint64_t now)
{
	if (!entry->stale_logged)
		log_say(LEVEL_WARNING, "dns-stale",
		    "%s: %s; the last good answer serves for up to %ju s more",
		    entry->name, error,
		    (uintmax_t)((entry->stale_until - now) / 1000));
	entry->stale_logged = true;
}

/* What it is told: a failure, or the good answer from before that. */
static enum resolve_status
status_for(const struct query *query, struct dns_entry *entry, uint64_t now)
{
	if (entry->status != RESOLVE_FAILED || !query->takes_stale ||
	    now >= entry->stale_until)
		return entry->status;
	log_stale(entry, entry->error, now);
	return RESOLVE_OK;
}

/* Takes the query. */
static void
tell(struct query *query, const struct dns_entry *entry,
    enum resolve_status status)
{
	uint64_t now = loop_now(query->resolver->loop);
	uint64_t left = entry->expires > now ? entry->expires - now : 0;
	const char *error = status == RESOLVE_FAILED ? entry->error : NULL;
	size_t known = query->takes_stale ? entry->count : entry->fresh;
	size_t count = status == RESOLVE_OK ? known : 0;
	struct mx_answer mx = { .status = status,
		.count = count,
		.records = entry->mx,
		.error = error };
	struct address_answer address = { .status = status,
		.count = count,
		.addresses = entry->ip,
		.ttl = (uint32_t)((left + 999) / 1000),
		.half = entry->half,
		.error = error };
	struct query told = *query;

	resolve_tell_drop(query);
	if (told.done_mx != NULL)
		told.done_mx(told.owner, &mx);
	else
		told.done_address(told.owner, &address);
}

/*
 * Tells all who waited when the round began.  Whoever asks again from within
 * done() is told in the next round, so that this one ends.
 */
static void
tell_waiting(struct resolver *resolver, struct dns_entry *entry)
{
	struct query *query;

	while ((query = TAILQ_FIRST(&entry->waiting)) != NULL &&
	    query->round != resolver->round)
		tell(query, entry,
		    status_for(query, entry, loop_now(resolver->loop)));
	entry->place = DNS_NOWHERE;
	if (!TAILQ_EMPTY(&entry->waiting))
		resolve_tell_all(entry);
	else if (resolver->dns == NULL)
		dns_entry_free(entry);
}

/* Those who have hoped long enough.  Whoever asks again hopes anew. */
static void
tell_hoping(struct resolver *resolver)
{
	uint64_t now = loop_now(resolver->loop);
	struct query *query;

	while ((query = TAILQ_FIRST(&resolver->hoping)) != NULL &&
	    query->hopes_until <= now) {
		TAILQ_REMOVE(&resolver->hoping, query, hope);
		query->is_hoping = false;
		if (now >= query->entry->stale_until)
			continue; /* too old by now: it waits with the others */
		log_stale(query->entry, "DNS is silent", now);
		tell(query, query->entry, RESOLVE_OK);
	}
}

void
resolve_tell_run(void *owner)
{
	struct resolver *resolver = owner;
	struct line line = TAILQ_HEAD_INITIALIZER(line);
	struct dns_entry *entry;

	resolver->round++;
	TAILQ_CONCAT(&line, &resolver->to_tell, line);
	while ((entry = TAILQ_FIRST(&line)) != NULL) {
		TAILQ_REMOVE(&line, entry, line);
		tell_waiting(resolver, entry);
	}
	tell_hoping(resolver);
	look(resolver);
}
