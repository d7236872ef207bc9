/*
 * limits - connections and rates of each client.
 *
 * Job:     count what clients do, in a table that does not grow.
 * Called:  by smtp_server.c and conn.c for connections, by session_mail.c and
 *          session_data.c for rates.
 * Owns:    the table.
 * Never:   decides what is said to a client over a limit; keeps more
 *          entries than it was told, save those with a connection open.
 */
#include "relayd/smtp/limits.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	ROOM_DEFAULT = 65536,
	V4_BITS = 96,   /* of ::ffff:0:0 */
	V6_CLIENT = 64, /* bits of it that are one client */
	HOUR = 3600,
};

/* A client or network: the first bits of an address, the rest zero. */
struct key {
	struct ip ip;
	uint8_t prefix; /* bits of 128 */
	uint8_t network;
};

struct entry {
	TAILQ_ENTRY(entry) age; /* in the order of last use */
	LIST_ENTRY(entry) link; /* in its bucket */
	struct key key;
	size_t connections;
	struct {
		uint64_t begun; /* monotonic milliseconds */
		size_t count;   /* 0: no window runs */
	} windows[2];           /* by enum limits_rate */
};

LIST_HEAD(bucket, entry);
TAILQ_HEAD(ages, entry);

struct limits {
	uint64_t seed;
	size_t room;
	size_t count;
	size_t connections;
	size_t bucket_count;    /* a power of two */
	struct bucket *buckets; /* owned */
	struct ages ages;       /* oldest use first */
};

struct limits *
limits_new(size_t room, uint64_t seed)
{
	struct limits *limits = xcalloc(1, sizeof(*limits));
	size_t i;

	limits->seed = seed;
	limits->room = room == 0 ? ROOM_DEFAULT : room;
	limits->bucket_count = 1;
	while (limits->bucket_count < limits->room / 4)
		limits->bucket_count *= 2;
	limits->buckets =
	    xcalloc(limits->bucket_count, sizeof(limits->buckets[0]));
	for (i = 0; i < limits->bucket_count; i++)
		LIST_INIT(&limits->buckets[i]);
	TAILQ_INIT(&limits->ages);
	return limits;
}

void
limits_free(struct limits *limits)
{
	struct entry *entry, *next;

	if (limits == NULL)
		return;
	for (entry = TAILQ_FIRST(&limits->ages); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, age);
		free(entry);
	}
	free(limits->buckets);
	free(limits);
}

static struct key
make_key(const struct ip *ip, unsigned prefix, bool network)
{
	struct key key = { .ip = *ip,
		.prefix = (uint8_t)prefix,
		.network = network };

	ip_mask(&key.ip, prefix);
	return key;
}

static struct key
client_key(const struct ip *client)
{
	return make_key(client, ip_is_v4(client) ? V4_BITS + 32 : V6_CLIENT,
	    false);
}

static unsigned
network_prefix(const struct conf_limits *conf, const struct ip *client)
{
	return (unsigned)(ip_is_v4(client) ? V4_BITS + conf->network_prefix_v4 :
					     conf->network_prefix_v6);
}

static struct bucket *
bucket_of(const struct limits *limits, const struct key *key)
{
	uint64_t hash =
	    span_hash(span_make((const char *)key, sizeof(*key)), limits->seed);

	return &limits
		    ->buckets[(hash ^ hash >> 32) & (limits->bucket_count - 1)];
}

static struct entry *
find(const struct limits *limits, const struct key *key)
{
	struct entry *entry;

	LIST_FOREACH(entry, bucket_of(limits, key), link)
		if (memcmp(&entry->key, key, sizeof(*key)) == 0)
			return entry;
	return NULL;
}

/* Forgets the oldest entry, unless it is in use: touch() moves those. */
static void
forget_one(struct limits *limits)
{
	struct entry *entry = TAILQ_FIRST(&limits->ages);

	if (entry == NULL || entry->connections > 0)
		return;
	TAILQ_REMOVE(&limits->ages, entry, age);
	LIST_REMOVE(entry, link);
	limits->count--;
	free(entry);
}

/*
 * The entry of a key, made where it is missing, moved to the young end.  An
 * entry with connections may drift to the old end; it is moved back here, one
 * at a time, so that forget_one() has something to forget.
 */
static struct entry *
touch(struct limits *limits, const struct key *key)
{
	struct entry *oldest = TAILQ_FIRST(&limits->ages);
	struct entry *entry = find(limits, key);

	if (oldest != NULL && oldest->connections > 0) {
		TAILQ_REMOVE(&limits->ages, oldest, age);
		TAILQ_INSERT_TAIL(&limits->ages, oldest, age);
	}
	if (entry != NULL) {
		TAILQ_REMOVE(&limits->ages, entry, age);
		TAILQ_INSERT_TAIL(&limits->ages, entry, age);
		return entry;
	}
	if (limits->count >= limits->room)
		forget_one(limits);
	entry = xcalloc(1, sizeof(*entry));
	entry->key = *key;
	LIST_INSERT_HEAD(bucket_of(limits, key), entry, link);
	TAILQ_INSERT_TAIL(&limits->ages, entry, age);
	limits->count++;
	return entry;
}

static bool
reached(size_t count, size_t max)
{
	return max != 0 && count >= max;
}

enum limits_verdict
limits_connect(struct limits *limits, const struct conf_limits *conf,
    const struct ip *client, struct limits_place *place)
{
	unsigned prefix = network_prefix(conf, client);
	struct key one_key = client_key(client);
	struct key all_key = make_key(client, prefix, true);
	const struct entry *one = find(limits, &one_key);
	const struct entry *all = find(limits, &all_key);

	if (reached(limits->connections, conf->connections))
		return LIMITS_ALL;
	if (one != NULL &&
	    reached(one->connections, conf->connections_per_client))
		return LIMITS_CLIENT;
	if (all != NULL &&
	    reached(all->connections, conf->connections_per_network))
		return LIMITS_NETWORK;
	touch(limits, &one_key)->connections++;
	touch(limits, &all_key)->connections++;
	limits->connections++;
	*place = (struct limits_place){ .client = *client, .prefix = prefix };
	return LIMITS_OK;
}

static void
leave(struct limits *limits, const struct key *key)
{
	struct entry *entry = find(limits, key);

	/* An entry with connections is never forgotten. */
	assert(entry != NULL && entry->connections > 0);
	entry->connections--;
}

void
limits_disconnect(struct limits *limits, const struct limits_place *place)
{
	struct key one = client_key(&place->client);
	struct key all = make_key(&place->client, place->prefix, true);

	leave(limits, &one);
	leave(limits, &all);
	assert(limits->connections > 0);
	limits->connections--;
}

size_t
limits_connections(const struct limits *limits)
{
	return limits->connections;
}

size_t
limits_entries(const struct limits *limits)
{
	return limits->count;
}

bool
limits_allow(struct limits *limits, enum limits_rate rate,
    const struct ip *client, size_t max, uint64_t now, unsigned *wait)
{
	struct key key = client_key(client);
	struct entry *entry = find(limits, &key);
	uint64_t end;

	if (max == 0 || entry == NULL || entry->windows[rate].count < max)
		return true;
	end = entry->windows[rate].begun + HOUR * 1000;
	if (now >= end) {
		entry->windows[rate].count = 0;
		return true;
	}
	*wait = (unsigned)((end - now + 999) / 1000);
	return false;
}

void
limits_count(struct limits *limits, enum limits_rate rate,
    const struct ip *client, uint64_t now)
{
	struct key key = client_key(client);
	struct entry *entry = touch(limits, &key);

	if (entry->windows[rate].count == 0 ||
	    now - entry->windows[rate].begun >= HOUR * 1000) {
		entry->windows[rate].begun = now;
		entry->windows[rate].count = 0;
	}
	entry->windows[rate].count++;
}
