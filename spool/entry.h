#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A message that we owe, in memory: this and nothing else while it waits.
 * 64 bytes, and 8 for its place in the table.
 */
enum entry_flag {
	ENTRY_VERIFIED = 1 << 0, /* content checksum seen right in this life */
	ENTRY_LARGE = 1 << 1,
	ENTRY_STRAY = 1 << 2,  /* stray.h may know of more copies */
	ENTRY_LAPSED = 1 << 3, /* could not be read for now; told again later */
};

struct spool_entry {
	struct spool_entry *next; /* in its bucket, or in the free list */
	uint64_t id;
	int64_t arrival;
	void *slot;                  /* the queue's */
	union {                      /* bitmap of settled recipients */
		uint64_t few;        /* up to 64 */
		unsigned char *many; /* owned; NULL while none is */
	} settled;
	uint32_t segment; /* slot of the journal */
	uint32_t place;   /* of the record, in units of RECORD_ALIGN */
	uint32_t size;    /* of the record, likewise */
	uint32_t recipient_count;
	uint32_t settled_count;
	uint16_t flags; /* enum entry_flag */
	uint16_t flow;  /* of flow.h */
};

/* The entries by ID: a linear hash, which grows by one bucket at a time. */
struct entries {
	struct spool_entry ***chunks; /* owned; of buckets */
	size_t chunk_count;
	size_t bucket_count;
	size_t count;
	size_t bitmaps;           /* bytes */
	struct spool_entry *idle; /* owned free list */
	void *slabs;              /* owned; each begins with the next */
};

void entries_init(struct entries *entries);
void entries_clear(struct entries *entries);

struct spool_entry *entries_add(struct entries *entries, uint64_t id,
    uint32_t recipient_count);
struct spool_entry *entries_find(const struct entries *entries, uint64_t id);
void entries_remove(struct entries *entries, struct spool_entry *entry);
/*
 * For a walk over all: the chain in one bucket; the bucket that a hash has
 * in a table of so many; the largest power of two that is not above count.
 */
struct spool_entry *entries_bucket(const struct entries *entries,
    size_t number);
size_t entries_home(size_t bucket_count, uint64_t hash);
size_t entries_level(size_t bucket_count);
/* Bytes that the entries and their table take. */
size_t entries_memory(const struct entries *entries);

bool entry_settled(const struct spool_entry *entry, size_t recipient);
/* True when it was not settled before. */
bool entry_settle(struct entries *entries, struct spool_entry *entry,
    size_t recipient);
bool entry_ended(const struct spool_entry *entry);
/* The bitmap as it is stored; len: (recipient_count + 7) / 8. */
void entry_state(const struct spool_entry *entry, unsigned char *state,
    size_t len);

#endif
