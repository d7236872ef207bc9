#ifndef LAPSE_H
#define LAPSE_H

#include "spool/spool.h"

/* Messages that could not be read for now. */

/* errno: why.  The queue forgets the entry; the spool keeps it. */
void lapse_add(struct spool *spool, struct spool_entry *entry);
/* After a while: tells those that can be read again by waiting(). */
void lapse_retell(struct spool *spool);

#endif
