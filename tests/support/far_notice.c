/*
 * far_notice - notices that are told to a test instead of being written.
 *
 * Job:     stand in for notice.h: note what is told to whom, and commit it, or
 *          fail to, in virtual time.
 * Called:  by delivery, as the real ones are.
 * Owns:    the commits that are under way.
 * Never:   writes into a spool.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "tests/support/far_side.h"

struct telling {
	struct watch watch;
	LIST_ENTRY(telling) link;
	void (*done)(void *owner, enum commit_result result);
	void *owner;
};

static LIST_HEAD(, telling) tellings = LIST_HEAD_INITIALIZER(tellings);

static void
telling_over(void *owner)
{
	struct telling *telling = owner;

	LIST_REMOVE(telling, link);
	loop_kill(far_side.loop, &telling->watch);
	telling->done(telling->owner,
	    far_side.commits_fail ? COMMIT_FAILED : COMMITTED);
}

static bool
commit(void (*done)(void *owner, enum commit_result result), void *owner)
{
	struct telling *telling;

	if (far_side.spool_refuses)
		return false;
	telling = xcalloc(1, sizeof(*telling));
	telling->done = done;
	telling->owner = owner;
	watch_init(&telling->watch, -1, telling, NULL, telling_over, free);
	telling->watch.deadline = loop_now(far_side.loop) + 1;
	loop_add(far_side.loop, &telling->watch);
	LIST_INSERT_HEAD(&tellings, telling, link);
	return true;
}

void
far_side_forget_commits(void)
{
	struct telling *telling;

	while ((telling = LIST_FIRST(&tellings)) != NULL) {
		LIST_REMOVE(telling, link);
		loop_kill(far_side.loop, &telling->watch);
	}
}

enum notice_addressee
notice_addressee(const struct envelope *envelope,
    const struct recipient *recipient, enum notice_kind kind,
    const struct conf *conf, const struct rules *rules, struct buf *to)
{
	(void)conf;
	(void)rules;
	if ((recipient->notify & NOTIFY_NEVER) != 0)
		return NOTIFY_NOBODY;
	if (kind == NOTICE_FAILED && envelope->sender.len == 0)
		return NOTIFY_SUMMARY;
	if (far_side.addressee != NOTIFY_SUMMARY &&
	    far_side.addressee != NOTIFY_NOBODY)
		buf_add(to, span_of(far_side.to));
	return far_side.addressee;
}

bool
notice_send(const struct notice *notice, const struct conf *conf,
    struct span to, void (*done)(void *owner, enum commit_result result),
    void *owner)
{
	static const char *const kinds[] = { "failed", "delayed", "relayed",
		"delivered" };
	char id[SPOOL_ID_LEN + 1];
	size_t i;

	(void)conf;
	if (!commit(done, owner))
		return false;
	far_side.notices++;
	spool_id_text(notice->id, id);
	far_side.last_attempt = notice->last_attempt;
	for (i = 0; i < notice->count; i++)
		buf_addf(&far_side.told, "%s %s to %.*s: %.*s %s %s\n",
		    kinds[notice->kind], id, SPAN_ARG(to),
		    SPAN_ARG(notice->recipients[i].recipient->address),
		    notice->recipients[i].outcome->enhanced,
		    notice->recipients[i].outcome->text);
	return true;
}

struct summary {
	int64_t due;
};

struct summary *
summary_new(void)
{
	struct summary *summary = xcalloc(1, sizeof(*summary));

	summary->due = INT64_MAX;
	return summary;
}

void
summary_free(struct summary *summary)
{
	free(summary);
}

void
summary_add(struct summary *summary, const struct envelope *envelope,
    uint64_t id, const struct recipient *recipient,
    const struct outcome *outcome, int64_t now)
{
	(void)envelope;
	(void)id;
	if (summary->due == INT64_MAX)
		summary->due = now + 60;
	buf_addf(&far_side.told, "summary: %.*s %s\n",
	    SPAN_ARG(recipient->address), outcome->enhanced);
}

int64_t
summary_due(const struct summary *summary)
{
	return summary->due;
}

bool
summary_send(struct summary *summary, struct spool *spool,
    const struct conf *conf, int64_t now,
    void (*done)(void *owner, enum commit_result result), void *owner)
{
	(void)spool;
	(void)conf;
	(void)now;
	if (!commit(done, owner))
		return false;
	far_side.summaries++;
	summary->due = INT64_MAX;
	return true;
}
