/*
 * expiry - grants that are about to end.
 *
 * Job:     go through the allowlist, a bounded number of lines a turn; log and
 *          mail what ends soon, each once.
 * Called:  by main at the start; by reload; by the loop every hour.
 * Owns:    the walk through the lines, and the mails while they are written.
 * Never:   tells the same twice: what was told is kept with the uses.
 */
#include "relayd/expiry.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/day.h"
#include "relayd/admin/log.h"
#include "relayd/delivery/fold.h"
#include "relayd/delivery/memo.h"

enum {
	LINES_A_TURN = 5000,
	HOUR_MS = 3600 * 1000,
	SECONDS_A_DAY = 86400,
	LETTERS_MAX = 500, /* in one walk; the next tells the others */
	LETTER_MAX = 1 << 18,
	INDENT = 4,
};

/* Days ahead at which a grant's end is told. */
static const int64_t ahead[] = { 1, 3, 14 };

/* A line that a letter tells of. */
struct told {
	size_t n;
	int64_t until, days;
};

struct letter {
	STAILQ_ENTRY(letter) link;
	char *to; /* owned */
	struct buf text;
	size_t count;
	struct told *told; /* owned; the postmaster's letter has none */
};

struct expiry {
	struct watch watch;
	struct relay *relay;       /* borrowed */
	const struct rules *rules; /* held during a walk; NULL: none is */
	size_t next;               /* line of the walk */
	STAILQ_HEAD(, letter) letters;
	size_t letter_count;
};

static void walk(void *owner);

static void
keep(void *owner)
{
	(void)owner; /* the watch dies with struct expiry */
}

struct expiry *
expiry_new(struct relay *relay)
{
	struct expiry *expiry = xcalloc(1, sizeof(*expiry));

	expiry->relay = relay;
	STAILQ_INIT(&expiry->letters);
	watch_init(&expiry->watch, -1, expiry, NULL, walk, keep);
	loop_add(relay->loop, &expiry->watch);
	expiry_look(expiry);
	return expiry;
}

static void
drop_letters(struct expiry *expiry)
{
	struct letter *letter;

	while ((letter = STAILQ_FIRST(&expiry->letters)) != NULL) {
		STAILQ_REMOVE_HEAD(&expiry->letters, link);
		buf_clear(&letter->text);
		free(letter->to);
		free(letter->told);
		free(letter);
	}
	expiry->letter_count = 0;
}

static void
end_walk(struct expiry *expiry)
{
	drop_letters(expiry);
	rules_let_go(expiry->rules);
	expiry->rules = NULL;
	expiry->next = 0;
}

void
expiry_look(struct expiry *expiry)
{
	if (expiry == NULL)
		return;
	end_walk(expiry);
	expiry->watch.deadline = loop_now(expiry->relay->loop);
}

void
expiry_free(struct expiry *expiry)
{
	if (expiry == NULL)
		return;
	end_walk(expiry);
	loop_remove(expiry->relay->loop, &expiry->watch);
	free(expiry);
}

/* ---- the letters ---- */

static struct letter *
letter_to(struct expiry *expiry, const char *to)
{
	struct letter *letter;

	STAILQ_FOREACH(letter, &expiry->letters, link) {
		if (strcmp(letter->to, to) == 0)
			return letter;
	}
	if (expiry->letter_count == LETTERS_MAX)
		return NULL;
	letter = xcalloc(1, sizeof(*letter));
	letter->to = xstrdup(to);
	buf_init(&letter->text, LETTER_MAX);
	STAILQ_INSERT_TAIL(&expiry->letters, letter, link);
	expiry->letter_count++;
	return letter;
}

static void
add_grant(struct letter *letter, const struct allowlist_line *line,
    const char *subject, int64_t days)
{
	const struct grant *grant = line->grant;
	char day[DAY_TEXT_MAX];

	fold_say(&letter->text, 0, "%s", subject);
	fold_say(&letter->text, INDENT,
	    "ends with %s (UTC), in %lld day%s; line %zu of the allowlist",
	    day_text(grant->until, day), (long long)days, days == 1 ? "" : "s",
	    line->line);
	if (grant->note != NULL)
		fold_say(&letter->text, INDENT, "%s", grant->note);
	fold_say(&letter->text, INDENT, "answers for it: %s",
	    grant->owner == NULL ? "nobody is named" : grant->owner);
}

static void
add_told(struct letter *letter, struct told told)
{
	if ((letter->count & (letter->count - 1)) == 0)
		letter->told = xrealloc(letter->told,
		    letter->count == 0 ? 1 : 2 * letter->count,
		    sizeof(*letter->told));
	letter->told[letter->count++] = told;
}

/* False: there is no room for it; the next walk tells it. */
static bool
put_in_letters(struct expiry *expiry, const struct allowlist_line *line,
    const char *subject, struct told told, int64_t days)
{
	const char *postmaster = expiry->relay->settings.conf->postmaster;
	const char *owner = line->grant->owner;
	struct letter *first, *second;

	first = letter_to(expiry, owner == NULL ? postmaster : owner);
	second = letter_to(expiry, postmaster);
	if (first == NULL || second == NULL || first->text.full)
		return false;
	add_grant(first, line, subject, days);
	if (first->text.full)
		return false;
	add_told(first, told);
	if (second != first)
		add_grant(second, line, subject, days);
	return true;
}

static void
sent(void *owner, enum commit_result result)
{
	(void)owner;
	if (result != COMMITTED)
		log_say(LEVEL_WARNING, "grant-expires",
		    "a mail about grants that end could not be stored");
}

static bool
send_letter(struct expiry *expiry, struct letter *letter)
{
	const struct relay *relay = expiry->relay;
	const struct conf *conf = relay->settings.conf;
	bool eight = span_eight_bit(buf_span(&letter->text));
	struct memo memo;

	if (!memo_begin(&memo, relay->spool, conf, span_of(letter->to),
		"grants on the mail relay are about to end", "auto-generated",
		loop_wall(relay->loop)))
		return false;
	buf_addf(&memo.text,
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n",
	    eight ? "8bit" : "7bit");
	fold_say(&memo.text, 0,
	    "This is the mail relay %s. These hosts may send mail to "
	    "addresses outside through it, but not for long. Whoever still "
	    "needs that should ask %s for a later day.",
	    conf->hostname, conf->postmaster);
	buf_add(&memo.text, SPAN("\r\n"));
	buf_add(&memo.text, buf_span(&letter->text));
	return memo_send(&memo, SPAN("expiry"), sent, NULL);
}

/* What was told is noted; what could not be is told by a later walk. */
static void
send_letters(struct expiry *expiry)
{
	struct uses *uses = expiry->relay->uses;
	struct letter *letter;
	size_t i;

	STAILQ_FOREACH(letter, &expiry->letters, link) {
		if (!send_letter(expiry, letter))
			continue;
		for (i = 0; i < letter->count; i++)
			uses_warned(uses, expiry->rules, letter->told[i].n,
			    letter->told[i].until, letter->told[i].days);
	}
}

/* ---- the walk ---- */

/* The fewest days ahead that are reached; 0: none. */
static int64_t
reached(int64_t days)
{
	size_t i;

	for (i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++)
		if (days <= ahead[i])
			return ahead[i];
	return 0;
}

static void
log_expiry(const struct allowlist_line *line, const char *subject, int64_t days)
{
	char day[DAY_TEXT_MAX];
	struct log_line out;

	log_begin(&out, LEVEL_WARNING, "grant-expires");
	log_text(&out, "grant", subject);
	log_number(&out, "line", (uint64_t)line->line);
	log_text(&out, "until", day_text(line->grant->until, day));
	log_number(&out, "days", (uint64_t)days);
	if (line->grant->owner != NULL)
		log_text(&out, "owner", line->grant->owner);
	log_end(&out);
}

static void
look_at(struct expiry *expiry, size_t n, int64_t now)
{
	struct uses *uses = expiry->relay->uses;
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;
	const struct use *use;
	struct told told;
	int64_t days;
	bool mailed;

	if (!allowlist_at(rules_allowlist(expiry->rules), n, &line, subject,
		sizeof(subject)) ||
	    line.grant->until == INT64_MAX || line.grant->until <= now)
		return;
	days = (line.grant->until - now - 1) / SECONDS_A_DAY + 1;
	told = (struct told){ n, line.grant->until, reached(days) };
	if (told.days == 0)
		return;
	use = uses_of(uses, expiry->rules, n);
	mailed = use != NULL && use->until == told.until;
	if (mailed && use->warned <= told.days)
		return;
	if (mailed)
		uses_warned(uses, expiry->rules, n, told.until, told.days);
	else if (!put_in_letters(expiry, &line, subject, told, days))
		return;
	log_expiry(&line, subject, days);
}

static void
walk(void *owner)
{
	struct expiry *expiry = owner;
	struct relay *relay = expiry->relay;
	size_t count, i;

	if (expiry->rules == NULL)
		expiry->rules = rules_hold(relay->settings.rules);
	count = rules_grant_count(expiry->rules);
	for (i = 0; i < LINES_A_TURN && expiry->next < count; i++)
		look_at(expiry, expiry->next++, loop_wall(relay->loop));
	expiry->watch.deadline = loop_now(relay->loop);
	if (expiry->next < count)
		return;
	send_letters(expiry);
	end_walk(expiry);
	expiry->watch.deadline += HOUR_MS;
}
