#ifndef GRANT_NAMES_H
#define GRANT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "ip.h"

/*
 * The host names on the allowlist, numbered from 0, and the addresses that
 * DNS last gave for each.  The only part of the rules that changes after loading.
 */
struct grant_names;

struct grant_names *grant_names_new(uint64_t seed);
void grant_names_free(struct grant_names *names);

/* While loading: the number of a name (domain.h's form). */
uint32_t grant_names_add(struct grant_names *names, struct span name,
    bool *added);
uint32_t grant_names_count(const struct grant_names *names);
/* NULL beyond the last. */
const char *grant_names_at(const struct grant_names *names, size_t number);

/*
 * What DNS said of a name replaces what was known; half: it said so of one
 * address family and nothing of the other, where the last answer stays.
 */
void grant_names_resolved(struct grant_names *names, size_t number,
    const struct ip *addresses, size_t count, bool half);
/* DNS said nothing: the last answer stays. */
void grant_names_failed(struct grant_names *names, size_t number);
/* After loading: room for their addresses, so that none need be made later. */
void grant_names_reserve(struct grant_names *names);
/*
 * What others, which are older, know of the same names, in slices of budget
 * names: *at begins as 0; false at the end.
 */
bool grant_names_carry(struct grant_names *names,
    const struct grant_names *others, size_t *at, size_t budget);

/* Has the first lookup of this name, of all names, been answered? */
bool grant_names_known(const struct grant_names *names, uint32_t number);
bool grant_names_all_known(const struct grant_names *names);

/*
 * The names that ip belongs to: each call gives the next, beginning with *place
 * NULL; false at the end.
 */
struct grant_names_place;
bool grant_names_next(const struct grant_names *names, const struct ip *ip,
    const struct grant_names_place **place, uint32_t *number);

#endif
