#ifndef DAY_H
#define DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/*
 * A day of the calendar as an administrator writes it: 2027-06-30, in UTC.
 */
enum {
	DAY_TEXT_MAX = 11
};

/* The wall-clock second at which the day is over; false for no real day. */
bool day_end(struct span text, int64_t *end);
/* The day that is over at end. */
const char *day_text(int64_t end, char out[DAY_TEXT_MAX]);

#endif
