#ifndef LOG_H
#define LOG_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * One event, one line, in logfmt: event=NAME key=value key="value with blanks".
 * Values from outside are escaped here and nowhere else, so a peer can neither
 * end a line nor forge a key.  Lines are gathered and written by log_flush(),
 * which the loop calls each turn; LOG_ERROR and abort flush at once.
 */
enum log_level {
	LEVEL_DEBUG,
	LEVEL_INFO,
	LEVEL_WARNING,
	LEVEL_ERROR
};

/*
 * Opens the target: "stderr" (with journald priorities when it is the journal), "syslog", or a file name.  False with
 * the reason in why; the old target stays then.  Also reopens a file (SIGHUP);
 * when that is not allowed any more, since root was dropped, it goes on in the
 * file that is open, says log-kept, and that is true.
 */
bool log_open(const char *target, enum log_level level, struct buf *why);
/* An open log file is given to whom we will become, to be reopened by. */
bool log_give(uid_t uid, gid_t gid, struct buf *why);
void log_flush(void *unused);
void log_close(void);

/* A line that is being made; on the caller's stack. */
struct log_line {
	struct buf text;
	enum log_level level;
	bool wanted; /* below the level: everything here is a no-op */
};

/* event is a stable, documented name. */
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_span(struct log_line *line, const char *key, struct span value);
void log_text(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, uint64_t value);
/* value by printf; escaped like any other. */
void log_format(struct log_line *line, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void log_end(struct log_line *line);

/* A line of one value: event=NAME text="...". */
void log_say(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For tests: lines go to this function instead. */
void log_capture(void (*take)(void *owner, struct span line), void *owner);

#endif
