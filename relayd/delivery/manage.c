/*
 * manage - the queue as an administrator sees and handles it.
 *
 * Job:     show where a message waits and why; retry, hold, release, drop.
 * Called:  by relayd/admin, for the control socket.
 * Owns:    nothing.
 * Never:   settles a recipient that an attempt may still deliver.
 */
#include "relayd/delivery/manage.h"

#include <stdlib.h>

#include "relayd/delivery/attempt.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/inside.h"
#include "relayd/delivery/letter.h"
#include "relayd/delivery/line.h"
#include "relayd/delivery/router.h"
#include "relayd/delivery/teller.h"

enum {
	HANGS_MS = 60000 /* an attempt that takes longer than this hangs */
};

/* ---- looking ---- */

static uint64_t
from_now(const struct core *core, uint64_t at)
{
	uint64_t now = loop_now(core->loop);

	return at > now ? at - now : 0;
}

static struct wait
wait_of(const struct errand *errand)
{
	const struct destination *destination = errand->destination;
	const struct core *core = destination->core;
	struct wait wait = {
		.destination = destination->name,
		.attempts = errand_attempts(errand),
	};

	if (destination->health.down || destination_refuses(destination))
		wait.reason = destination->reason.text;
	if (errand_place(errand) != ERRAND_OUT &&
	    holds_has(&core->holds, spool_entry_id(errand->entry))) {
		wait.state = WAIT_HELD;
		return wait;
	}
	switch (errand_place(errand)) {
	case ERRAND_OUT:
		wait.state = WAIT_ATTEMPT;
		break;
	case ERRAND_READY:
	case ERRAND_UNSORTED:
		wait.state = destination->health.down ? WAIT_RETRY : WAIT_READY;
		wait.next_ms = from_now(core, destination->health.retry_at);
		break;
	case ERRAND_WAITING:
		wait.state = WAIT_RETRY;
		wait.next_ms = from_now(core,
		    schedule_when(&core->schedule, &errand->due));
		break;
	case ERRAND_HELD:
		wait.state = WAIT_HELD;
		break;
	}
	return wait;
}

void
manage_look(struct delivery *delivery, struct spool_entry *entry,
    void (*tell)(void *owner, const struct wait *wait), void *owner)
{
	struct errand **errands;
	struct wait wait;
	size_t count, i;

	(void)delivery;
	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++) {
		wait = wait_of(errands[i]);
		tell(owner, &wait);
	}
}

void
manage_past(const struct delivery *delivery, const struct spool_entry *entry,
    void (*tell)(void *owner, size_t recipient, int64_t at,
	const struct outcome *outcome),
    void *owner)
{
	history_tell(delivery->core.history, spool_entry_id(entry), tell,
	    owner);
}

ssize_t
manage_read(struct delivery *delivery, struct spool_entry *entry, uint64_t at,
    char *data, size_t len)
{
	struct core *core = &delivery->core;
	struct letter *letter = letter_raise(entry);
	ssize_t got;

	if (!letter_open(letter, core->spool)) {
		router_forget(core->router, letter);
		return -1;
	}
	got = content_read(core->spool, letter_content(letter), at, data, len);
	letter_close(letter, core->spool);
	router_rest(core->router, letter);
	return got;
}

/* ---- handling ---- */

/* The line that carries this errand, or NULL. */
static struct line *
line_of(const struct errand *errand)
{
	struct line *line;

	LIST_FOREACH(line, &errand->destination->lines, link)
		if (line->attempt != NULL && line->attempt->errand == errand)
			return line;
	return NULL;
}

static bool
retry_one(struct core *core, struct errand *errand)
{
	struct destination *destination = errand->destination;
	struct line *line;

	switch (errand_place(errand)) {
	case ERRAND_OUT:
		line = line_of(errand);
		if (line == NULL ||
		    loop_now(core->loop) - line->attempt->started < HANGS_MS)
			return false;
		line_abort(line); /* it is ready again with this */
		return true;
	case ERRAND_WAITING:
		errand_take(core, &destination->queue, errand);
		destination_queue(destination, errand, false);
		break;
	case ERRAND_READY:
	case ERRAND_UNSORTED:
		break;
	case ERRAND_HELD:
		return false;
	}
	destination_hurry(destination);
	return true;
}

bool
manage_retry(struct delivery *delivery, struct spool_entry *entry)
{
	struct errand **errands;
	bool changed = false;
	size_t count, i;

	/* None of these ends an errand, or makes one. */
	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++) {
		changed |= retry_one(&delivery->core, errands[i]);
		errands = letter_errands(entry, &count);
	}
	return changed;
}

bool
manage_is_held(const struct delivery *delivery, uint64_t id)
{
	return holds_has(&delivery->core.holds, id);
}

bool
manage_hold(struct delivery *delivery, struct spool_entry *entry)
{
	struct core *core = &delivery->core;
	struct errand **errands, *errand;
	size_t count, i;

	if (!holds_add(&core->holds, spool_entry_id(entry)))
		return false;
	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++) {
		errand = errands[i];
		if (errand_place(errand) == ERRAND_OUT)
			continue; /* held when it comes back */
		errand_take(core, &errand->destination->queue, errand);
		errand_hold(&errand->destination->queue, errand);
	}
	return true;
}

bool
manage_release(struct delivery *delivery, struct spool_entry *entry)
{
	struct core *core = &delivery->core;
	struct errand **errands, *errand;
	size_t count, i;

	if (!holds_remove(&core->holds, spool_entry_id(entry)))
		return false;
	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++) {
		errand = errands[i];
		if (errand_place(errand) != ERRAND_HELD)
			continue;
		/* A reload may have changed its route meanwhile. */
		errand_take(core, &errand->destination->queue, errand);
		destination_resort(errand->destination, errand);
	}
	return true;
}

/* An errand that can be dropped now, or NULL; what is on a line is taken off. */
static struct errand *
first_to_drop(struct spool_entry *entry)
{
	struct errand **errands;
	struct line *line;
	size_t count, i;

	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++) {
		if (errand_place(errands[i]) != ERRAND_OUT)
			return errands[i];
		line = line_of(errands[i]);
		if (line != NULL) {
			line_abort(line);
			return first_to_drop(entry);
		}
	}
	return NULL;
}

bool
manage_drop(struct delivery *delivery, struct spool_entry *entry, bool notice)
{
	struct core *core = &delivery->core;
	struct outcome outcome = { .kind = OUTCOME_NONE };
	uint64_t id = spool_entry_id(entry);
	struct attempt *attempt;
	struct errand *errand;
	bool dropped = false;

	outcome_set(&outcome, OUTCOME_FAILED, 0, "5.7.0",
	    SPAN("dropped by the administrator"), NULL);
	while (spool_find(core->spool, id) == entry &&
	    (!notice || !teller_full(core->teller)) &&
	    (errand = first_to_drop(entry)) != NULL) {
		errand_take(core, &errand->destination->queue, errand);
		errand_set_offset(errand, 0, false);
		attempt = attempt_new(core, errand, ENVELOPE_RECIPIENTS_MAX);
		if (attempt == NULL)
			continue;
		attempt->silent = !notice;
		attempt_decide(attempt, &outcome, 0);
		dropped = true;
	}
	outcome_clear(&outcome);
	return dropped;
}

uint64_t *
manage_held(const struct delivery *delivery, size_t *count)
{
	*count = delivery->core.holds.count;
	return holds_list(&delivery->core.holds);
}
