/*
 * grant_names - host names on the allowlist and their addresses.
 *
 * Job:     number the names, hold what DNS said of each, and find the names
 *          of an address.
 * Called:  by allowlist.c.
 * Owns:    names and addresses.
 * Never:   asks DNS itself, nor believes a reverse lookup.
 */
#include "domains/grant_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/string_set.h"

enum {
	ADDRESSES_MAX = 64, /* of one name; what DNS gives beyond is ignored */
	BUCKETS_FIRST = 64,
};

/* One address of one name, in the chain of its bucket. */
struct grant_names_place {
	struct ip ip;
	uint32_t number;
	struct grant_names_place *next; /* owned by the bucket */
};

struct name_state {
	bool known;
	uint32_t count;
	struct ip *addresses; /* owned */
};

struct grant_names {
	struct string_set names;
	struct name_state *states;          /* owned; one for each of names */
	uint32_t unknown;                   /* names that are not known yet */
	struct grant_names_place **buckets; /* owned */
	uint32_t bucket_count;              /* a power of two */
	uint32_t place_count;
};

static struct grant_names_place **bucket_of(const struct grant_names *names,
    const struct ip *ip);
static void add_place(struct grant_names *names, uint32_t number,
    const struct ip *ip);
static void remove_place(struct grant_names *names, uint32_t number,
    const struct ip *ip);
static void grow(struct grant_names *names);
static void set_known(struct grant_names *names, size_t number);

struct grant_names *
grant_names_new(uint64_t seed)
{
	struct grant_names *names = xcalloc(1, sizeof(*names));

	string_set_init(&names->names, seed);
	names->bucket_count = BUCKETS_FIRST;
	names->buckets = xcalloc(names->bucket_count, sizeof(*names->buckets));
	return names;
}

void
grant_names_free(struct grant_names *names)
{
	struct grant_names_place *place;
	uint32_t i;

	if (names == NULL)
		return;
	for (i = 0; i < names->bucket_count; i++) {
		while ((place = names->buckets[i]) != NULL) {
			names->buckets[i] = place->next;
			free(place);
		}
	}
	for (i = 0; i < names->names.count; i++)
		free(names->states[i].addresses);
	free(names->states);
	free(names->buckets);
	string_set_clear(&names->names);
	free(names);
}

uint32_t
grant_names_add(struct grant_names *names, struct span name, bool *added)
{
	uint32_t number = string_set_add(&names->names, name, added);

	if (*added) {
		if ((number & (number - 1)) == 0) /* doubles at powers of two */
			names->states = xrealloc(names->states,
			    number == 0 ? 1 : 2 * (size_t)number,
			    sizeof(*names->states));
		names->states[number] = (struct name_state){ .known = false };
		names->unknown++;
	}
	return number;
}

uint32_t
grant_names_count(const struct grant_names *names)
{
	return names->names.count;
}

const char *
grant_names_at(const struct grant_names *names, size_t number)
{
	if (number >= names->names.count)
		return NULL;
	return string_set_at(&names->names, (uint32_t)number).data;
}

static bool
has(const struct name_state *state, const struct ip *ip)
{
	uint32_t i;

	for (i = 0; i < state->count; i++)
		if (ip_equal(&state->addresses[i], ip))
			return true;
	return false;
}

static void
add_address(struct name_state *state, const struct ip *ip)
{
	if (state->count < ADDRESSES_MAX && !has(state, ip))
		state->addresses[state->count++] = *ip;
}

/*
 * Loopback and unspecified addresses are no answer for a host on the network:
 * with them, whoever edits the zone would let in the programs of this machine.
 */
void
grant_names_resolved(struct grant_names *names, size_t number,
    const struct ip *addresses, size_t count, bool half)
{
	struct name_state *state, fresh = { .known = true };
	uint32_t i;

	if (number >= names->names.count)
		return;
	state = &names->states[number];
	set_known(names, number);
	fresh.addresses = xcalloc(ADDRESSES_MAX, sizeof(*fresh.addresses));
	for (i = 0; i < count; i++)
		if (!ip_is_loopback_or_unspecified(&addresses[i]))
			add_address(&fresh, &addresses[i]);
	for (i = 0; half && count > 0 && i < state->count; i++)
		if (ip_is_v4(&state->addresses[i]) != ip_is_v4(&addresses[0]))
			add_address(&fresh, &state->addresses[i]);
	for (i = 0; i < state->count; i++)
		remove_place(names, (uint32_t)number, &state->addresses[i]);
	for (i = 0; i < fresh.count; i++)
		add_place(names, (uint32_t)number, &fresh.addresses[i]);
	free(state->addresses);
	fresh.addresses =
	    xrealloc(fresh.addresses, fresh.count, sizeof(*fresh.addresses));
	*state = fresh;
}

void
grant_names_failed(struct grant_names *names, size_t number)
{
	if (number < names->names.count)
		set_known(names, number);
}

static void
carry_one(struct grant_names *names, const struct grant_names *others,
    uint32_t number)
{
	uint32_t found = string_set_find(&others->names,
	    string_set_at(&names->names, number));
	const struct name_state *state;

	if (found == STRING_SET_NONE)
		return;
	state = &others->states[found];
	if (state->known)
		grant_names_resolved(names, number, state->addresses,
		    state->count, false);
}

bool
grant_names_carry(struct grant_names *names, const struct grant_names *others,
    size_t *at, size_t budget)
{
	for (; *at < names->names.count && budget > 0; budget--)
		carry_one(names, others, (uint32_t)(*at)++);
	return *at < names->names.count;
}

/* Hosts have a v4 and a v6 address, most of them. */
void
grant_names_reserve(struct grant_names *names)
{
	while (names->bucket_count / 2 < names->names.count)
		grow(names);
}

bool
grant_names_known(const struct grant_names *names, uint32_t number)
{
	return names->states[number].known;
}

bool
grant_names_all_known(const struct grant_names *names)
{
	return names->unknown == 0;
}

bool
grant_names_next(const struct grant_names *names, const struct ip *ip,
    const struct grant_names_place **place, uint32_t *number)
{
	const struct grant_names_place *at;

	at = *place == NULL ? *bucket_of(names, ip) : (*place)->next;
	while (at != NULL && !ip_equal(&at->ip, ip))
		at = at->next;
	if (at == NULL)
		return false;
	*place = at;
	*number = at->number;
	return true;
}

static struct grant_names_place **
bucket_of(const struct grant_names *names, const struct ip *ip)
{
	uint64_t hash;

	hash = string_set_hash(&names->names,
	    span_make((const char *)ip->bytes, sizeof(ip->bytes)));
	return &names->buckets[hash & (names->bucket_count - 1)];
}

/* Twice the buckets, once there is a place for each. */
static void
grow(struct grant_names *names)
{
	struct grant_names_place **old = names->buckets, **bucket, *place;
	uint32_t i, count = names->bucket_count;

	assert(count <= UINT32_MAX / 2);
	names->bucket_count = 2 * count;
	names->buckets = xcalloc(names->bucket_count, sizeof(*names->buckets));
	for (i = 0; i < count; i++) {
		while ((place = old[i]) != NULL) {
			old[i] = place->next;
			bucket = bucket_of(names, &place->ip);
			place->next = *bucket;
			*bucket = place;
		}
	}
	free(old);
}

static void
add_place(struct grant_names *names, uint32_t number, const struct ip *ip)
{
	struct grant_names_place **bucket, *place;

	if (names->place_count == names->bucket_count)
		grow(names);
	place = xcalloc(1, sizeof(*place));
	bucket = bucket_of(names, ip);
	*place = (struct grant_names_place){ *ip, number, *bucket };
	*bucket = place;
	names->place_count++;
}

static void
remove_place(struct grant_names *names, uint32_t number, const struct ip *ip)
{
	struct grant_names_place **link = bucket_of(names, ip), *place;

	while ((place = *link) != NULL) {
		if (place->number == number && ip_equal(&place->ip, ip)) {
			*link = place->next;
			free(place);
			names->place_count--;
			return;
		}
		link = &place->next;
	}
}

static void
set_known(struct grant_names *names, size_t number)
{
	if (!names->states[number].known)
		names->unknown--;
	names->states[number].known = true;
}
