/*
 * rates - how much happens, over the last minutes.
 *
 * Job:     sample the counters every five seconds; take differences.
 * Called:  by main, which reads the counters; by control_status.
 * Owns:    a ring of samples.
 * Never:   counts anything itself.
 */
#include "relayd/admin/rates.h"

#include <stdlib.h>

#include "base/xalloc.h"

enum {
	EVERY_MS = 5000,
	SAMPLES = 15 * 60 * 1000 / EVERY_MS + 1,
};

struct rates {
	struct watch watch;
	struct loop *loop; /* borrowed */
	void (*read)(void *owner, struct rates_totals *totals);
	void *owner; /* borrowed */
	size_t count, newest;
	struct {
		uint64_t at; /* monotonic ms */
		struct rates_totals totals;
	} samples[SAMPLES];
};

static void
sample(void *owner)
{
	struct rates *rates = owner;

	rates->newest = (rates->newest + 1) % SAMPLES;
	if (rates->count < SAMPLES)
		rates->count++;
	rates->samples[rates->newest].at = loop_now(rates->loop);
	rates->read(rates->owner, &rates->samples[rates->newest].totals);
	rates->watch.deadline = loop_now(rates->loop) + EVERY_MS;
}

static void
reap(void *owner)
{
	free(owner);
}

struct rates *
rates_new(struct loop *loop,
    void (*read)(void *owner, struct rates_totals *totals), void *owner)
{
	struct rates *rates = xcalloc(1, sizeof(*rates));

	rates->loop = loop;
	rates->read = read;
	rates->owner = owner;
	watch_init(&rates->watch, -1, rates, NULL, sample, reap);
	loop_add(loop, &rates->watch);
	sample(rates);
	return rates;
}

uint64_t
rates_total(const struct rates *rates, enum rate rate)
{
	struct rates_totals now;

	rates->read(rates->owner, &now);
	return now.of[rate];
}

uint64_t
rates_over(const struct rates *rates, enum rate rate, unsigned seconds,
    unsigned *seen)
{
	uint64_t now = loop_now(rates->loop), span = (uint64_t)seconds * 1000;
	size_t i, at = rates->newest;

	/* Back to the youngest sample that is old enough, or the oldest. */
	for (i = 1; i < rates->count; i++) {
		if (now - rates->samples[at].at >= span)
			break;
		at = (at + SAMPLES - 1) % SAMPLES;
	}
	*seen = (unsigned)((now - rates->samples[at].at) / 1000);
	return rates_total(rates, rate) - rates->samples[at].totals.of[rate];
}

void
rates_free(struct rates *rates)
{
	if (rates != NULL)
		loop_kill(rates->loop, &rates->watch);
}
