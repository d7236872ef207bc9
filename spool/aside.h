#ifndef ASIDE_H
#define ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "spool/spool.h"

struct segment;

/*
 * Copies a range of a segment to corrupt/ and says so.  False: that failed,
 * and the segment is kept as it is instead.
 */
bool aside_range(struct spool *spool, struct segment *segment, uint64_t at,
    uint64_t len, const char *cause);
/* The same for a message that turned out to be rotten; the entry is gone. */
void aside_message(struct spool *spool, struct spool_entry *entry,
    const char *cause);

#endif
