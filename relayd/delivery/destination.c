/*
 * destination - one route and everything that waits for it.
 *
 * Job:     give waiting errands to lines, open lines as its health allows, and
 *          look after those that wait long.
 * Called:  by the pump, by router.c with errands, by lines and hosts with what
 *          they meet.
 * Owns:    its queue, its lines, its hosts and its health.
 * Never:   does more than a bounded piece of work, or waits for another
 *          destination.
 */
#include "relayd/delivery/destination.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/delivery/lines.h"
#include "relayd/delivery/report.h"
#include "relayd/delivery/router.h"
#include "relayd/delivery/sweep.h"
#include "relayd/delivery/teller.h"

enum {
	RUN_STEPS = 32, /* of one run: an attempt, a line, a sorted errand */
	REFUSES_MS = 60000, /* a destination's "never" is believed this long */
	LINGER_MS = 60000,  /* an empty destination is kept this long */
	TELLER_MS = 10000,  /* a full teller is asked again after this */
};

struct destination *
destination_new(struct core *core, const char *name)
{
	struct destination *destination = xcalloc(1, sizeof(*destination));

	destination->core = core;
	destination->name = xstrdup(name);
	TAILQ_INIT(&destination->lanes);
	queue_init(&destination->queue, &core->counts.queue);
	health_init(&destination->health);
	hostlist_init(&destination->hosts, destination);
	LIST_INIT(&destination->lines);
	TAILQ_INIT(&destination->idle);
	destination->due.kind = DUE_DESTINATION;
	destination->due_at = LOOP_NEVER;
	destination->sweep_at = LOOP_NEVER;
	return destination;
}

void
destination_free(struct destination *destination)
{
	struct core *core = destination->core;
	struct line *line;

	while ((line = LIST_FIRST(&destination->lines)) != NULL)
		line_abort(line);
	lines_forget(destination);
	if (destination->is_dirty)
		TAILQ_REMOVE(&core->dirty, destination, dirty_link);
	if (destination->due_at != LOOP_NEVER)
		schedule_cancel(&core->schedule, &destination->due);
	hostlist_clear(&destination->hosts);
	outcome_clear(&destination->reason);
	free(destination->name);
	free(destination);
}

void
destination_wake(struct destination *destination)
{
	struct core *core = destination->core;

	if (destination->is_dirty)
		return;
	destination->is_dirty = true;
	TAILQ_INSERT_TAIL(&core->dirty, destination, dirty_link);
	core_wake(core);
}

void
destination_hurry(struct destination *destination)
{
	struct health *health = &destination->health;

	if (health->down)
		health->retry_at = loop_now(destination->core->loop);
	health->open_after = 0;
	destination->refuses = false;
	destination_wake(destination);
}

void
destination_doubt(struct destination *destination)
{
	destination->refuses = false;
	if (destination->reason.kind == OUTCOME_FAILED)
		destination->reason.kind = OUTCOME_LATER;
}

static uint64_t
now(const struct destination *destination)
{
	return loop_now(destination->core->loop);
}

static struct health_facts
facts(const struct destination *destination)
{
	const struct conf_delivery *conf = &destination->core->conf->delivery;

	return (struct health_facts){
		.now = now(destination),
		.limit_max = conf->connections_per_destination,
		.retry_first = conf->retry_first,
		.retry_max = conf->retry_max,
	};
}

/* ---- a run ---- */

/* May and should one more line be opened now? */
static bool
wants_line(struct destination *destination)
{
	struct health_facts at = facts(destination);
	size_t connecting = destination->connecting_count;

	if (destination->health.crowded &&
	    (connecting > 0 || at.now < destination->health.open_after))
		return false;
	return destination->queue.ready_count > connecting &&
	    destination->line_count < health_allows(&destination->health, &at);
}

bool
destination_refuses(const struct destination *destination)
{
	return destination->refuses &&
	    now(destination) < destination->refuses_until;
}

/* Every recipient of the next errand gets the destination's "never". */
static void
refuse_one(struct destination *destination)
{
	struct errand *errand =
	    errand_take_turn(destination->core, &destination->queue);
	struct attempt *attempt;

	attempt =
	    attempt_new(destination->core, errand, ENVELOPE_RECIPIENTS_MAX);
	if (attempt != NULL)
		attempt_decide(attempt, &destination->reason,
		    destination->reason_at);
}

static void
start_one(struct destination *destination, struct line *line)
{
	line_start(line,
	    errand_take_turn(destination->core, &destination->queue));
}

/* One piece of work; false when there is none now. */
static bool
step(struct destination *destination)
{
	struct core *core = destination->core;
	struct line *line = TAILQ_FIRST(&destination->idle);
	struct errand *unsorted = errand_first_unsorted(&destination->queue);

	if (core->draining)
		return false;
	if (unsorted != NULL) {
		errand_take(core, &destination->queue, unsorted);
		router_sort(core->router, unsorted);
		return true;
	}
	if (sweep_step(destination))
		return true;
	if (destination->queue.ready_count == 0)
		return false;
	if (destination_refuses(destination)) {
		if (teller_full(core->teller))
			return false;
		refuse_one(destination);
		return true;
	}
	if (line != NULL) {
		start_one(destination, line);
		return true;
	}
	if (!wants_line(destination) || !hostlist_ready(&destination->hosts) ||
	    !lines_room(destination))
		return false;
	line_open(destination);
	return true;
}

static bool
useless(const struct destination *destination)
{
	return queue_empty(&destination->queue) &&
	    destination->line_count == 0 && destination->hosts.search == NULL;
}

static void
sooner(uint64_t *at, uint64_t than)
{
	if (than < *at)
		*at = than;
}

/* When somebody must look again even if nothing happens. */
static uint64_t
next_look(const struct destination *destination)
{
	const struct health *health = &destination->health;
	uint64_t at = LOOP_NEVER;

	if (destination->queue.ready_count > 0) {
		sooner(&at, destination->sweep_at);
		if (health->down && health->retry_at > now(destination))
			sooner(&at, health->retry_at);
		if (health->crowded && health->open_after > now(destination))
			sooner(&at, health->open_after);
		if (destination_refuses(destination)) /* the teller was full */
			sooner(&at, now(destination) + TELLER_MS);
	} else if (useless(destination)) {
		at = now(destination) + LINGER_MS;
		if (health->down && health->retry_at > at)
			at = health->retry_at;
	}
	return at;
}

static void
rest(struct destination *destination)
{
	struct core *core = destination->core;
	uint64_t at = next_look(destination);

	if (at >= destination->due_at)
		return; /* it looks sooner, and then decides again */
	if (destination->due_at != LOOP_NEVER)
		schedule_cancel(&core->schedule, &destination->due);
	destination->due_at = at;
	core_schedule(core, &destination->due, at);
}

/* Nothing can be begun now: what others need is given back. */
static void
give_back(struct destination *destination)
{
	struct line *line;

	if (destination->has_room)
		lines_forget(destination);
	while ((line = TAILQ_FIRST(&destination->idle)) != NULL &&
	    lines_is_wanted(line))
		line_quit(line);
}

int
destination_run(struct destination *destination)
{
	int steps = 0;

	while (steps < RUN_STEPS && step(destination))
		steps++;
	if (steps == RUN_STEPS)
		destination_wake(destination);
	else
		give_back(destination);
	rest(destination);
	return steps;
}

struct destination *
destination_of(struct due *due)
{
	return (struct destination *)(void *)((char *)due -
	    offsetof(struct destination, due));
}

void
destination_due(struct destination *destination)
{
	destination->due_at = LOOP_NEVER;
	if (useless(destination) && !destination->is_dirty &&
	    (!destination->health.down ||
		now(destination) >= destination->health.retry_at))
		router_drop(destination->core->router, destination);
	else
		destination_wake(destination);
}

/* ---- errands ---- */

void
destination_queue(struct destination *destination, struct errand *errand,
    bool in_front)
{
	if (holds_has(&destination->core->holds,
		spool_entry_id(errand->entry))) {
		errand_hold(&destination->queue, errand);
		return;
	}
	errand_ready(&destination->queue, errand, in_front);
	if (destination->sweep_at == LOOP_NEVER)
		sweep_later(destination);
	destination_wake(destination);
}

void
destination_resort(struct destination *destination, struct errand *errand)
{
	errand_unsorted(&destination->queue, errand);
	destination_wake(destination);
}

struct errand *
destination_add(struct destination *destination, struct spool_entry *entry)
{
	struct errand *errand;

	errand = errand_new(destination, &destination->queue, entry);
	letter_attach(entry, errand);
	destination_queue(destination, errand, false);
	if (destination->health.down)
		report_waits(destination, errand);
	return errand;
}

void
destination_drop(struct errand *errand)
{
	struct destination *destination = errand->destination;

	errand_free(destination->core, &destination->queue, errand);
	if (useless(destination))
		destination_wake(destination);
}

void
destination_hang_up(struct destination *destination)
{
	struct line *line, *next;

	for (line = LIST_FIRST(&destination->lines); line != NULL;
	     line = next) {
		next = LIST_NEXT(line, link);
		if (line->state == LINE_CONNECTING)
			line_abort(line);
	}
}

void
destination_unsort(struct destination *destination)
{
	struct queue *queue = &destination->queue;
	struct errand *errand;

	while ((errand = errand_first_ready(queue)) != NULL) {
		errand_take(destination->core, queue, errand);
		errand_unsorted(queue, errand);
	}
	destination_wake(destination);
}

/* ---- what the lines meet ---- */

void
destination_greeted(struct destination *destination)
{
	health_greeted(&destination->health);
	destination_wake(destination);
}

void
destination_answered(struct destination *destination)
{
	struct health_facts at = facts(destination);

	if (!health_answered(&destination->health, &at))
		return;
	lines_proven(destination);
	report_up(destination);
}

static void
remember(struct destination *destination, enum outcome_kind kind,
    const struct outcome *why)
{
	outcome_set(&destination->reason, kind, why->code, why->enhanced,
	    span_of(why->text == NULL ? "" : why->text), why->remote);
	destination->reason_at = loop_wall(destination->core->loop);
}

/* It is down: remember why, say so, look at everything that waits. */
static void
went_down(struct destination *destination, const struct outcome *why)
{
	struct line *line;

	remember(destination, OUTCOME_LATER, why);
	report_down(destination);
	while ((line = TAILQ_FIRST(&destination->idle)) != NULL)
		line_quit(line);
	sweep_now(destination);
	destination_wake(destination);
}

void
destination_trouble(struct destination *destination, const struct outcome *why)
{
	struct health_facts at = facts(destination);

	at.random = core_random(destination->core);
	if (health_trouble(&destination->health, &at))
		went_down(destination, why);
}

/* "Never" is believed for a while. */
static void
refuse(struct destination *destination, const struct outcome *why)
{
	remember(destination, OUTCOME_FAILED, why);
	destination->refuses = true;
	destination->refuses_until = now(destination) + REFUSES_MS;
}

void
destination_unreachable(struct destination *destination,
    const struct outcome *why)
{
	struct health_facts at = facts(destination);

	at.random = core_random(destination->core);
	hostlist_forget(&destination->hosts);
	if (destination->line_count > 0) {
		health_crowded(&destination->health, &at,
		    destination->line_count);
	} else if (why->kind == OUTCOME_FAILED) {
		refuse(destination, why);
	} else {
		health_unreachable(&destination->health, &at);
		went_down(destination, why);
	}
	destination_wake(destination);
}
