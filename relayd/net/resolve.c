/*
 * resolve - names to addresses and mail exchangers.
 *
 * Job:     answer from what is known, or ask DNS once for all who want the
 *          same; resolve_tell.c tells each of them.
 * Called:  by delivery, and by admin for the names of the allowlist.
 * Owns:    the queries, the cache, the way to DNS (or a test's backend).
 * Never:   calls done() from within resolve_mx() or resolve_address(); never
 *          makes "there is none" out of a failure.
 */
#include "resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns.h"
#include "dns_found.h"
#include "resolve_inside.h"

enum {
	PATIENCE = 5000, /* milliseconds for a server, the first time */
	TRIES = 3,
	ASKING_MAX = 500,      /* names that are asked at the same time */
	HURRIED_MAX = 100,     /* and as many more for the campus */
	STALE_MAX = 24 * 3600, /* seconds; RFC 8767 5 speaks of 1 to 3 days */
};

/* ---- asking ---- */

static void ask_next(struct resolver *resolver);

static void
count_answer(struct resolver *resolver, enum resolve_status status,
    const char *error)
{
	struct resolver_counts *counts = &resolver->counts;

	counts->asked++;
	if (status != RESOLVE_FAILED) {
		counts->answered_at = loop_now(resolver->loop);
		return;
	}
	counts->failed++;
	counts->failed_at = loop_now(resolver->loop);
	counts->error = error;
}

static void
learn(struct dns_entry *entry, enum resolve_status status, uint32_t ttl,
    const char *error, const void *records, size_t count)
{
	struct resolver *resolver = entry->resolver;
	uint64_t now = loop_now(resolver->loop);

	count_answer(resolver, status, error);
	/* A failure does not make a good answer bad. */
	if (status == RESOLVE_FAILED && now < entry->stale_until)
		entry->status = RESOLVE_FAILED;
	else
		dns_cache_learn(resolver->cache, entry, status, records, count);
	entry->error = error;
	entry->stale_logged = false;
	entry->expires = now + (uint64_t)ttl * 1000;
	if (status != RESOLVE_FAILED)
		entry->stale_until = status != RESOLVE_OK ?
		    0 :
		    entry->expires + (uint64_t)STALE_MAX * 1000;
	resolver->asking--;
	resolve_tell_all(entry);
	ask_next(resolver);
}

static void
heard_mx(void *owner, const struct dns_answer *answer)
{
	struct dns_entry *entry = owner;

	entry->asked--;
	learn(entry, answer->status,
	    dns_found_lifetime(answer->status, answer->ttl), answer->error,
	    answer->mx, answer->count);
}

/* Both families; for one that failed, what was known of it. */
static void
learn_addresses(struct dns_entry *entry, const struct dns_found *found)
{
	uint64_t until = entry->stale_until;
	struct ip both[RESOLVE_ADDRESS_MAX];
	size_t fresh = dns_found_addresses(found, both), count;

	count = dns_found_complete(found, entry,
	    loop_now(entry->resolver->loop), both, fresh);
	learn(entry, dns_found_status(found), dns_found_ttl(found),
	    dns_found_error(found), both, count);
	entry->fresh = fresh;
	entry->half = dns_found_is_half(found);
	if (count > fresh)
		entry->stale_until = until;
}

static void
heard_address(void *owner, const struct dns_answer *answer)
{
	struct dns_half *half = owner;
	struct dns_entry *entry = half->entry;
	struct dns_found *found = entry->found;

	half->status = answer->status;
	half->error = answer->error;
	half->ttl = answer->ttl;
	half->count = answer->count;
	memcpy(half->ip, answer->ip, answer->count * sizeof(half->ip[0]));
	if (--entry->asked > 0)
		return;
	entry->found = NULL;
	learn_addresses(entry, found);
	free(found);
}

static void
ask(struct resolver *resolver, struct dns_entry *entry)
{
	struct dns_found *found;

	resolver->asking++;
	if (entry->kind == DNS_KIND_MX) {
		entry->asked = 1;
		dns_ask(resolver->dns, entry->name, DNS_MX, heard_mx, entry);
		return;
	}
	found = entry->found = xcalloc(1, sizeof(*found));
	found->half[0].entry = found->half[1].entry = entry;
	entry->asked = 2;
	/* The first may be answered at once, but not both: found stays. */
	dns_ask(resolver->dns, entry->name, DNS_AAAA, heard_address,
	    &found->half[0]);
	dns_ask(resolver->dns, entry->name, DNS_A, heard_address,
	    &found->half[1]);
}

/* As many as may be asked at the same time.  Not entered twice. */
static void
ask_next(struct resolver *resolver)
{
	struct dns_entry *entry;

	if (resolver->asking_now)
		return;
	resolver->asking_now = true;
	while (resolver->asking < ASKING_MAX &&
	    (entry = TAILQ_FIRST(&resolver->to_ask)) != NULL) {
		TAILQ_REMOVE(&resolver->to_ask, entry, line);
		entry->place = DNS_NOWHERE;
		if (!TAILQ_EMPTY(&entry->waiting)) /* else all cancelled */
			ask(resolver, entry);
	}
	resolver->asking_now = false;
}

/* ---- the header ---- */

static struct resolver *
make(struct loop *loop)
{
	struct resolver *resolver = xcalloc(1, sizeof(*resolver));

	resolver->loop = loop;
	LIST_INIT(&resolver->queries);
	TAILQ_INIT(&resolver->to_ask);
	TAILQ_INIT(&resolver->to_tell);
	TAILQ_INIT(&resolver->hoping);
	watch_init(&resolver->timer, -1, resolver, NULL, resolve_tell_run,
	    free);
	loop_add(loop, &resolver->timer);
	return resolver;
}

struct resolver *
resolver_new_patient(struct loop *loop, const char *servers, int patience,
    int tries, struct buf *why)
{
	struct dns *dns = dns_new(loop, servers, patience, tries, why);
	struct resolver *resolver;

	if (dns == NULL)
		return NULL;
	resolver = make(loop);
	resolver->dns = dns;
	resolver->cache = dns_cache_new();
	return resolver;
}

struct resolver *
resolver_new(struct loop *loop, const char *servers, struct buf *why)
{
	return resolver_new_patient(loop, servers, PATIENCE, TRIES, why);
}

struct resolver *
resolver_new_with(struct loop *loop, const struct resolver_backend *backend)
{
	struct resolver *resolver = make(loop);

	resolver->backend = *backend;
	return resolver;
}

void
resolver_free(struct resolver *resolver)
{
	struct query *query;
	struct dns_entry *entry;

	if (resolver == NULL)
		return;
	dns_free(resolver->dns);
	while ((query = LIST_FIRST(&resolver->queries)) != NULL) {
		entry = query->entry;
		resolve_tell_drop(query);
		if (resolver->cache == NULL && entry->place == DNS_NOWHERE)
			dns_entry_free(entry);
	}
	/* Left by queries that were cancelled after their answer. */
	while (resolver->cache == NULL &&
	    (entry = TAILQ_FIRST(&resolver->to_tell)) != NULL) {
		TAILQ_REMOVE(&resolver->to_tell, entry, line);
		dns_entry_free(entry);
	}
	dns_cache_free(resolver->cache);
	loop_kill(resolver->loop, &resolver->timer); /* frees resolver */
}

/* A query of a resolver with a backend: asked anew, never kept. */
static void
ask_backend(struct query *query, enum dns_kind kind, const char *name)
{
	struct resolver *resolver = query->resolver;

	query->entry = dns_entry_new(kind, name);
	query->entry->resolver = resolver;
	query->entry->asked = 1;
	TAILQ_INSERT_TAIL(&query->entry->waiting, query, link);
	if (kind == DNS_KIND_MX)
		resolver->backend.mx(resolver->backend.owner, name, query);
	else
		resolver->backend.address(resolver->backend.owner, name, query);
}

static void
ask_dns(struct query *query, enum dns_kind kind, const char *name)
{
	struct resolver *resolver = query->resolver;
	struct dns_entry *entry = dns_cache_get(resolver->cache, kind, name);

	entry->resolver = resolver;
	query->entry = entry;
	TAILQ_INSERT_TAIL(&entry->waiting, query, link);
	if (entry->expires > loop_now(resolver->loop)) {
		resolve_tell_all(entry);
	} else if (entry->place == DNS_NOWHERE && entry->asked == 0) {
		entry->place = DNS_TO_ASK;
		TAILQ_INSERT_TAIL(&resolver->to_ask, entry, line);
		ask_next(resolver);
	}
	dns_cache_trim(resolver->cache);
}

static struct query *
begin(struct resolver *resolver, const struct query *like, enum dns_kind kind,
    const char *name)
{
	struct query *query = xcalloc(1, sizeof(*query));

	*query = *like;
	query->resolver = resolver;
	query->round = resolver->round;
	LIST_INSERT_HEAD(&resolver->queries, query, all);
	if (resolver->dns == NULL)
		ask_backend(query, kind, name);
	else
		ask_dns(query, kind, name);
	return query;
}

struct query *
resolve_mx(struct resolver *resolver, const char *domain,
    void (*done)(void *owner, const struct mx_answer *answer), void *owner)
{
	struct query like = { .done_mx = done, .owner = owner };

	return begin(resolver, &like, DNS_KIND_MX, domain);
}

struct query *
resolve_address(struct resolver *resolver, const char *host,
    void (*done)(void *owner, const struct address_answer *answer), void *owner)
{
	struct query like = { .done_address = done, .owner = owner };

	return begin(resolver, &like, DNS_KIND_ADDRESS, host);
}

/* What the campus has chosen does not stand in line behind strangers. */
static void
hurry(struct resolver *resolver, struct dns_entry *entry)
{
	if (entry->place != DNS_TO_ASK)
		return;
	TAILQ_REMOVE(&resolver->to_ask, entry, line);
	if (resolver->asking >= ASKING_MAX + HURRIED_MAX) {
		TAILQ_INSERT_HEAD(&resolver->to_ask, entry, line);
		return;
	}
	entry->place = DNS_NOWHERE;
	ask(resolver, entry);
}

void
query_take_stale(struct query *query)
{
	struct resolver *resolver = query->resolver;

	if (resolver->cache != NULL)
		dns_cache_keep(resolver->cache, query->entry);
	resolve_tell_stale(query);
	hurry(resolver, query->entry);
}

void
query_cancel(struct query *query)
{
	/* A backend holds the query until it has answered. */
	if (query->resolver->dns == NULL && query->entry->asked > 0)
		query->cancelled = true;
	else
		resolve_tell_drop(query);
}

/* ---- a backend's answers ---- */

static void
backend_said(struct query *query, enum resolve_status status, uint32_t ttl,
    const char *error, const void *records, size_t count)
{
	struct dns_entry *entry = query->entry;
	struct resolver *resolver = query->resolver;

	assert(resolver->dns == NULL && entry->asked == 1);
	entry->asked = 0;
	if (query->cancelled) {
		resolve_tell_drop(query);
		dns_entry_free(entry);
		return;
	}
	dns_entry_learn(entry, status, records, count);
	entry->error = error;
	entry->expires = loop_now(resolver->loop) + (uint64_t)ttl * 1000;
	resolve_tell_all(entry);
}

void
query_answer_mx(struct query *query, const struct mx_answer *answer)
{
	size_t count = answer->count;

	assert(query->done_mx != NULL);
	backend_said(query, answer->status, 0, answer->error, answer->records,
	    count > RESOLVE_MX_MAX ? RESOLVE_MX_MAX : count);
}

void
query_answer_address(struct query *query, const struct address_answer *answer)
{
	size_t count = answer->count;

	assert(query->done_address != NULL);
	query->entry->half = answer->half;
	backend_said(query, answer->status, answer->ttl, answer->error,
	    answer->addresses,
	    count > RESOLVE_ADDRESS_MAX ? RESOLVE_ADDRESS_MAX : count);
}

void
resolver_count(const struct resolver *resolver, struct resolver_counts *counts)
{
	*counts = resolver->counts;
}
