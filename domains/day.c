/*
 * day - a day of the calendar.
 *
 * Job:     turn 2027-06-30 into the second at which it is over, and back.
 * Called:  by grant.c for until=.
 * Owns:    nothing.
 * Never:   asks what time it is, nor for a time zone: days are UTC.
 */
#include "domains/day.h"

#include <string.h>
#include <time.h>

enum {
	DAY_SECONDS = 24 * 60 * 60,
	YEAR_FIRST = 1970,
	YEAR_LAST = 9999,
};

static const char form[] = "YYYY-MM-DD";

bool
day_end(struct span text, int64_t *end)
{
	uint64_t year, month, day;
	struct tm tm = { .tm_isdst = 0 };
	time_t start;

	if (text.len != sizeof(form) - 1 || text.data[4] != '-' ||
	    text.data[7] != '-' ||
	    !span_number(span_head(text, 4), YEAR_LAST, &year) ||
	    !span_number(span_head(span_skip(text, 5), 2), 12, &month) ||
	    !span_number(span_skip(text, 8), 31, &day) || year < YEAR_FIRST)
		return false;
	tm.tm_year = (int)year - 1900;
	tm.tm_mon = (int)month - 1;
	tm.tm_mday = (int)day;
	start = timegm(&tm);
	/* timegm(3) turns 2027-02-30 into March: then it was no real day. */
	if (tm.tm_mon != (int)month - 1 || tm.tm_mday != (int)day)
		return false;
	*end = (int64_t)start + DAY_SECONDS;
	return true;
}

const char *
day_text(int64_t end, char out[DAY_TEXT_MAX])
{
	time_t start = (time_t)(end - DAY_SECONDS);
	struct tm tm;

	if (gmtime_r(&start, &tm) == NULL ||
	    strftime(out, DAY_TEXT_MAX, "%Y-%m-%d", &tm) == 0)
		strcpy(out, form);
	return out;
}
