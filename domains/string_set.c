/*
 * string_set - distinct strings, numbered.
 *
 * Job:     find a string among millions in one step, and number new ones.
 * Called:  by whatever holds a table.
 * Owns:    the bytes of the strings and their hash.
 * Never:   loses a string, nor gives two the same number.
 */
#include "domains/string_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	TEXT_FIRST = 1024,
	ENTRIES_FIRST = 16,
	SLOTS_FIRST = 32,
};

static uint32_t *slot_of(const struct string_set *set, struct span s,
    uint32_t hash);
static void grow_slots(struct string_set *set);
static void append(struct string_set *set, struct span s, uint32_t hash);

void
string_set_init(struct string_set *set, uint64_t seed)
{
	*set = (struct string_set){ .seed = seed };
}

void
string_set_clear(struct string_set *set)
{
	free(set->text);
	free(set->entries);
	free(set->slots);
	string_set_init(set, set->seed);
}

uint32_t
string_set_add(struct string_set *set, struct span s, bool *added)
{
	uint32_t hash = string_set_hash(set, s);
	uint32_t *slot;

	/* At most two thirds full. */
	if (set->count >= set->slot_count / 3 * 2)
		grow_slots(set);
	slot = slot_of(set, s, hash);
	*added = *slot == 0;
	if (*added) {
		append(set, s, hash);
		*slot = set->count;
	}
	return *slot - 1;
}

uint32_t
string_set_find(const struct string_set *set, struct span s)
{
	uint32_t *slot;

	if (set->count == 0)
		return STRING_SET_NONE;
	slot = slot_of(set, s, string_set_hash(set, s));
	return *slot == 0 ? STRING_SET_NONE : *slot - 1;
}

struct span
string_set_at(const struct string_set *set, uint32_t n)
{
	assert(n < set->count);
	return span_make(set->text + set->entries[n].at, set->entries[n].len);
}

uint32_t
string_set_hash(const struct string_set *set, struct span s)
{
	return (uint32_t)XXH3_64bits_withSeed(s.data, s.len, set->seed);
}

void
string_set_trim(struct string_set *set)
{
	if (set->count == 0)
		return;
	set->text = xrealloc(set->text, set->text_len, 1);
	set->text_room = set->text_len;
	set->entries =
	    xrealloc(set->entries, set->count, sizeof(*set->entries));
	set->entry_room = set->count;
}

/* Where s is, or where it would go.  There is always an empty slot. */
static uint32_t *
slot_of(const struct string_set *set, struct span s, uint32_t hash)
{
	uint32_t mask = set->slot_count - 1;
	uint32_t i = hash & mask;
	const struct string_entry *entry;

	for (; set->slots[i] != 0; i = (i + 1) & mask) {
		entry = &set->entries[set->slots[i] - 1];
		if (entry->hash == hash && entry->len == s.len &&
		    memcmp(set->text + entry->at, s.data, s.len) == 0)
			break;
	}
	return &set->slots[i];
}

static void
grow_slots(struct string_set *set)
{
	uint32_t i, n, mask;

	assert(set->slot_count <= UINT32_MAX / 4);
	set->slot_count =
	    set->slot_count == 0 ? SLOTS_FIRST : 2 * set->slot_count;
	free(set->slots);
	set->slots = xcalloc(set->slot_count, sizeof(*set->slots));
	mask = set->slot_count - 1;
	for (n = 0; n < set->count; n++) {
		i = set->entries[n].hash & mask;
		while (set->slots[i] != 0)
			i = (i + 1) & mask;
		set->slots[i] = n + 1;
	}
}

static void
append(struct string_set *set, struct span s, uint32_t hash)
{
	if (set->count == set->entry_room) {
		set->entry_room =
		    set->count == 0 ? ENTRIES_FIRST : set->count * 2;
		set->entries = xrealloc(set->entries, set->entry_room,
		    sizeof(*set->entries));
	}
	if (s.len >= set->text_room - set->text_len) {
		set->text_room += set->text_room / 2 + TEXT_FIRST + s.len;
		set->text = xrealloc(set->text, set->text_room, 1);
	}
	set->entries[set->count++] = (struct string_entry){
		.at = set->text_len,
		.len = (uint32_t)s.len,
		.hash = hash,
	};
	memcpy(set->text + set->text_len, s.data, s.len);
	set->text_len += s.len;
	set->text[set->text_len++] = '\0';
}
