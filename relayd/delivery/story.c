/*
 * story - one notice to one addressee.
 *
 * Job:     keep what is to be told until it is on disk, then settle those whom
 *          it is about.
 * Called:  by teller.c; by the spool when the notice is on disk, or not.
 * Owns:    the outcomes of its recipients, which stay taken meanwhile.
 * Never:   settles a failure whose notice could be lost with the power.
 */
#include "relayd/delivery/story.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/backoff.h"
#include "relayd/delivery/router.h"

enum {
	LATER_FIRST = 10, /* seconds until a full or bad spool is asked again */
	LATER_MAX = 300,
	LINGER_MS = 10000, /* for what the next transactions bring */
};

struct story *
story_new(struct core *core, struct letter *letter, enum notice_kind kind,
    struct buf *to, void (*ended)(struct story *story))
{
	struct story *story = xcalloc(1, sizeof(*story));

	story->due.kind = DUE_STORY;
	story->core = core;
	story->kind = kind;
	story->id = letter->id;
	story->to = *to;
	buf_init(to, to->max);
	story->ended = ended;
	if (kind != NOTICE_DELAYED) {
		story->letter = letter;
		letter->stories++;
	}
	return story;
}

static void
let_go(struct story *story)
{
	size_t i;

	if (story->letter == NULL)
		return;
	for (i = 0; i < story->count; i++)
		letter_release(story->letter, story->recipients[i]);
	story->letter->stories--;
	letter_lower(story->letter);
	story->letter = NULL;
}

void
story_free(struct story *story)
{
	size_t i;

	if (story->state == STORY_WAITING)
		schedule_cancel(&story->core->schedule, &story->due);
	if (story->state == STORY_SENT)
		intake_forget(story->core->spool, story);
	let_go(story);
	for (i = 0; i < story->count; i++)
		outcome_clear(&story->outcomes[i]);
	free(story->outcomes);
	free(story->recipients);
	buf_clear(&story->to);
	free(story);
}

void
story_add(struct story *story, size_t recipient, struct outcome *outcome)
{
	if (story->count == story->room) {
		story->room = story->room == 0 ? 1 : story->room * 2;
		story->recipients = xrealloc(story->recipients, story->room,
		    sizeof(*story->recipients));
		story->outcomes = xrealloc(story->outcomes, story->room,
		    sizeof(*story->outcomes));
	}
	story->recipients[story->count] = recipient;
	story->outcomes[story->count] = *outcome;
	story->count++;
	*outcome = (struct outcome){ .kind = outcome->kind };
}

static void
committed(void *owner, enum commit_result result)
{
	struct story *story = owner;

	story->state = result == COMMITTED ? STORY_TOLD : STORY_LOST;
	story->ended(story);
}

static bool
write_notice(struct story *story, const struct letter *letter)
{
	const struct envelope *envelope = letter_envelope(letter);
	const struct core *core = story->core;
	struct notice_recipient *recipients;
	struct notice notice = {
		.kind = story->kind,
		.envelope = envelope,
		.id = story->id,
		.count = story->count,
		.now = loop_wall(core->loop),
		.last_attempt = story->last_attempt,
		.retry_until = spool_entry_arrival(letter->entry) +
		    core->conf->delivery.lifetime,
		.spool = core->spool,
		.content = letter_content(letter),
	};
	size_t i;
	bool good;

	recipients = xcalloc(story->count, sizeof(*recipients));
	for (i = 0; i < story->count; i++) {
		recipients[i].recipient =
		    &envelope->recipients[story->recipients[i]];
		recipients[i].outcome = &story->outcomes[i];
	}
	notice.recipients = recipients;
	good = notice_send(&notice, core->conf, buf_span(&story->to), committed,
	    story);
	free(recipients);
	return good;
}

void
story_send(struct story *story, const struct letter *letter)
{
	if (!write_notice(story, letter)) {
		story_later(story);
		return;
	}
	story->state = STORY_SENT;
	story->core->counts.notices++;
}

void
story_later(struct story *story)
{
	struct core *core = story->core;

	if (story->due.count < UINT16_MAX)
		story->due.count++;
	story->state = STORY_WAITING;
	core_schedule(core, &story->due,
	    loop_now(core->loop) +
		backoff_ms(LATER_FIRST, LATER_MAX, story->due.count,
		    core_random(core)));
}

bool
story_linger(struct story *story)
{
	struct core *core = story->core;

	if (story->linger_until == 0)
		story->linger_until = loop_now(core->loop) + LINGER_MS;
	if (loop_now(core->loop) >= story->linger_until)
		return false;
	story->state = STORY_WAITING;
	core_schedule(core, &story->due, story->linger_until);
	return true;
}

void
story_resume(struct story *story)
{
	schedule_cancel(&story->core->schedule, &story->due);
	story->state = STORY_GATHERING;
}

void
story_settle(struct story *story)
{
	struct letter *letter = story->letter;
	struct core *core = story->core;
	struct settlement *settled;
	size_t i;

	if (letter == NULL)
		return;
	settled = xcalloc(story->count, sizeof(*settled));
	for (i = 0; i < story->count; i++) {
		settled[i].recipient = story->recipients[i];
		settled[i].how =
		    story->kind == NOTICE_FAILED ? FAILED : DELIVERED;
	}
	story->letter = NULL;
	letter->stories--;
	if (letter_settle(letter, core->spool, settled, story->count))
		router_ended(core->router, letter);
	else
		router_rest(core->router, letter);
	free(settled);
}

void
story_forget_letter(struct story *story)
{
	story->letter = NULL;
}
