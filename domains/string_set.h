#ifndef STRING_SET_H
#define STRING_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * Distinct strings, numbered from 0 in the order they came.  Made for
 * millions: a string costs its bytes and about 30 more.  Never shrinks.
 */
#define STRING_SET_NONE UINT32_MAX

struct string_entry {
	uint64_t at;   /* of its bytes in text */
	uint32_t len;  /* bytes, without the NUL behind them */
	uint32_t hash; /* kept so that growing reads no text */
};

struct string_set {
	uint64_t seed; /* of the hash: nobody outside can aim at a slot */
	char *text;    /* owned: the strings, each with a NUL behind it */
	size_t text_len, text_room;
	struct string_entry *entries; /* owned */
	uint32_t count, entry_room;
	uint32_t *slots; /* owned: 1 + number of an entry, or 0 */
	uint32_t slot_count;
};

void string_set_init(struct string_set *set, uint64_t seed);
void string_set_clear(struct string_set *set);

/* The number of s, which is added when it is new. */
uint32_t string_set_add(struct string_set *set, struct span s, bool *added);
/* The number of s, or STRING_SET_NONE. */
uint32_t string_set_find(const struct string_set *set, struct span s);
/* String number n; a NUL stands behind it.  Valid until the next addition. */
struct span string_set_at(const struct string_set *set, uint32_t n);
/* The hash that the set would use for s. */
uint32_t string_set_hash(const struct string_set *set, struct span s);
/* Gives back the memory kept for additions. */
void string_set_trim(struct string_set *set);

#endif
