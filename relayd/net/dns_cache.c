/*
 * dns_cache - what is known, or being asked, about names.
 *
 * Job:     find the entry of a name, and forget the oldest when there are
 *          too many.
 * Called:  by resolve.c.
 * Owns:    the entries and the records in them.
 * Never:   asks anybody; never grows without bound, whatever names come.
 */
#include "dns_cache.h"

#include <sys/random.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	BUCKETS = 4096,
	ENTRIES_MAX = 10000,
	BYTES_MAX = 8 << 20, /* of entries, names and records together */
	BUSY_MAX = 16,       /* entries in use that a trim steps over */
};

LIST_HEAD(bucket, dns_entry);
TAILQ_HEAD(by_age, dns_entry);

struct dns_cache {
	struct bucket buckets[BUCKETS];
	struct by_age others, kept;
	size_t count, kept_count;
	size_t bytes;
	uint64_t seed; /* outsiders choose the names, but not their buckets */
};

struct dns_cache *
dns_cache_new(void)
{
	struct dns_cache *cache = xcalloc(1, sizeof(*cache));

	TAILQ_INIT(&cache->others);
	TAILQ_INIT(&cache->kept);
	if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) == -1)
		cache->seed = (uint64_t)(uintptr_t)cache;
	return cache;
}

struct dns_entry *
dns_entry_new(enum dns_kind kind, const char *name)
{
	struct dns_entry *entry = xcalloc(1, sizeof(*entry));

	entry->kind = kind;
	entry->name = xstrdup(name);
	TAILQ_INIT(&entry->waiting);
	return entry;
}

void
dns_entry_free(struct dns_entry *entry)
{
	if (entry == NULL)
		return;
	assert(TAILQ_EMPTY(&entry->waiting));
	free(entry->name);
	free(entry->mx);
	free(entry->ip);
	free(entry->found);
	free(entry);
}

static size_t
bytes_of(const struct dns_entry *entry)
{
	size_t record = entry->kind == DNS_KIND_MX ? sizeof(*entry->mx) :
						     sizeof(*entry->ip);

	return sizeof(*entry) + strlen(entry->name) + 1 + entry->count * record;
}

static struct by_age *
line_of(struct dns_cache *cache, const struct dns_entry *entry)
{
	return entry->kept ? &cache->kept : &cache->others;
}

static void
forget(struct dns_cache *cache, struct dns_entry *entry)
{
	cache->count--;
	cache->kept_count -= entry->kept;
	cache->bytes -= bytes_of(entry);
	LIST_REMOVE(entry, chain);
	TAILQ_REMOVE(line_of(cache, entry), entry, age);
	dns_entry_free(entry);
}

void
dns_cache_free(struct dns_cache *cache)
{
	struct dns_entry *entry;

	if (cache == NULL)
		return;
	while ((entry = TAILQ_FIRST(&cache->others)) != NULL ||
	    (entry = TAILQ_FIRST(&cache->kept)) != NULL)
		forget(cache, entry);
	free(cache);
}

/* The last that was used. */
static void
renew(struct dns_cache *cache, struct dns_entry *entry)
{
	TAILQ_REMOVE(line_of(cache, entry), entry, age);
	TAILQ_INSERT_TAIL(line_of(cache, entry), entry, age);
}

struct dns_entry *
dns_cache_get(struct dns_cache *cache, enum dns_kind kind, const char *name)
{
	uint64_t hash = span_hash(span_of(name), cache->seed + kind);
	struct bucket *bucket = &cache->buckets[hash % BUCKETS];
	struct dns_entry *entry;

	LIST_FOREACH(entry, bucket, chain)
		if (entry->kind == kind && strcmp(entry->name, name) == 0) {
			renew(cache, entry);
			return entry;
		}
	entry = dns_entry_new(kind, name);
	LIST_INSERT_HEAD(bucket, entry, chain);
	TAILQ_INSERT_TAIL(&cache->others, entry, age);
	cache->count++;
	cache->bytes += bytes_of(entry);
	return entry;
}

void
dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry)
{
	if (entry->kept)
		return;
	TAILQ_REMOVE(&cache->others, entry, age);
	TAILQ_INSERT_TAIL(&cache->kept, entry, age);
	entry->kept = true;
	cache->kept_count++;
}

/* The next to be forgotten. */
static struct dns_entry *
oldest_of(const struct dns_cache *cache)
{
	if (cache->kept_count > ENTRIES_MAX / 2 || TAILQ_EMPTY(&cache->others))
		return TAILQ_FIRST(&cache->kept);
	return TAILQ_FIRST(&cache->others);
}

static bool
busy(const struct dns_entry *entry)
{
	return entry->asked > 0 || entry->place != DNS_NOWHERE ||
	    !TAILQ_EMPTY(&entry->waiting);
}

void
dns_cache_trim(struct dns_cache *cache)
{
	struct dns_entry *oldest;
	int in_use = 0;

	while (cache->count > ENTRIES_MAX || cache->bytes > BYTES_MAX) {
		oldest = oldest_of(cache);
		if (!busy(oldest)) {
			forget(cache, oldest);
			continue;
		}
		if (++in_use > BUSY_MAX)
			return; /* the next trim goes on */
		renew(cache, oldest);
	}
}

void
dns_entry_learn(struct dns_entry *entry, enum resolve_status status,
    const void *records, size_t count)
{
	free(entry->mx);
	free(entry->ip);
	entry->mx = NULL;
	entry->ip = NULL;
	entry->status = status;
	entry->count = entry->fresh = count;
	if (count == 0)
		return;
	if (entry->kind == DNS_KIND_MX) {
		entry->mx = xcalloc(count, sizeof(*entry->mx));
		memcpy(entry->mx, records, count * sizeof(*entry->mx));
	} else {
		entry->ip = xcalloc(count, sizeof(*entry->ip));
		memcpy(entry->ip, records, count * sizeof(*entry->ip));
	}
}

void
dns_cache_learn(struct dns_cache *cache, struct dns_entry *entry,
    enum resolve_status status, const void *records, size_t count)
{
	cache->bytes -= bytes_of(entry);
	dns_entry_learn(entry, status, records, count);
	cache->bytes += bytes_of(entry);
}

size_t
dns_cache_count(const struct dns_cache *cache)
{
	return cache->count;
}
