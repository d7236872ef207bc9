/*
 * entry - the messages that we owe, in memory.
 *
 * Job:     a small fixed entry for each, found by ID; which of its
 *          recipients are settled.
 * Called:  by batch.c, load.c, copier.c, settle.c, content.c.
 * Owns:    the entries, their slabs, the hash table.
 * Never:   stalls to grow: adding one message splits at most one bucket.
 */
#include "spool/entry.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum {
	CHUNK = 512, /* buckets */
	SLAB = 1023, /* entries: 64 KiB with the link */
	FEW = 64,    /* recipients that need no bitmap of their own */
};

struct slab {
	struct slab *next;
	uint64_t align;
	struct spool_entry entries[SLAB];
};

static uint64_t
mix(uint64_t id)
{
	id ^= id >> 31;
	id *= 0x9e3779b97f4a7c15u;
	return id ^ id >> 32;
}

size_t
entries_level(size_t bucket_count)
{
	return (size_t)1 << (63 - __builtin_clzll(bucket_count));
}

size_t
entries_home(size_t bucket_count, uint64_t hash)
{
	size_t half = entries_level(bucket_count);
	size_t at = hash & (2 * half - 1);

	return at < bucket_count ? at : at & (half - 1);
}

static struct spool_entry **
bucket(const struct entries *entries, uint64_t id)
{
	size_t at = entries_home(entries->bucket_count, mix(id));

	return &entries->chunks[at / CHUNK][at % CHUNK];
}

struct spool_entry *
entries_bucket(const struct entries *entries, size_t number)
{
	return entries->chunks[number / CHUNK][number % CHUNK];
}

static void
add_bucket(struct entries *entries)
{
	if (entries->bucket_count == entries->chunk_count * CHUNK) {
		entries->chunks = xrealloc(entries->chunks,
		    entries->chunk_count + 1, sizeof(*entries->chunks));
		entries->chunks[entries->chunk_count++] =
		    xcalloc(CHUNK, sizeof(**entries->chunks));
	}
	entries->bucket_count++;
}

/* One bucket more: some of one old bucket's entries belong there now. */
static void
split(struct entries *entries)
{
	size_t at =
	    entries->bucket_count & (entries_level(entries->bucket_count) - 1);
	struct spool_entry *entry, *next, **home;

	entry = entries->chunks[at / CHUNK][at % CHUNK];
	entries->chunks[at / CHUNK][at % CHUNK] = NULL;
	add_bucket(entries);
	for (; entry != NULL; entry = next) {
		next = entry->next;
		home = bucket(entries, entry->id);
		entry->next = *home;
		*home = entry;
	}
}

void
entries_init(struct entries *entries)
{
	*entries = (struct entries){ 0 };
	add_bucket(entries);
}

void
entries_clear(struct entries *entries)
{
	struct spool_entry *entry;
	struct slab *slab, *next;
	size_t i;

	for (i = 0; i < entries->bucket_count; i++)
		for (entry = entries->chunks[i / CHUNK][i % CHUNK];
		     entry != NULL; entry = entry->next)
			if (entry->recipient_count > FEW)
				free(entry->settled.many);
	for (slab = entries->slabs; slab != NULL; slab = next) {
		next = slab->next;
		free(slab);
	}
	for (i = 0; i < entries->chunk_count; i++)
		free(entries->chunks[i]);
	free(entries->chunks);
	*entries = (struct entries){ 0 };
}

static void
add_slab(struct entries *entries)
{
	struct slab *slab = xcalloc(1, sizeof(*slab));
	size_t i;

	slab->next = entries->slabs;
	entries->slabs = slab;
	for (i = 0; i < SLAB; i++) {
		slab->entries[i].next = entries->idle;
		entries->idle = &slab->entries[i];
	}
}

struct spool_entry *
entries_add(struct entries *entries, uint64_t id, uint32_t recipient_count)
{
	struct spool_entry *entry, **home;

	if (entries->count >= entries->bucket_count)
		split(entries);
	if (entries->idle == NULL)
		add_slab(entries);
	entry = entries->idle;
	entries->idle = entry->next;
	home = bucket(entries, id);
	*entry = (struct spool_entry){
		.next = *home,
		.id = id,
		.recipient_count = recipient_count,
	};
	*home = entry;
	entries->count++;
	return entry;
}

struct spool_entry *
entries_find(const struct entries *entries, uint64_t id)
{
	struct spool_entry *entry = *bucket(entries, id);

	while (entry != NULL && entry->id != id)
		entry = entry->next;
	return entry;
}

static size_t
bitmap_len(const struct spool_entry *entry)
{
	return ((size_t)entry->recipient_count + 7) / 8;
}

void
entries_remove(struct entries *entries, struct spool_entry *entry)
{
	struct spool_entry **link = bucket(entries, entry->id);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	if (entry->recipient_count > FEW && entry->settled.many != NULL) {
		free(entry->settled.many);
		entries->bitmaps -= bitmap_len(entry);
	}
	entry->next = entries->idle;
	entries->idle = entry;
	entries->count--;
}

size_t
entries_memory(const struct entries *entries)
{
	return entries->count * sizeof(struct spool_entry) +
	    entries->chunk_count * (CHUNK + 1) * sizeof(void *) +
	    entries->bitmaps;
}

bool
entry_settled(const struct spool_entry *entry, size_t recipient)
{
	if (recipient >= entry->recipient_count)
		return true;
	if (entry->recipient_count <= FEW)
		return (entry->settled.few >> recipient & 1) != 0;
	return entry->settled.many != NULL &&
	    (entry->settled.many[recipient / 8] >> recipient % 8 & 1) != 0;
}

bool
entry_settle(struct entries *entries, struct spool_entry *entry,
    size_t recipient)
{
	if (entry_settled(entry, recipient))
		return false;
	if (entry->recipient_count <= FEW) {
		entry->settled.few |= (uint64_t)1 << recipient;
	} else {
		if (entry->settled.many == NULL) {
			entry->settled.many = xcalloc(bitmap_len(entry), 1);
			entries->bitmaps += bitmap_len(entry);
		}
		entry->settled.many[recipient / 8] |=
		    (unsigned char)(1u << recipient % 8);
	}
	entry->settled_count++;
	return true;
}

bool
entry_ended(const struct spool_entry *entry)
{
	return entry->settled_count == entry->recipient_count;
}

void
entry_state(const struct spool_entry *entry, unsigned char *state, size_t len)
{
	size_t i;

	assert(len == bitmap_len(entry));
	for (i = 0; i < len; i++) {
		if (entry->recipient_count <= FEW)
			state[i] = (unsigned char)(entry->settled.few >> 8 * i);
		else if (entry->settled.many != NULL)
			state[i] = entry->settled.many[i];
		else
			state[i] = 0;
	}
}
