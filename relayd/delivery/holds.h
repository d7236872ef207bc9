#ifndef HOLDS_H
#define HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Which messages an administrator holds: a set of IDs, and the file that it
 * is kept in, an ID a line.
 */
struct holds {
	uint64_t *slots; /* owned; open addressing, 0 is empty */
	size_t size;     /* a power of two, or 0 */
	size_t count;
};

void holds_init(struct holds *holds);
void holds_clear(struct holds *holds);
bool holds_has(const struct holds *holds, uint64_t id);
/* True when it changed something. */
bool holds_add(struct holds *holds, uint64_t id);
bool holds_remove(struct holds *holds, uint64_t id);

/* The IDs, in no order: an array that the caller frees. */
uint64_t *holds_list(const struct holds *holds);

/* A missing file is an empty set.  False with the reason in why. */
bool holds_read(struct holds *holds, const char *file, struct buf *why);
/*
 * Puts these IDs in the place of the file: aside, synced, renamed, its folder
 * synced.  It waits for the disk: not in the loop's thread.
 */
bool holds_write(const char *file, const uint64_t *ids, size_t count,
    struct buf *why);

#endif
