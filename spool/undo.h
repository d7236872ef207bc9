#ifndef UNDO_H
#define UNDO_H

struct spool;

/*
 * The batch failed at verb, with errno error.  Its intakes, and those that
 * were to follow in it, are in batch.failed afterwards, to be told.
 */
void undo_batch(struct spool *spool, const char *verb, int error);

#endif
