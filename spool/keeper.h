#ifndef KEEPER_H
#define KEEPER_H

struct spool;

/*
 * The life of segments: seals those that are full, begins the next life of
 * those that are dead, removes what is too much.  Writes, and adds to the
 * next sync job.
 */
void keeper_work(struct spool *spool);
/* The job has ended. */
void keeper_synced(struct spool *spool);

#endif
