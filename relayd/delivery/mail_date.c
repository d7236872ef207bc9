/*
 * mail_date - the date of mail.
 *
 * Job:     write "Mon, 23 Nov 2026 23:28:33 +0000".
 * Called:  by what writes notices.
 * Owns:    nothing.
 * Never:   asks the locale or the zone of the host.
 */
#include "relayd/delivery/mail_date.h"

#include <time.h>

void
mail_date_add(struct buf *out, int64_t wall)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t second = (time_t)wall;
	struct tm tm;

	/* A year beyond all calendars: the date must still be one. */
	if (gmtime_r(&second, &tm) == NULL || tm.tm_year < 0 ||
	    tm.tm_year > 8099) {
		second = 0;
		gmtime_r(&second, &tm);
	}
	buf_addf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}
