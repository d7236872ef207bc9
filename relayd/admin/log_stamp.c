/*
 * log_stamp - what stands before a line of the log.
 *
 * Job:     time and level for a file, priority for the journal, the header of
 *          RFC 3164 for syslog.
 * Called:  by log for each line that is kept.
 * Owns:    the text of the current second, so that a busy second costs one
 *          conversion.
 * Never:   reads the loop's clock: a log under a virtual clock tells real time.
 */
#include "relayd/admin/log_stamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct {
	int64_t second;  /* of the texts; 0: none yet */
	char iso[40];    /* "time=2026-11-23T23:28:33." */
	char syslog[40]; /* "Nov 24 00:28:33", local time as RFC 3164 has it */
} cached;

static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LEVEL_DEBUG] = { "debug", LOG_DEBUG },
	[LEVEL_INFO] = { "info", LOG_INFO },
	[LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LEVEL_ERROR] = { "error", LOG_ERR },
};

static void
convert(time_t second)
{
	struct tm tm;

	if (second == cached.second)
		return;
	if (gmtime_r(&second, &tm) == NULL ||
	    strftime(cached.iso, sizeof(cached.iso), "time=%Y-%m-%dT%H:%M:%S.",
		&tm) == 0)
		snprintf(cached.iso, sizeof(cached.iso), "time=%lld.",
		    (long long)second);
	if (localtime_r(&second, &tm) == NULL ||
	    strftime(cached.syslog, sizeof(cached.syslog), "%b %e %H:%M:%S",
		&tm) == 0)
		cached.syslog[0] = '\0';
	cached.second = second;
}

/* Three digits and "Z level=": what vsnprintf() would take longest for. */
static void
add_milliseconds(struct buf *out, long milliseconds)
{
	char digits[3] = {
		(char)('0' + milliseconds / 100 % 10),
		(char)('0' + milliseconds / 10 % 10),
		(char)('0' + milliseconds % 10),
	};

	buf_add(out, span_make(digits, sizeof(digits)));
}

int64_t
log_stamp(struct buf *out, enum log_target_kind kind, enum log_level level)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	switch (kind) {
	case LOG_TARGET_JOURNAL:
		buf_addf(out, "<%d>", levels[level].priority);
		break;
	case LOG_TARGET_SYSLOG:
		convert(now.tv_sec);
		buf_addf(out,
		    "<%d>%s relayd[%ld]: ", LOG_MAIL | levels[level].priority,
		    cached.syslog, (long)getpid());
		break;
	case LOG_TARGET_STDERR:
	case LOG_TARGET_FILE:
		convert(now.tv_sec);
		buf_add(out, span_of(cached.iso));
		add_milliseconds(out, now.tv_nsec / 1000000);
		buf_add(out, SPAN("Z level="));
		buf_add(out, span_of(levels[level].name));
		buf_add_byte(out, ' ');
		break;
	}
	return now.tv_sec;
}
