/*
 * delivery - the sending side: everything that waits in the spool.
 *
 * Job:     put the parts together; pump: give out what is due, let every
 *          destination that has work do some of it.
 * Called:  by main.
 * Owns:    struct core and, through it, all of the sending side.
 * Never:   does more in one turn than keeps the relay answering.
 */
#include "relayd/delivery/delivery.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/core.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/inside.h"
#include "relayd/delivery/lines.h"
#include "relayd/delivery/router.h"
#include "relayd/delivery/teller.h"
#include "relayd/delivery/wires.h"

enum {
	PUMP_DUES = 1000, /* given out in one turn */
	PUMP_STEPS = 256, /* of destinations, some 10 us each, in one turn */
};

/* One that the schedule gave out. */
static void
come_up(struct core *core, struct due *due)
{
	struct errand *errand;

	switch ((enum due_kind)due->kind) {
	case DUE_ERRAND:
		errand = errand_of(due);
		errand_due(&errand->destination->queue, errand);
		destination_queue(errand->destination, errand, false);
		break;
	case DUE_DESTINATION:
		destination_due(destination_of(due));
		break;
	case DUE_LINE:
		line_due(due);
		break;
	case DUE_LINES:
		lines_due(core->lines);
		break;
	case DUE_STORY:
		teller_story_due(core->teller, due);
		break;
	case DUE_TELLER:
		teller_due(core->teller);
		break;
	}
}

static void
run_destinations(struct core *core)
{
	struct destination *destination;
	int left = PUMP_STEPS;

	while (left > 0 && (destination = TAILQ_FIRST(&core->dirty)) != NULL) {
		TAILQ_REMOVE(&core->dirty, destination, dirty_link);
		destination->is_dirty = false;
		left -= 1 + destination_run(destination);
	}
}

static void
pump(void *owner)
{
	struct core *core = owner;
	uint64_t now = loop_now(core->loop);
	struct due *due;
	bool more;
	int i;

	for (i = 0; i < PUMP_DUES; i++) {
		due = schedule_pop(&core->schedule, now);
		if (due == NULL)
			break;
		come_up(core, due);
	}
	more = teller_turn(core->teller);
	run_destinations(core);
	core->pump.deadline = more || !TAILQ_EMPTY(&core->dirty) ?
	    now :
	    schedule_next(&core->schedule);
}

static void
keep(void *owner)
{
	(void)owner; /* the watch dies with struct delivery */
}

struct delivery *
delivery_new(const struct delivery_needs *needs, struct buf *why)
{
	struct delivery *delivery = xcalloc(1, sizeof(*delivery));
	struct core *core = &delivery->core;

	core->loop = needs->loop;
	core->spool = needs->spool;
	core->resolver = needs->resolver;
	core->conf = needs->conf;
	core->rules = needs->rules;
	core->random_owner = needs->random_owner;
	core->random = needs->random;
	core->wires = wires_new(core, needs->conf, why);
	if (core->wires == NULL) {
		free(delivery);
		return NULL;
	}
	holds_init(&core->holds);
	core->history = history_new();
	schedule_init(&core->schedule, loop_now(core->loop));
	TAILQ_INIT(&core->dirty);
	watch_init(&core->pump, -1, core, NULL, pump, keep);
	loop_add(core->loop, &core->pump);
	core->router = router_new(core);
	core->lines = lines_new(core);
	core->teller = teller_new(core);
	return delivery;
}

bool
delivery_hold_these(struct delivery *delivery, const char *file,
    struct buf *why)
{
	return holds_read(&delivery->core.holds, file, why);
}

void
delivery_waiting(void *delivery, struct spool_entry *entry, struct span domains)
{
	struct core *core = &((struct delivery *)delivery)->core;

	router_place(core->router, entry, domains);
}

bool
delivery_prepare(struct delivery *delivery, const struct conf *conf,
    struct buf *why)
{
	struct core *core = &delivery->core;

	wires_free(core->next_wires);
	core->next_wires = wires_new(core, conf, why);
	return core->next_wires != NULL;
}

void
delivery_reload(struct delivery *delivery, const struct conf *conf,
    const struct rules *rules)
{
	struct core *core = &delivery->core;
	struct wires *older = core->wires;

	assert(core->next_wires != NULL);
	core->wires = core->next_wires;
	core->next_wires = NULL;
	core->conf = conf;
	core->rules = rules;
	core->reloads++;
	lines_renew(core->lines);
	router_reload(core->router);
	wires_free(older); /* nothing that connects is left of it */
	core_wake(core);
}

void
delivery_drain(struct delivery *delivery)
{
	delivery->core.draining = true;
	lines_renew(delivery->core.lines);
}

size_t
delivery_active(const struct delivery *delivery)
{
	return lines_busy(delivery->core.lines);
}

void
delivery_free(struct delivery *delivery)
{
	struct core *core;

	if (delivery == NULL)
		return;
	core = &delivery->core;
	core->draining = true;
	router_free(core->router);
	teller_free(core->teller);
	lines_free(core->lines);
	wires_free(core->wires);
	wires_free(core->next_wires);
	holds_clear(&core->holds);
	history_free(core->history);
	loop_remove(core->loop, &core->pump);
	free(delivery);
}

void
delivery_count(const struct delivery *delivery, struct delivery_counts *counts)
{
	*counts = delivery->core.counts;
	counts->destinations = router_count(delivery->core.router);
	counts->connections = lines_count(delivery->core.lines);
}
