/*
 * lookup - texts to things.
 *
 * Job:     find a destination by its name and by a recipient's domain.
 * Called:  by router.c.
 * Owns:    the array of chains; neither items nor keys.
 * Never:   lets a chain grow with the table.
 */
#include "relayd/delivery/lookup.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum {
	LOOKUP_FIRST = 64 /* slots */
};

void
lookup_init(struct lookup *lookup, uint64_t seed)
{
	*lookup = (struct lookup){ .seed = seed };
}

void
lookup_clear(struct lookup *lookup)
{
	free(lookup->slots);
	*lookup = (struct lookup){ .seed = lookup->seed };
}

static struct lookup_item **
chain_of(const struct lookup *lookup, uint64_t hash)
{
	return &lookup->slots[hash & (lookup->size - 1)];
}

void *
lookup_find(const struct lookup *lookup, struct span key)
{
	uint64_t hash = span_hash(key, lookup->seed);
	const struct lookup_item *item;

	if (lookup->size == 0)
		return NULL;
	for (item = *chain_of(lookup, hash); item != NULL; item = item->next)
		if (item->hash == hash && span_equal(item->key, key))
			return item->owner;
	return NULL;
}

static void
push(struct lookup *lookup, struct lookup_item *item)
{
	struct lookup_item **chain = chain_of(lookup, item->hash);

	item->next = *chain;
	*chain = item;
}

static void
grow(struct lookup *lookup)
{
	struct lookup_item **old = lookup->slots, *item, *next;
	size_t old_size = lookup->size, i;

	lookup->size = old_size == 0 ? LOOKUP_FIRST : old_size * 2;
	lookup->slots = xcalloc(lookup->size, sizeof(struct lookup_item *));
	for (i = 0; i < old_size; i++) {
		for (item = old[i]; item != NULL; item = next) {
			next = item->next;
			push(lookup, item);
		}
	}
	free(old);
}

void
lookup_add(struct lookup *lookup, struct lookup_item *item, struct span key,
    void *owner)
{
	if (lookup->count == lookup->size)
		grow(lookup);
	*item = (struct lookup_item){ .hash = span_hash(key, lookup->seed),
		.key = key,
		.owner = owner };
	push(lookup, item);
	lookup->count++;
}

void
lookup_remove(struct lookup *lookup, struct lookup_item *item)
{
	struct lookup_item **at = chain_of(lookup, item->hash);

	while (*at != item) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = item->next;
	lookup->count--;
}
