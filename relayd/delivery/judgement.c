/*
 * judgement - what becomes of each recipient.
 *
 * Job:     delivered, tried again, or failed; who is told; what is settled
 *          at once and what only after the telling.
 * Called:  by attempt.c when an attempt is over.
 * Owns:    nothing beyond the call but the list of settlements.
 * Never:   settles a failure of which somebody is still to be told.
 */
#include "relayd/delivery/judgement.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/teller.h"

enum {
	TEXT_MAX = 8192, /* an outcome's text, escaped, and its remote fit */
	DAY = 86400,
	HOUR = 3600,
};

static int64_t
age_of(const struct attempt *attempt)
{
	return loop_wall(attempt->core->loop) -
	    spool_entry_arrival(attempt->letter->entry);
}

static bool
is_expired(const struct attempt *attempt)
{
	return age_of(attempt) >= attempt->core->conf->delivery.lifetime;
}

static void
add_span_of_time(struct buf *text, int64_t seconds)
{
	if (seconds >= 2 * DAY)
		buf_addf(text, "%lld days", (long long)(seconds / DAY));
	else if (seconds >= 2 * HOUR)
		buf_addf(text, "%lld hours", (long long)(seconds / HOUR));
	else
		buf_addf(text, "%lld seconds", (long long)seconds);
}

/*
 * RFC 3463 X.4.7.  What a next hop said last stays its own words, for the
 * fields of a notice; a reason of ours is put into ours: RFC 5321 4.5.4.1.
 */
static void
expire(struct outcome *outcome, int64_t lifetime)
{
	struct buf text;

	if (outcome->code != 0) {
		outcome->kind = OUTCOME_FAILED;
		snprintf(outcome->enhanced, sizeof(outcome->enhanced), "4.4.7");
		return;
	}
	buf_init(&text, TEXT_MAX);
	buf_addf(&text, "could not be delivered for ");
	add_span_of_time(&text, lifetime);
	if (outcome->text != NULL && outcome->text[0] != '\0')
		buf_addf(&text, "; the last time: %s%s%s",
		    outcome->remote == NULL ? "" : outcome->remote,
		    outcome->remote == NULL ? "" : ": ", outcome->text);
	outcome_set(outcome, OUTCOME_FAILED, 0, NULL, buf_span(&text), NULL);
	snprintf(outcome->enhanced, sizeof(outcome->enhanced), "4.4.7");
	buf_clear(&text);
}

/*
 * 452, or what the client made of 552: too many recipients (RFC 5321
 * 4.5.3.1.10), unless the enhanced code blames a mailbox or the system.
 */
static bool
says_too_many(const struct outcome *outcome)
{
	return outcome->kind == OUTCOME_LATER && outcome->code == 452 &&
	    !span_starts(span_of(outcome->enhanced), SPAN("4.2.")) &&
	    !span_starts(span_of(outcome->enhanced), SPAN("4.3."));
}

/* Counts who was turned away for being too many, and notes the first. */
static size_t
count_crowded(struct judgement *judgement, struct attempt *attempt)
{
	size_t i, count = 0;

	for (i = 0; i < attempt->count; i++) {
		if (!says_too_many(&attempt->outcomes[i]))
			continue;
		if (count++ == 0)
			judgement->crowded_from = attempt->recipients[i];
	}
	return count;
}

/* Nobody could be told of a failure now. */
static bool
is_speechless(const struct attempt *attempt)
{
	return !attempt->silent && teller_full(attempt->core->teller);
}

/*
 * Would another attempt at once be another one?  Somebody is settled, or those
 * who were turned away are not the first of it any more.  Else it waits, like
 * all that the next hop does not want now.
 */
static bool
has_progress(const struct judgement *judgement, const struct attempt *attempt)
{
	size_t i;

	if (judgement->crowded_from > attempt->recipients[0])
		return true;
	for (i = 0; i < attempt->count; i++)
		if (attempt->outcomes[i].kind == OUTCOME_DELIVERED ||
		    (attempt->outcomes[i].kind == OUTCOME_FAILED &&
			!is_speechless(attempt)))
			return true;
	return false;
}

/* What this outcome means today. */
static void
reach_one(struct judgement *judgement, struct attempt *attempt, size_t i)
{
	const struct core *core = attempt->core;
	struct outcome *outcome = &attempt->outcomes[i];

	/* Whoever goes on at once has not had the try that is due. */
	if (outcome->kind == OUTCOME_LATER && is_expired(attempt) &&
	    !judgement->at_once &&
	    !(judgement->crowded && says_too_many(outcome)))
		expire(outcome, core->conf->delivery.lifetime);
	/* Nobody could be told now: it fails another time. */
	if (outcome->kind == OUTCOME_FAILED && is_speechless(attempt))
		outcome->kind = OUTCOME_LATER;
	if (outcome->kind == OUTCOME_LATER)
		judgement->kept++;
}

void
judgement_reach(struct judgement *judgement, struct attempt *attempt,
    bool at_once)
{
	size_t i;

	*judgement = (struct judgement){ .at_once = at_once };
	for (i = 0; i < attempt->count; i++)
		if (attempt->outcomes[i].kind == OUTCOME_NONE)
			outcome_set(&attempt->outcomes[i], OUTCOME_LATER, 0,
			    "4.4.2", SPAN("no answer was heard"), NULL);
	judgement->crowded = count_crowded(judgement, attempt) > 0 &&
	    has_progress(judgement, attempt);
	for (i = 0; i < attempt->count; i++)
		reach_one(judgement, attempt, i);
	judgement->at_once &= judgement->kept > 0;
}

void
judgement_clear(struct judgement *judgement)
{
	free(judgement->settled);
	judgement->settled = NULL;
}

static void
settle(struct judgement *judgement, size_t recipient, enum settled how)
{
	judgement->settled[judgement->settled_count++] =
	    (struct settlement){ .recipient = recipient, .how = how };
}

/* Does the sender want to hear of a delivery that the next hop will not report? */
static bool
wants_relayed(const struct attempt *attempt, size_t recipient,
    const struct outcome *outcome)
{
	const struct envelope *envelope = letter_envelope(attempt->letter);

	/* RFC 3461 5.2.2 for "relayed", 5.3 for "delivered". */
	return (envelope->recipients[recipient].notify & NOTIFY_SUCCESS) != 0 &&
	    !outcome->passed_on_dsn;
}

/* Is it time to say so of those that are kept?  Not while they go on at once. */
static bool
wants_delay(const struct judgement *judgement, const struct attempt *attempt)
{
	int64_t after = attempt->core->conf->delivery.notice_after;

	return after > 0 && age_of(attempt) >= after &&
	    !errand_told(attempt->errand) && !judgement->at_once;
}

/* Not of one too many for this time, nor of a failure that cannot be told yet. */
static bool
is_delay(const struct judgement *judgement, const struct outcome *outcome)
{
	return outcome->enhanced[0] == '4' &&
	    !(judgement->crowded && says_too_many(outcome));
}

/* Was this the last group of recipients, and is one of any group kept? */
static bool
ends_round(const struct judgement *judgement, const struct attempt *attempt)
{
	return !attempt->more && !judgement->crowded &&
	    (judgement->kept > 0 || errand_kept(attempt->errand));
}

static void
tell_or_settle(struct judgement *judgement, struct attempt *attempt, size_t i,
    enum notice_kind kind, enum settled how)
{
	if (attempt->silent ||
	    teller_tell(attempt->core->teller, attempt->letter,
		attempt->recipients[i], kind, &attempt->outcomes[i],
		attempt->tried) == TELLER_NOBODY)
		settle(judgement, attempt->recipients[i], how);
}

static void
carry_out_one(struct judgement *judgement, struct attempt *attempt, size_t i)
{
	struct outcome *outcome = &attempt->outcomes[i];
	struct core *core = attempt->core;
	size_t recipient = attempt->recipients[i];

	switch (outcome->kind) {
	case OUTCOME_DELIVERED:
		core->counts.delivered++;
		if (wants_relayed(attempt, recipient, outcome))
			tell_or_settle(judgement, attempt, i,
			    outcome->final ? NOTICE_DELIVERED : NOTICE_RELAYED,
			    DELIVERED);
		else
			settle(judgement, recipient, DELIVERED);
		break;
	case OUTCOME_FAILED:
		core->counts.failed++;
		tell_or_settle(judgement, attempt, i, NOTICE_FAILED, FAILED);
		break;
	case OUTCOME_LATER:
		letter_release(attempt->letter, recipient);
		if (wants_delay(judgement, attempt) &&
		    is_delay(judgement, outcome))
			teller_tell(core->teller, attempt->letter, recipient,
			    NOTICE_DELAYED, outcome, attempt->tried);
		break;
	case OUTCOME_NONE: /* judgement_reach() left none */
		assert(false);
	}
}

void
judgement_carry_out(struct judgement *judgement, struct attempt *attempt)
{
	size_t i;

	judgement->settled =
	    xcalloc(attempt->count, sizeof(*judgement->settled));
	for (i = 0; i < attempt->count; i++)
		carry_out_one(judgement, attempt, i);
	if (wants_delay(judgement, attempt) && ends_round(judgement, attempt))
		errand_set_told(attempt->errand, true);
	teller_send(attempt->core->teller, attempt->letter,
	    attempt->more || judgement->crowded || judgement->at_once);
}
