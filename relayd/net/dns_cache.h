#ifndef DNS_CACHE_H
#define DNS_CACHE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolve.h"

/*
 * What is known, or being asked, about names: one entry for each name and
 * kind of question.  Bounded: the entries that were used least recently go.
 */
enum dns_kind {
	DNS_KIND_MX,
	DNS_KIND_ADDRESS,
};

TAILQ_HEAD(queries, query);

/* Where an entry stands in line. */
enum dns_place {
	DNS_NOWHERE,
	DNS_TO_ASK,
	DNS_TO_TELL, /* what is known goes to those who wait */
};

struct dns_entry {
	LIST_ENTRY(dns_entry) chain; /* of the hash table */
	TAILQ_ENTRY(dns_entry) age;  /* in the cache, oldest use first */
	bool kept;                   /* see dns_cache_keep() */
	TAILQ_ENTRY(dns_entry) line; /* in a line of the resolver */
	enum dns_kind kind;
	char *name; /* owned */

	/* What is known, until expires. */
	enum resolve_status status;
	const char *error; /* static text */
	uint32_t ttl;
	uint64_t expires; /* monotonic milliseconds; 0: nothing is known */
	size_t count;
	size_t fresh;  /* of these; behind them are some of an older answer */
	struct mx *mx; /* owned; count of them, or of ip */
	struct ip *ip; /* owned */
	bool half;     /* of two address families one failed */
	/*
	 * Until when they still serve while DNS fails; then status is FAILED
	 * and they are what was known before.  0: they do not.
	 */
	uint64_t stale_until;
	bool stale_logged; /* that they serve, since status is FAILED */

	/* The resolver's: */
	struct resolver *resolver; /* borrowed */
	struct queries waiting;
	enum dns_place place;
	unsigned asked;          /* answers that are to come */
	struct dns_found *found; /* owned; the address families that came */
};

struct dns_cache;

struct dns_cache *dns_cache_new(void);
/* Frees every entry.  Nobody may be waiting. */
void dns_cache_free(struct dns_cache *cache);
/* The entry for name; made when there was none.  It counts as used now. */
struct dns_entry *dns_cache_get(struct dns_cache *cache, enum dns_kind kind,
    const char *name);
/*
 * It serves when nothing else is known: it is not forgotten to make room for
 * others, as long as such entries take no more than half of it.
 */
void dns_cache_keep(struct dns_cache *cache, struct dns_entry *entry);
/*
 * Forgets what was not used for longest, while there is more than the bounds
 * allow; what is asked, told or waited for stays.
 */
void dns_cache_trim(struct dns_cache *cache);
/*
 * Records in an entry of the cache what is known from now on: status, and
 * count records of its kind, which are copied.
 */
void dns_cache_learn(struct dns_cache *cache, struct dns_entry *entry,
    enum resolve_status status, const void *records, size_t count);
size_t dns_cache_count(const struct dns_cache *cache);

/* Entries that belong to no cache. */
struct dns_entry *dns_entry_new(enum dns_kind kind, const char *name);
void dns_entry_learn(struct dns_entry *entry, enum resolve_status status,
    const void *records, size_t count);
void dns_entry_free(struct dns_entry *entry);

#endif
