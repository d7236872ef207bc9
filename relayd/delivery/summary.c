/*
 * summary - the postmaster's summary of failures nobody else may hear of.
 *
 * Job:     gather a few lines for each failure, and send them at most hourly.
 * Called:  by the queue.
 * Owns:    the lines, until they are in the spool.
 * Never:   grows beyond TOLD_MAX entries or TEXT_MAX bytes: more is counted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/delivery/fold.h"
#include "relayd/delivery/mail_date.h"
#include "relayd/delivery/memo.h"
#include "relayd/delivery/notice.h"

enum {
	TOLD_MAX = 1000,
	TEXT_MAX = 2 << 20,
	ENTRY_MAX = 32768,  /* one of them: two addresses, a reply */
	FIRST_SECONDS = 60, /* more may follow the first failure */
	REST_SECONDS = 3600,
	INDENT = 4
};

struct summary {
	struct buf text; /* the entries that are told */
	size_t told, untold;
	int64_t first; /* wall second of the first one */
	int64_t sent;  /* of the last summary; INT64_MIN: none yet */
};

struct summary *
summary_new(void)
{
	struct summary *summary = xcalloc(1, sizeof(*summary));

	buf_init(&summary->text, TEXT_MAX);
	summary->sent = INT64_MIN;
	return summary;
}

void
summary_free(struct summary *summary)
{
	if (summary == NULL)
		return;
	buf_clear(&summary->text);
	free(summary);
}

static void
add_entry(struct buf *out, const struct envelope *envelope, uint64_t id,
    const struct recipient *recipient, const struct outcome *outcome,
    int64_t now)
{
	char text[SPOOL_ID_LEN + 1];
	struct buf date;

	buf_init(&date, 64);
	mail_date_add(&date, now);
	spool_id_text(id, text);
	fold_say(out, 0, "%s  %s", text, buf_text(&date));
	fold_say(out, INDENT, "from <%.*s>, host %.*s",
	    SPAN_ARG(envelope->sender), SPAN_ARG(envelope->client));
	fold_say(out, INDENT, "to <%.*s>", SPAN_ARG(recipient->address));
	/* It was put off until its time was over: the text may not say so. */
	if (outcome->code != 0 && outcome->enhanced[0] == '4')
		fold_say(out, INDENT, "given up after too long a time");
	if (outcome->text != NULL)
		fold_say(out, INDENT, "%s%s%s",
		    outcome->remote == NULL ? "" : outcome->remote,
		    outcome->remote == NULL ? "" : ": ", outcome->text);
	buf_add(out, SPAN("\r\n"));
	buf_clear(&date);
}

void
summary_add(struct summary *summary, const struct envelope *envelope,
    uint64_t id, const struct recipient *recipient,
    const struct outcome *outcome, int64_t now)
{
	struct buf entry;

	if (summary->told == 0 && summary->untold == 0)
		summary->first = now;
	/* A clock that was ahead must not put the next one off for long. */
	if (summary->sent > now)
		summary->sent = now;
	buf_init(&entry, ENTRY_MAX);
	if (summary->told < TOLD_MAX && summary->untold == 0) {
		add_entry(&entry, envelope, id, recipient, outcome, now);
		buf_add(&summary->text, buf_span(&entry));
	}
	if (entry.len > 0 && !summary->text.full)
		summary->told++;
	else
		summary->untold++;
	summary->text.full = false;
	buf_clear(&entry);
}

int64_t
summary_due(const struct summary *summary)
{
	int64_t due;

	if (summary->told == 0 && summary->untold == 0)
		return INT64_MAX;
	due = summary->first + FIRST_SECONDS;
	if (summary->sent != INT64_MIN && summary->sent + REST_SECONDS > due)
		due = summary->sent + REST_SECONDS;
	return due;
}

static void
add_body(const struct summary *summary, const struct conf *conf,
    struct buf *out)
{
	bool eight = span_eight_bit(buf_span(&summary->text));

	buf_addf(out,
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "\r\n",
	    eight ? "8bit" : "7bit");
	fold_say(out, 0,
	    "This is the mail relay %s. The messages below could not be "
	    "delivered. Their senders have not been told: their addresses may "
	    "be forged, are missing, or cannot take mail.",
	    conf->hostname);
	buf_add(out, SPAN("\r\n"));
	buf_add(out, buf_span(&summary->text));
	if (summary->untold > 0)
		fold_say(out, 0, "And %zu more, which the log has.",
		    summary->untold);
}

bool
summary_send(struct summary *summary, struct spool *spool,
    const struct conf *conf, int64_t now,
    void (*done)(void *owner, enum commit_result result), void *owner)
{
	size_t count = summary->told + summary->untold;
	char subject[80];
	struct memo memo;

	snprintf(subject, sizeof(subject),
	    "%zu failed deliver%s that nobody was told of", count,
	    count == 1 ? "y" : "ies");
	/* RFC 3834 5: auto-generated, for it answers nothing. */
	if (!memo_begin(&memo, spool, conf, span_of(conf->postmaster), subject,
		"auto-generated", now))
		return false;
	add_body(summary, conf, &memo.text);
	if (!memo_send(&memo, SPAN("summary"), done, owner))
		return false;
	buf_clear(&summary->text);
	summary->told = 0;
	summary->untold = 0;
	summary->sent = now;
	return true;
}
