#ifndef MANAGE_H
#define MANAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/delivery/delivery.h"
#include "relayd/delivery/outcome.h"
#include "spool/spool.h"

/*
 * The queue as an administrator sees and handles it.
 */
enum wait_state {
	WAIT_ATTEMPT, /* being sent, or its sender is being told */
	WAIT_READY,   /* as soon as there is a connection */
	WAIT_RETRY,   /* until its back-off, or its destination's, ends */
	WAIT_HELD,    /* until it is released */
};

/* One message at one destination; texts are borrowed until the next call. */
struct wait {
	enum wait_state state;
	const char *destination;
	unsigned attempts;
	uint64_t next_ms;   /* WAIT_RETRY: from now */
	const char *reason; /* why the destination is down, or NULL */
};
/* Tells where a message waits. */
void manage_look(struct delivery *delivery, struct spool_entry *entry,
    void (*tell)(void *owner, const struct wait *wait), void *owner);
/* Tells what was answered to it: history.h. */
void manage_past(const struct delivery *delivery,
    const struct spool_entry *entry,
    void (*tell)(void *owner, size_t recipient, int64_t at,
	const struct outcome *outcome),
    void *owner);
/*
 * Up to len bytes of its content from offset at; -1: it cannot be read, and
 * entry may be gone (spool_read()).
 */
ssize_t manage_read(struct delivery *delivery, struct spool_entry *entry,
    uint64_t at, char *data, size_t len);

/* Each is true when it changed something. */

/* Due now, and so is its destination; an attempt that hangs is broken off. */
bool manage_retry(struct delivery *delivery, struct spool_entry *entry);
bool manage_is_held(const struct delivery *delivery, uint64_t id);
/* Nothing is begun for it any more; an attempt under way goes on. */
bool manage_hold(struct delivery *delivery, struct spool_entry *entry);
bool manage_release(struct delivery *delivery, struct spool_entry *entry);
/*
 * Every recipient fails for good; with or without a notice to the sender.
 * An attempt under way is broken off.  False: the spool or the teller cannot
 * take it now.  The entry may be gone with this.
 */
bool manage_drop(struct delivery *delivery, struct spool_entry *entry,
    bool notice);

/* The IDs that are held, for holds_write(); the caller frees them. */
uint64_t *manage_held(const struct delivery *delivery, size_t *count);

#endif
