#ifndef LOOKUP_H
#define LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * A hash table from texts to structs that embed an item.  Keys may come from
 * anybody, so the hash is seeded.  It grows by doubling.
 */
struct lookup_item {
	struct lookup_item *next;
	uint64_t hash;
	struct span key; /* borrowed from the owner of the item */
	void *owner;
};

struct lookup {
	struct lookup_item **slots; /* owned */
	size_t size;                /* a power of two, or 0 */
	size_t count;
	uint64_t seed;
};

void lookup_init(struct lookup *lookup, uint64_t seed);
/* Frees the table; the items are their owners'. */
void lookup_clear(struct lookup *lookup);
/* The owner of the item with this key, or NULL. */
void *lookup_find(const struct lookup *lookup, struct span key);
/* The key must live as long as the item, and not be in the table yet. */
void lookup_add(struct lookup *lookup, struct lookup_item *item,
    struct span key, void *owner);
void lookup_remove(struct lookup *lookup, struct lookup_item *item);

#endif
