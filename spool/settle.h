#ifndef SETTLE_H
#define SETTLE_H

#include <stdint.h>

#include "spool/spool.h"

/*
 * Records that a message has ended, for every life that holds its record: its
 * own and strays.  generation 0: there is no other than the strays.
 */
void settle_end(struct spool *spool, uint64_t id, uint64_t generation);
/* The entry's last recipient is settled: ends it; the entry is gone. */
void settle_finish(struct spool *spool, struct spool_entry *entry);
/* Records anew, for the entry's own place, who is settled. */
void settle_restate(struct spool *spool, const struct spool_entry *entry);

#endif
