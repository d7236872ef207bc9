/*
 * sweep - the walk over messages that wait without being tried.
 *
 * Job:     see to it that ten thousand messages behind a dead host get their
 *          log line, delay notice and end, though only one of them is tried.
 * Called:  by destination.c.
 * Owns:    nothing.
 * Never:   looks at more than a few messages a step.
 */
#include "relayd/delivery/sweep.h"

#include "relayd/delivery/attempt.h"
#include "relayd/delivery/report.h"

enum {
	SWEEP_STEP = 64,     /* messages looked at in one step */
	SWEEP_SECONDS = 900, /* between two walks, at most */
	SWEEP_PARTS = 8,     /* of notice_after, and of lifetime */
};

void
sweep_now(struct destination *destination)
{
	errand_sweep_start(&destination->queue);
	sweep_later(destination);
}

void
sweep_later(struct destination *destination)
{
	const struct core *core = destination->core;
	const struct conf_delivery *conf = &core->conf->delivery;
	int64_t seconds = SWEEP_SECONDS;

	if (conf->notice_after > 0 &&
	    conf->notice_after / SWEEP_PARTS < seconds)
		seconds = conf->notice_after / SWEEP_PARTS;
	if (conf->lifetime / SWEEP_PARTS < seconds)
		seconds = conf->lifetime / SWEEP_PARTS;
	if (seconds < 1)
		seconds = 1;
	destination->sweep_at = loop_now(core->loop) + (uint64_t)seconds * 1000;
}

static bool
is_down(const struct destination *destination)
{
	return destination->health.down;
}

/* Does its age ask for a notice, or for the end? */
static bool
is_over_age(const struct destination *destination, const struct errand *errand)
{
	const struct core *core = destination->core;
	const struct conf_delivery *conf = &core->conf->delivery;
	int64_t age =
	    loop_wall(core->loop) - spool_entry_arrival(errand->entry);

	/* Where somebody answers, it still has its last try. */
	if (age >= conf->lifetime)
		return is_down(destination);
	return conf->notice_after > 0 && age >= conf->notice_after &&
	    !errand_told(errand);
}

/* As if it had been tried: the destination's trouble is its outcome. */
static void
decide(struct destination *destination, struct errand *errand)
{
	struct outcome waits = { .kind = OUTCOME_NONE };
	struct attempt *attempt;

	errand_take(destination->core, &destination->queue, errand);
	attempt =
	    attempt_new(destination->core, errand, ENVELOPE_RECIPIENTS_MAX);
	if (attempt == NULL)
		return;
	if (is_down(destination)) {
		attempt_decide(attempt, &destination->reason,
		    destination->reason_at);
		return;
	}
	outcome_set(&waits, OUTCOME_LATER, 0, "4.4.5",
	    SPAN("many messages wait for this destination"), NULL);
	attempt_decide(attempt, &waits, 0);
	outcome_clear(&waits);
}

/* One message; true when it took more than a look. */
static bool
look(struct destination *destination)
{
	struct queue *queue = &destination->queue;
	struct errand *errand = queue->sweep;

	errand_sweep_next(queue);
	if (is_down(destination) && !errand_mentioned(errand))
		report_waits(destination, errand);
	if (!is_over_age(destination, errand))
		return false;
	decide(destination, errand);
	return true;
}

bool
sweep_step(struct destination *destination)
{
	struct queue *queue = &destination->queue;
	int i;

	if (queue->sweep == NULL) {
		if (loop_now(destination->core->loop) < destination->sweep_at)
			return false;
		sweep_now(destination);
		if (queue->sweep == NULL)
			destination->sweep_at = LOOP_NEVER;
	}
	if (queue->sweep == NULL)
		return false;
	for (i = 0; i < SWEEP_STEP && queue->sweep != NULL; i++)
		if (look(destination))
			break;
	return true;
}
