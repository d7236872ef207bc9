#ifndef COPIER_H
#define COPIER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

struct segment;
struct spool;

/* Copies the last live bytes of an old segment to the head of the log. */
struct copier {
	struct segment *from; /* borrowed; NULL: nothing to do */
	struct buf items;     /* its index */
	struct span rest;     /* of the items */
};

/* Looks for a segment in which little is left. */
void copier_choose(struct spool *spool);
bool copier_wanted(const struct spool *spool);
/* Copies a piece with the batch; false when the head cannot be written. */
bool copier_step(struct spool *spool);
void copier_clear(struct spool *spool);
/* The batch failed: gives the segment up; it may be chosen again. */
void copier_reset(struct spool *spool);

#endif
