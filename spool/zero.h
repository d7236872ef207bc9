#ifndef ZERO_H
#define ZERO_H

struct spool;

/*
 * With nothing else to sync: writes a piece of zeros where the head was never
 * written, so that later syncs have no metadata to commit.  The next turn, which
 * the end of this sync brings about, goes on.
 */
void zero_ahead(struct spool *spool);

#endif
