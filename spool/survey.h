#ifndef SURVEY_H
#define SURVEY_H

#include <stdbool.h>

#include "base/buf.h"

struct spool;

/*
 * Finds the segments of the journal and what state each is in, and the last
 * ID that was used.  Reads headers and footers only.  False with the reason in
 * why.
 */
bool survey_journal(struct spool *spool, struct buf *why);

#endif
