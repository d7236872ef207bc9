#ifndef ORPHAN_H
#define ORPHAN_H

#include <stdbool.h>
#include <stdint.h>

struct spool;

/* Files in large/ that no message names, found when everything was loaded. */

/* keep: to corrupt/ with it, for its record may have been damaged. */
void orphan_add(struct spool *spool, uint64_t id, bool keep);
/* Is it of a message that ended just now?  Its file goes with the batch. */
bool orphan_ends(const struct spool *spool, uint64_t id);
/*
 * Removes a few of them.  Not before the recovered tails are synced: one may
 * hold the end of such a file's message, and if that end is lost in a power
 * cut, the message is owed again and needs its file.
 */
void orphan_remove(struct spool *spool);

#endif
