/*
 * mx_order - in which order mail exchangers are tried.
 *
 * Job:     sort and shuffle; cut off ourselves, by name.
 * Called:  by hosts.c.
 * Owns:    nothing.
 * Never:   leaves one out.
 */
#include "relayd/delivery/mx_order.h"

#include <stdlib.h>

#include "base/span.h"

static int
by_preference(const void *a, const void *b)
{
	const struct mx *left = a, *right = b;

	return (left->preference > right->preference) -
	    (left->preference < right->preference);
}

static void
shuffle(struct mx *records, size_t count, uint64_t (*random)(void *owner),
    void *owner)
{
	struct mx swapped;
	size_t i, other;

	for (i = count - 1; i > 0; i--) {
		other = (size_t)(random(owner) % (i + 1));
		swapped = records[i];
		records[i] = records[other];
		records[other] = swapped;
	}
}

void
mx_order(struct mx *records, size_t count, uint64_t (*random)(void *owner),
    void *owner)
{
	size_t first, end;

	qsort(records, count, sizeof(records[0]), by_preference);
	for (first = 0; first < count; first = end) {
		end = first + 1;
		while (end < count &&
		    records[end].preference == records[first].preference)
			end++;
		shuffle(records + first, end - first, random, owner);
	}
}

size_t
mx_better(const struct mx *records, size_t count, const char *us)
{
	uint32_t limit = UINT32_MAX;
	size_t i;

	for (i = 0; i < count; i++)
		if (records[i].preference < limit &&
		    span_equal_nocase(span_of(records[i].host), span_of(us)))
			limit = records[i].preference;
	for (i = 0; i < count && records[i].preference < limit; i++)
		;
	return i;
}
