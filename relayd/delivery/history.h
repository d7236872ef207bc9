#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/outcome.h"

/*
 * The last attempts that did not deliver, with what was answered: bounded,
 * the oldest are forgotten.  For people who ask; nothing depends on it.
 */
struct history;

enum {
	HISTORY_MAX = 4096
};

struct history *history_new(void);
void history_free(struct history *history);
/* at: wall-clock seconds. */
void history_add(struct history *history, uint64_t id, size_t recipient,
    int64_t at, const struct outcome *outcome);
/* Tells those of one message, the oldest first. */
void history_tell(const struct history *history, uint64_t id,
    void (*tell)(void *owner, size_t recipient, int64_t at,
	const struct outcome *outcome),
    void *owner);

#endif
