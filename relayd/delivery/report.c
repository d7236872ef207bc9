/*
 * report - what the log says of deliveries.
 *
 * Job:     one line for each recipient's outcome (those delivered together
 *          share one), and one when a destination goes down or comes back.
 * Called:  by attempt.c, destination.c and sweep.c.
 * Owns:    nothing.
 * Never:   changes anything but "mentioned".
 */
#include "relayd/delivery/report.h"

#include "relayd/admin/log.h"

static void
add_id(struct log_line *line, uint64_t id)
{
	char text[SPOOL_ID_LEN + 1];

	spool_id_text(id, text);
	log_text(line, "id", text);
}

static void
add_outcome(struct log_line *line, const struct destination *destination,
    const struct outcome *outcome)
{
	log_text(line, "dest", destination->name);
	if (outcome->remote != NULL)
		log_text(line, "host", outcome->remote);
	if (outcome->code != 0)
		log_number(line, "code", (uint64_t)outcome->code);
	if (outcome->enhanced[0] != '\0')
		log_text(line, "status", outcome->enhanced);
	if (outcome->text != NULL)
		log_text(line, "text", outcome->text);
}

static uint64_t
age_of(const struct core *core, const struct spool_entry *entry)
{
	int64_t age = loop_wall(core->loop) - spool_entry_arrival(entry);

	return age > 0 ? (uint64_t)age : 0;
}

static void
add_times(struct log_line *line, const struct attempt *attempt)
{
	const struct core *core = attempt->core;

	if (attempt->job.tls[0] != '\0') {
		log_text(line, "tls", attempt->job.tls);
		log_text(line, "verified",
		    attempt->job.verified ? "yes" : "no");
	}
	log_number(line, "attempt", attempt->number);
	log_number(line, "ms", loop_now(core->loop) - attempt->started);
	log_number(line, "age", age_of(core, attempt->letter->entry));
}

static void
begin(struct log_line *line, enum log_level level, const char *event,
    const struct attempt *attempt, size_t i)
{
	const struct envelope *envelope = letter_envelope(attempt->letter);

	log_begin(line, level, event);
	add_id(line, attempt->letter->id);
	log_span(line, "session", envelope->session);
	log_span(line, "to",
	    envelope->recipients[attempt->recipients[i]].address);
}

/* All that were delivered, in one line: they had one answer. */
static void
report_delivered(const struct attempt *attempt)
{
	size_t i, first = attempt->count, count = 0;
	struct log_line line;

	for (i = attempt->count; i-- > 0;) {
		if (attempt->outcomes[i].kind == OUTCOME_DELIVERED) {
			first = i;
			count++;
		}
	}
	if (count == 0)
		return;
	begin(&line, LEVEL_INFO, "delivered", attempt, first);
	if (count > 1)
		log_number(&line, "rcpts", count);
	add_outcome(&line, attempt->errand->destination,
	    &attempt->outcomes[first]);
	add_times(&line, attempt);
	log_end(&line);
}

static void
report_other(const struct attempt *attempt, size_t i, uint64_t wait_ms)
{
	const struct outcome *outcome = &attempt->outcomes[i];
	bool failed = outcome->kind == OUTCOME_FAILED;
	bool at_once = !failed && wait_ms == 0;
	struct log_line line;

	begin(&line, at_once ? LEVEL_DEBUG : LEVEL_INFO,
	    failed ? "failed" : "deferred", attempt, i);
	add_outcome(&line, attempt->errand->destination, outcome);
	add_times(&line, attempt);
	if (!failed)
		log_number(&line, "retry", wait_ms / 1000);
	log_end(&line);
}

void
report_attempt(const struct attempt *attempt, uint64_t wait_ms)
{
	size_t i;

	report_delivered(attempt);
	for (i = 0; i < attempt->count; i++)
		if (attempt->outcomes[i].kind != OUTCOME_DELIVERED)
			report_other(attempt, i, wait_ms);
}

static uint64_t
seconds_to_retry(const struct destination *destination)
{
	uint64_t now = loop_now(destination->core->loop);

	return destination->health.retry_at <= now ?
	    0 :
	    (destination->health.retry_at - now) / 1000;
}

void
report_waits(const struct destination *destination, struct errand *errand)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "deferred");
	add_id(&line, spool_entry_id(errand->entry));
	add_outcome(&line, destination, &destination->reason);
	log_number(&line, "attempt", errand_attempts(errand));
	log_number(&line, "age", age_of(destination->core, errand->entry));
	log_number(&line, "retry", seconds_to_retry(destination));
	log_end(&line);
	errand_set_mentioned(errand, true);
}

void
report_down(const struct destination *destination)
{
	struct log_line line;

	log_begin(&line, LEVEL_WARNING, "destination-down");
	add_outcome(&line, destination, &destination->reason);
	log_number(&line, "waiting", destination->queue.ready_count);
	log_number(&line, "probes", destination->health.failures);
	log_number(&line, "retry", seconds_to_retry(destination));
	log_end(&line);
}

void
report_up(const struct destination *destination)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "destination-up");
	log_text(&line, "dest", destination->name);
	log_number(&line, "waiting", destination->queue.ready_count);
	log_end(&line);
}
