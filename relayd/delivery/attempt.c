/*
 * attempt - some recipients of a message that one destination is to take.
 *
 * Job:     read the message, choose the recipients, and when their outcomes
 *          are known put everything where it belongs.
 * Called:  by line.c around a job; by sweep.c and destination.c without one.
 * Owns:    struct attempt.
 * Never:   takes a recipient that another attempt or notice sees to.
 */
#include "relayd/delivery/attempt.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/backoff.h"
#include "relayd/delivery/judgement.h"
#include "relayd/delivery/report.h"
#include "relayd/delivery/router.h"

/* ---- the beginning ---- */

static bool
is_here(const struct attempt *attempt, size_t recipient)
{
	const struct envelope *envelope = letter_envelope(attempt->letter);

	return router_find(attempt->core->router,
		   envelope->recipients[recipient].domain) ==
	    attempt->errand->destination;
}

/*
 * Takes up to `most` recipients from the errand's offset on.  Those that lead
 * elsewhere (the rules may be new) get errands of their own.
 */
static void
choose(struct attempt *attempt, size_t most)
{
	size_t count = letter_envelope(attempt->letter)->recipient_count;
	size_t i = errand_offset(attempt->errand);
	size_t room = count - (i < count ? i : count);
	bool elsewhere = false;

	if (room > most)
		room = most;
	if (room == 0)
		return;
	attempt->recipients = xcalloc(room, sizeof(size_t));
	for (; i < count; i++) {
		if (!letter_owes(attempt->letter, attempt->core->spool, i))
			continue;
		if (!is_here(attempt, i)) {
			elsewhere = true;
			continue;
		}
		if (attempt->count == room) {
			attempt->more = true;
			break;
		}
		letter_take(attempt->letter, i);
		attempt->recipients[attempt->count++] = i;
	}
	if (elsewhere)
		router_spread(attempt->core->router, attempt->letter,
		    errand_told(attempt->errand));
}

static void
prepare_job(struct attempt *attempt)
{
	attempt->outcomes = xcalloc(attempt->count, sizeof(struct outcome));
	attempt->job = (struct client_job){
		.spool = attempt->core->spool,
		.id = attempt->letter->id,
		.envelope = letter_envelope(attempt->letter),
		.recipient_count = attempt->count,
		.recipients = attempt->recipients,
		.content = *letter_content(attempt->letter),
		.outcomes = attempt->outcomes,
	};
}

static void
attempt_free(struct attempt *attempt)
{
	size_t i;

	for (i = 0; i < attempt->count && attempt->outcomes != NULL; i++)
		outcome_clear(&attempt->outcomes[i]);
	free(attempt->outcomes);
	free(attempt->recipients);
	free(attempt);
}

static void
drop_errand(struct attempt *attempt)
{
	letter_detach(attempt->letter, attempt->errand);
	destination_drop(attempt->errand);
	attempt->errand = NULL;
}

static void
nothing_to_do(struct attempt *attempt)
{
	struct core *core = attempt->core;
	struct letter *letter = attempt->letter;

	drop_errand(attempt);
	letter_close(letter, core->spool);
	router_rest(core->router, letter);
	attempt_free(attempt);
}

struct attempt *
attempt_new(struct core *core, struct errand *errand, size_t most)
{
	struct letter *letter = letter_raise(errand->entry);
	struct attempt *attempt;

	if (!letter_open(letter, core->spool)) {
		router_forget(core->router, letter);
		return NULL;
	}
	attempt = xcalloc(1, sizeof(*attempt));
	attempt->core = core;
	attempt->errand = errand;
	attempt->letter = letter;
	attempt->number = errand_attempts(errand) + 1;
	attempt->started = loop_now(core->loop);
	attempt->reloads = core->reloads;
	choose(attempt, most);
	if (attempt->count == 0 && errand_offset(errand) > 0) {
		errand_set_offset(errand, 0, false);
		choose(attempt, most);
	}
	if (attempt->count == 0) {
		nothing_to_do(attempt);
		return NULL;
	}
	prepare_job(attempt);
	return attempt;
}

/* ---- what it says ---- */

/* The connection itself spoke: 421 (RFC 5321 3.8), or nothing any more. */
static bool
is_trouble(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_NONE ||
	    (outcome->kind == OUTCOME_LATER && outcome->code == 421) ||
	    (outcome->kind == OUTCOME_LATER && outcome->code == 0);
}

const struct outcome *
attempt_trouble(const struct attempt *attempt)
{
	size_t i;

	for (i = 0; i < attempt->count; i++)
		if (is_trouble(&attempt->outcomes[i]))
			return &attempt->outcomes[i];
	return NULL;
}

enum attempt_says
attempt_says(const struct attempt *attempt)
{
	if (attempt->job.stale)
		return ATTEMPT_STALE;
	if (attempt->job.unread)
		return ATTEMPT_UNREAD;
	return attempt_trouble(attempt) != NULL ? ATTEMPT_TROUBLE :
						  ATTEMPT_ANSWERED;
}

/* ---- the end ---- */

/* Where the errand goes. */
enum way {
	WAY_DONE,  /* nothing is left of it */
	WAY_FRONT, /* at once, from `offset` on */
	WAY_SWEPT, /* ready as before */
	WAY_SORT,  /* where its route leads: the rules have changed */
	WAY_WAIT,  /* its back-off, until `until` */
};

struct plan {
	enum way way;
	size_t offset;
	bool kept;
	uint64_t until; /* monotonic ms */
};

/* The next try: by its own back-off, and once more when its lifetime ends. */
static uint64_t
back_off(struct attempt *attempt)
{
	struct core *core = attempt->core;
	const struct conf_delivery *conf = &core->conf->delivery;
	int64_t left = spool_entry_arrival(attempt->letter->entry) +
	    conf->lifetime - loop_wall(core->loop);
	uint64_t wait;

	errand_attempted(attempt->errand);
	wait = backoff_ms(conf->retry_first, conf->retry_max,
	    errand_attempts(attempt->errand), core_random(core));
	if (left > 0 && wait > (uint64_t)left * 1000)
		wait = (uint64_t)left * 1000;
	return loop_now(core->loop) + wait;
}

/* May the rest of it go again at once, on another connection? */
static bool
may_go_at_once(const struct attempt *attempt, bool reused)
{
	if (attempt->job.stale)
		return true;
	/*
	 * An old connection that ends has had enough of us, not of this
	 * message; but after the dot it may have been taken: RFC 5321 4.5.3.2.6.
	 */
	return attempt_says(attempt) == ATTEMPT_TROUBLE && reused &&
	    !attempt->job.sent_dot;
}

static struct plan
plan_after_job(struct attempt *attempt, const struct judgement *judgement)
{
	const struct errand *errand = attempt->errand;
	bool kept = judgement->kept > 0 || errand_kept(errand);
	struct plan plan = { .way = WAY_DONE };

	if (judgement->at_once) {
		plan.way = WAY_FRONT;
		plan.offset = errand_offset(errand);
		plan.kept = errand_kept(errand);
	} else if (judgement->crowded) {
		plan.way = WAY_FRONT;
		plan.offset = judgement->crowded_from;
		plan.kept = kept;
	} else if (attempt->more) {
		plan.way = WAY_FRONT;
		plan.offset = attempt->recipients[attempt->count - 1] + 1;
		plan.kept = kept;
	} else if (kept) {
		plan.way = WAY_WAIT;
		plan.until = back_off(attempt);
	}
	return plan;
}

/*
 * May others of its recipients be owed here, that it did not look at?  They
 * stand before its offset, or lead here only since a reload.
 */
static bool
left_some_out(const struct attempt *attempt)
{
	return errand_offset(attempt->errand) > 0 ||
	    attempt->reloads != attempt->core->reloads;
}

/* Nothing is left of the errand; who is owed and was left out gets another. */
static void
done(struct attempt *attempt)
{
	bool others = left_some_out(attempt);
	bool told = errand_told(attempt->errand);

	drop_errand(attempt);
	if (others)
		router_spread(attempt->core->router, attempt->letter, told);
}

static void
place(struct attempt *attempt, const struct plan *plan)
{
	struct errand *errand = attempt->errand;
	struct destination *destination = errand->destination;
	enum way way = plan->way;

	if (way != WAY_DONE && attempt->reloads != attempt->core->reloads)
		way = WAY_SORT;
	switch (way) {
	case WAY_DONE:
		done(attempt);
		break;
	case WAY_FRONT:
		errand_set_offset(errand, plan->offset, plan->kept);
		destination_queue(destination, errand, true);
		break;
	case WAY_SORT:
		destination_resort(destination, errand);
		break;
	case WAY_SWEPT:
		if (holds_has(&attempt->core->holds, attempt->letter->id))
			destination_queue(destination, errand, false);
		else
			errand_ready_swept(&destination->queue, errand);
		break;
	case WAY_WAIT:
		errand_wait(attempt->core, &destination->queue, errand,
		    plan->until);
		break;
	}
}

/* What was answered, for whoever asks where a message is. */
static void
remember(const struct attempt *attempt)
{
	size_t i;

	for (i = 0; i < attempt->count; i++)
		if (attempt->outcomes[i].kind != OUTCOME_DELIVERED)
			history_add(attempt->core->history, attempt->letter->id,
			    attempt->recipients[i],
			    loop_wall(attempt->core->loop),
			    &attempt->outcomes[i]);
}

static void
finish(struct attempt *attempt, struct judgement *judgement,
    const struct plan *plan)
{
	struct core *core = attempt->core;
	struct letter *letter = attempt->letter;

	remember(attempt);
	report_attempt(attempt,
	    plan->way == WAY_WAIT ? plan->until - loop_now(core->loop) : 0);
	if (plan->way == WAY_WAIT)
		core->counts.deferred += judgement->kept;
	judgement_carry_out(judgement, attempt);
	place(attempt, plan);
	letter_close(letter, core->spool); /* before it may end */
	if (letter_settle(letter, core->spool, judgement->settled,
		judgement->settled_count))
		router_ended(core->router, letter);
	else
		router_rest(core->router, letter);
	judgement_clear(judgement);
	attempt_free(attempt);
}

void
attempt_end(struct attempt *attempt, bool reused)
{
	struct judgement judgement;
	struct plan plan;

	attempt->core->counts.attempts++;
	attempt->tried = loop_wall(attempt->core->loop);
	judgement_reach(&judgement, attempt, may_go_at_once(attempt, reused));
	plan = plan_after_job(attempt, &judgement);
	finish(attempt, &judgement, &plan);
}

void
attempt_decide(struct attempt *attempt, const struct outcome *outcome,
    int64_t tried)
{
	struct judgement judgement;
	struct plan plan = { .way = WAY_DONE };
	size_t i;

	for (i = 0; i < attempt->count; i++)
		outcome_set(&attempt->outcomes[i], outcome->kind, outcome->code,
		    outcome->enhanced,
		    span_of(outcome->text == NULL ? "" : outcome->text),
		    outcome->remote);
	attempt->number = errand_attempts(attempt->errand); /* not one more */
	attempt->tried = tried;
	judgement_reach(&judgement, attempt, false);
	if (judgement.kept > 0 || attempt->more)
		plan.way = WAY_SWEPT;
	finish(attempt, &judgement, &plan);
}

void
attempt_cancel(struct attempt *attempt)
{
	struct core *core = attempt->core;
	struct letter *letter = attempt->letter;
	struct errand *errand = attempt->errand;
	size_t i;

	for (i = 0; i < attempt->count; i++)
		letter_release(letter, attempt->recipients[i]);
	if (attempt->reloads != core->reloads)
		destination_resort(errand->destination, errand);
	else
		destination_queue(errand->destination, errand, false);
	letter_close(letter, core->spool);
	letter_lower(letter);
	attempt_free(attempt);
}
