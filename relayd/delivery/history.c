/*
 * history - the last attempts that did not deliver.
 *
 * Job:     remember a few thousand replies, so that "why does it wait" has an
 *          answer in the next hop's own words.
 * Called:  by attempt.c; by manage.c for whoever asks.
 * Owns:    copies of the outcomes.
 * Never:   grows.
 */
#include "relayd/delivery/history.h"

#include <stdlib.h>

#include "base/xalloc.h"

struct past {
	uint64_t id; /* 0: nothing yet */
	size_t recipient;
	int64_t at;
	struct outcome outcome; /* owned texts */
};

struct history {
	size_t next;
	struct past past[HISTORY_MAX];
};

struct history *
history_new(void)
{
	return xcalloc(1, sizeof(struct history));
}

void
history_free(struct history *history)
{
	size_t i;

	if (history == NULL)
		return;
	for (i = 0; i < HISTORY_MAX; i++)
		outcome_clear(&history->past[i].outcome);
	free(history);
}

void
history_add(struct history *history, uint64_t id, size_t recipient, int64_t at,
    const struct outcome *outcome)
{
	struct past *past = &history->past[history->next];

	history->next = (history->next + 1) % HISTORY_MAX;
	past->id = id;
	past->recipient = recipient;
	past->at = at;
	outcome_set(&past->outcome, outcome->kind, outcome->code,
	    outcome->enhanced,
	    span_of(outcome->text == NULL ? "" : outcome->text),
	    outcome->remote);
}

void
history_tell(const struct history *history, uint64_t id,
    void (*tell)(void *owner, size_t recipient, int64_t at,
	const struct outcome *outcome),
    void *owner)
{
	const struct past *past;
	size_t i;

	for (i = 0; i < HISTORY_MAX; i++) {
		past = &history->past[(history->next + i) % HISTORY_MAX];
		if (past->id == id)
			tell(owner, past->recipient, past->at, &past->outcome);
	}
}
