#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct segment;
struct spool;

/*
 * Reading a segment record by record, every checksum verified: where there is
 * no index.  What it finds goes to items, as an index would have it.
 */
struct scan;

/* segment and items are borrowed until scan_free(). */
struct scan *scan_new(struct spool *spool, struct segment *segment,
    struct buf *items);
/* Reads on, about budget bytes.  True when there is more. */
bool scan_step(struct scan *scan, uint64_t budget);
/* How many ranges were damaged. */
size_t scan_damaged(const struct scan *scan);
void scan_free(struct scan *scan);

/* The largest message ID, by hopping from head to head; reads no payload. */
uint64_t scan_last_id(struct spool *spool, struct segment *segment);
/* Is there a record where the first one would be? */
bool scan_has_first(struct spool *spool, struct segment *segment);

#endif
