/*
 * teller - who is told, and when that is done.
 *
 * Job:     gather what failed, is late or was relayed by addressee; have the
 *          notices written; settle what was told.
 * Called:  by judgement.c with outcomes, by the pump.
 * Owns:    the stories under way and the postmaster's pile.
 * Never:   lets a failure be forgotten, or grows without bound.
 */
#include "relayd/delivery/teller.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "domains/address.h"
#include "relayd/delivery/pile.h"
#include "relayd/delivery/router.h"
#include "relayd/delivery/story.h"

enum {
	STORIES_MAX = 1000, /* under way; beyond, failures wait */
	PILE_MAX = 50000,
	TURN_STORIES = 64, /* ended ones seen to in one turn */
};

struct teller {
	struct core *core; /* borrowed */
	struct story_list gathering;
	struct story_list under_way; /* WAITING or SENT */
	struct story_list ended;     /* TOLD or LOST */
	size_t count;                /* in all three */
	struct pile *pile;
};

struct teller *
teller_new(struct core *core)
{
	struct teller *teller = xcalloc(1, sizeof(*teller));

	teller->core = core;
	TAILQ_INIT(&teller->gathering);
	TAILQ_INIT(&teller->under_way);
	TAILQ_INIT(&teller->ended);
	teller->pile = pile_new(core);
	return teller;
}

static void
drop(struct teller *teller, struct story_list *list, struct story *story)
{
	TAILQ_REMOVE(list, story, link);
	teller->count--;
	story_free(story);
}

static void
drop_all(struct teller *teller, struct story_list *list)
{
	struct story *story;

	while ((story = TAILQ_FIRST(list)) != NULL)
		drop(teller, list, story);
}

void
teller_free(struct teller *teller)
{
	drop_all(teller, &teller->gathering);
	drop_all(teller, &teller->under_way);
	drop_all(teller, &teller->ended);
	pile_free(teller->pile);
	free(teller);
}

bool
teller_full(const struct teller *teller)
{
	return teller->count >= STORIES_MAX ||
	    pile_count(teller->pile) >= PILE_MAX;
}

static void
ended(struct story *story)
{
	struct teller *teller = story->core->teller;

	TAILQ_REMOVE(&teller->under_way, story, link);
	TAILQ_INSERT_TAIL(&teller->ended, story, link);
	core_wake(story->core);
}

static bool
is_for(const struct story *story, enum notice_kind kind, const struct buf *to)
{
	return story->kind == kind &&
	    span_equal(buf_span(&story->to), buf_span(to));
}

/* One that waits, of recipients whose turn was before; or NULL. */
static struct story *
find_waiting(struct teller *teller, const struct letter *letter,
    enum notice_kind kind, const struct buf *to)
{
	struct story *story;

	if (letter->stories == 0)
		return NULL;
	TAILQ_FOREACH(story, &teller->under_way, link) {
		if (story->state == STORY_WAITING && story->letter == letter &&
		    is_for(story, kind, to))
			break;
	}
	return story;
}

/* The story of this kind for this addressee that is being gathered. */
static struct story *
gather(struct teller *teller, struct letter *letter, enum notice_kind kind,
    struct buf *to)
{
	struct story *story;

	TAILQ_FOREACH(story, &teller->gathering, link) {
		if (is_for(story, kind, to))
			return story;
	}
	story = find_waiting(teller, letter, kind, to);
	if (story != NULL) {
		story_resume(story);
		TAILQ_REMOVE(&teller->under_way, story, link);
		TAILQ_INSERT_TAIL(&teller->gathering, story, link);
		return story;
	}
	story = story_new(teller->core, letter, kind, to, ended);
	TAILQ_INSERT_TAIL(&teller->gathering, story, link);
	teller->count++;
	return story;
}

static enum teller_says
into_summary(struct teller *teller, struct letter *letter, size_t recipient,
    enum notice_kind kind, const struct outcome *outcome)
{
	if (kind != NOTICE_FAILED)
		return TELLER_NOBODY;
	pile_add(teller->pile, letter, recipient, outcome);
	return TELLER_KEEPS;
}

enum teller_says
teller_tell(struct teller *teller, struct letter *letter, size_t recipient,
    enum notice_kind kind, struct outcome *outcome, int64_t tried)
{
	const struct envelope *envelope = letter_envelope(letter);
	const struct core *core = teller->core;
	enum notice_addressee who;
	struct story *story;
	struct buf to;

	buf_init(&to, ADDRESS_MAX);
	who = notice_addressee(envelope, &envelope->recipients[recipient], kind,
	    core->conf, core->rules, &to);
	switch (who) {
	case NOTIFY_NOBODY:
		buf_clear(&to);
		return TELLER_NOBODY;
	case NOTIFY_SUMMARY:
		buf_clear(&to);
		return into_summary(teller, letter, recipient, kind, outcome);
	case NOTIFY_SENDER:
	case NOTIFY_OWNER:
	case NOTIFY_POSTMASTER:
		break;
	}
	story = gather(teller, letter, kind, &to);
	story->last_attempt = tried;
	story_add(story, recipient, outcome);
	buf_clear(&to);
	return TELLER_KEEPS;
}

/* A delay that could not be told: another time. */
static void
untell(struct core *core, uint64_t id)
{
	struct spool_entry *entry = spool_find(core->spool, id);
	struct errand **errands;
	size_t count, i;

	if (entry == NULL)
		return;
	errands = letter_errands(entry, &count);
	for (i = 0; i < count; i++)
		errand_set_told(errands[i], false);
}

void
teller_send(struct teller *teller, struct letter *letter, bool more)
{
	struct story *story;

	while ((story = TAILQ_FIRST(&teller->gathering)) != NULL) {
		TAILQ_REMOVE(&teller->gathering, story, link);
		TAILQ_INSERT_TAIL(&teller->under_way, story, link);
		/* A delay holds no letter, and is told as it is found. */
		if (!more || story->kind == NOTICE_DELAYED ||
		    !story_linger(story))
			story_send(story, letter);
		if (story->state == STORY_WAITING &&
		    story->kind == NOTICE_DELAYED) {
			untell(teller->core, story->id);
			drop(teller, &teller->under_way, story);
		}
	}
}

static void
forget_in(struct teller *teller, struct story_list *list,
    const struct letter *letter)
{
	struct story *story, *next;

	for (story = TAILQ_FIRST(list); story != NULL; story = next) {
		next = TAILQ_NEXT(story, link);
		if (story->letter != letter)
			continue;
		story_forget_letter(story);
		if (story->state == STORY_WAITING)
			drop(teller, list, story);
	}
}

void
teller_forget(struct teller *teller, struct letter *letter)
{
	if (letter->stories == 0)
		return;
	forget_in(teller, &teller->under_way, letter);
	forget_in(teller, &teller->ended, letter);
	pile_forget(teller->pile, letter);
}

static void
see_to(struct teller *teller, struct story *story)
{
	if (story->state == STORY_TOLD) {
		story_settle(story);
		drop(teller, &teller->ended, story);
	} else if (story->letter == NULL) { /* a delay, or nothing is left */
		untell(teller->core, story->id);
		drop(teller, &teller->ended, story);
	} else {
		TAILQ_REMOVE(&teller->ended, story, link);
		TAILQ_INSERT_TAIL(&teller->under_way, story, link);
		story_later(story);
	}
}

bool
teller_turn(struct teller *teller)
{
	struct story *story;
	int i;

	for (i = 0; i < TURN_STORIES; i++) {
		story = TAILQ_FIRST(&teller->ended);
		if (story == NULL)
			break;
		see_to(teller, story);
	}
	return pile_turn(teller->pile) || !TAILQ_EMPTY(&teller->ended);
}

void
teller_story_due(struct teller *teller, struct due *due)
{
	struct story *story = (struct story *)(void *)due;
	struct core *core = teller->core;
	struct letter *letter = story->letter;

	/* The schedule gave it out: it waits no longer. */
	story->state = STORY_LOST;
	if (!letter_open(letter, core->spool)) {
		router_forget(core->router, letter);
		drop(teller, &teller->under_way, story);
		return;
	}
	story_send(story, letter);
	letter_close(letter, core->spool);
}

void
teller_due(struct teller *teller)
{
	pile_due(teller->pile);
}
