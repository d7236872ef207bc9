/*
 * latencies - how long each of many things took.
 *
 * Job:     collect microseconds and sort them when asked.
 * Called:  by the load of the benchmarks.
 * Owns:    one array, of MAX at most; what comes later is not counted.
 * Never:   asks the clock.
 */
#include "tests/support/latencies.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum {
	MAX = 4 << 20,
};

static struct {
	uint32_t *micros; /* owned */
	size_t count, size;
	bool sorted;
} all;

void
latencies_add(uint64_t nanoseconds)
{
	uint64_t micros = nanoseconds / 1000;

	if (all.count == MAX)
		return;
	if (all.count == all.size) {
		all.size = all.size == 0 ? 1024 : all.size * 2;
		all.micros =
		    xrealloc(all.micros, all.size, sizeof(all.micros[0]));
	}
	all.micros[all.count++] =
	    micros > UINT32_MAX ? UINT32_MAX : (uint32_t)micros;
	all.sorted = false;
}

static int
compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

uint32_t
latencies_percentile(unsigned percent)
{
	if (all.count == 0)
		return 0;
	if (!all.sorted)
		qsort(all.micros, all.count, sizeof(all.micros[0]), compare);
	all.sorted = true;
	return all.micros[(all.count - 1) * percent / 100];
}

void
latencies_free(void)
{
	free(all.micros);
	all.micros = NULL;
	all.count = all.size = 0;
}
