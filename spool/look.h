#ifndef LOOK_H
#define LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "spool/spool.h"

/* What a person wants to know of a message beyond what delivery does. */

/*
 * Bytes of its content, the prefix too, by the head of its record alone:
 * nothing is verified and the entry stays.  False: it cannot be read.
 */
bool look_size(struct spool *spool, const struct spool_entry *entry,
    uint64_t *size);

/*
 * The envelope, as spool_read() gives it, but whatever cannot be read is left
 * alone.  bytes can hold LOOK_ENVELOPE_MAX.
 */
enum {
	LOOK_ENVELOPE_MAX = ENVELOPE_MAX + (1 << 20)
};
bool look_envelope(struct spool *spool, const struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope);

/* True until everything that an earlier life left is in the queue. */
bool look_loading(const struct spool *spool);
/* Bytes and inodes that are free to the spool; false with errno. */
bool look_space(const struct spool *spool, uint64_t *bytes, uint64_t *inodes);

#endif
