#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Sizes and times as people write them: "50M", "5d".  Plain digits are bytes
 * and seconds.  False for anything else, and for what passes 2^63 - 1.
 */
bool units_bytes(struct span text, uint64_t *bytes);     /* K M G T, of 1024 */
bool units_seconds(struct span text, uint64_t *seconds); /* s m h d w */

/* Appends the number as a person would write it: in the largest unit that divides it. */
void units_add_bytes(struct buf *out, uint64_t bytes);
void units_add_seconds(struct buf *out, uint64_t seconds);

#endif
