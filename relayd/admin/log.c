/*
 * log - one event, one line.
 *
 * Job:     make lines of events, escape what comes from outside, and keep
 *          them until the target takes them.
 * Called:  by everyone; log_flush by the loop once a turn.
 * Owns:    the lines that wait, at most LINES_MAX bytes; the target.
 * Never:   waits for a slow target: lines beyond the ceiling are dropped,
 *          counted, and the count is told as event=log-dropped.
 *
 * All of it belongs to the loop's thread.  Lines that a full pipe did not
 * take are tried again each turn.
 */
#include "relayd/admin/log.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/log_stamp.h"
#include "relayd/admin/log_target.h"

enum {
	LINE_MAX_BYTES = 8192,     /* of one line; what passes it is left out */
	VALUE_MAX = 1024,          /* bytes of one value, before escaping */
	LINES_MAX = 1 << 20,       /* bytes that wait for the target */
	STAMP_MAX = 128,           /* before a line, and its end */
	TELL_BELOW = LINES_MAX / 2 /* room enough to tell of dropped lines */
};

#define CUT_MARK " cut=yes"

static struct {
	struct log_target target;
	bool opened; /* target is one that log_open() made */
	char *name;  /* owned; what it was opened as, then */
	enum log_level level;
	struct buf lines;
	uint64_t dropped; /* since the last log-dropped */
	struct buf spare; /* memory of the last line, for the next */
	void (*take)(void *owner, struct span line);
	void *take_owner;
} the_log = {
	.target = { .kind = LOG_TARGET_STDERR, .fd = 2, .may_block = true },
	.level = LEVEL_INFO,
	.lines = { .max = LINES_MAX },
	.spare = { .max = LINE_MAX_BYTES },
};

static void
keep(enum log_level level, struct span line)
{
	if (the_log.lines.len + line.len + STAMP_MAX > LINES_MAX) {
		the_log.dropped++;
		return;
	}
	log_stamp(&the_log.lines, the_log.target.kind, level);
	buf_add(&the_log.lines, line);
	buf_add_byte(&the_log.lines, '\n');
}

static void
tell_dropped(void)
{
	char line[64];
	int len = snprintf(line, sizeof(line),
	    "event=log-dropped count=%" PRIu64, the_log.dropped);

	the_log.dropped = 0;
	keep(LEVEL_WARNING, span_make(line, (size_t)len));
}

bool
log_give(uid_t uid, gid_t gid, struct buf *why)
{
	if (the_log.target.kind != LOG_TARGET_FILE ||
	    fchown(the_log.target.fd, uid, gid) == 0)
		return true;
	buf_addf(why, "log file %s: chown: %s", the_log.name, strerror(errno));
	return false;
}

void
log_flush(void *unused)
{
	(void)unused;
	if (the_log.lines.len == 0 && the_log.dropped == 0)
		return;
	log_target_write(&the_log.target, &the_log.lines, time(NULL));
	if (the_log.dropped > 0 && the_log.lines.len < TELL_BELOW) {
		tell_dropped();
		log_target_write(&the_log.target, &the_log.lines, time(NULL));
	}
}

/* The last words of a process that was found wrong, by itself or from outside. */
static void
aborted(int number)
{
	log_target_write(&the_log.target, &the_log.lines, 0);
	/*
	 * The handler is gone (SA_RESETHAND): this one ends the process, also
	 * where it was the service manager's watchdog who sent the first.
	 */
	raise(number);
}

/* Rotated by copying, a file that only root can open goes on being written. */
static bool
keep_open(const char *target, enum log_level level, struct buf *why)
{
	if ((errno != EACCES && errno != EPERM) || the_log.name == NULL ||
	    strcmp(the_log.name, target) != 0)
		return false;
	the_log.level = level;
	log_say(LEVEL_WARNING, "log-kept", "%s", buf_text(why));
	buf_empty(why);
	return true;
}

bool
log_open(const char *target, enum log_level level, struct buf *why)
{
	struct sigaction action = { .sa_flags = (int)SA_RESETHAND };
	struct log_target found;

	/* stderr stays what it was; reopening could only lose it. */
	if (the_log.opened && strcmp(target, "stderr") == 0 &&
	    (the_log.target.kind == LOG_TARGET_STDERR ||
		the_log.target.kind == LOG_TARGET_JOURNAL)) {
		the_log.level = level;
		return true;
	}
	if (!log_target_open(&found, target, why))
		return keep_open(target, level, why);
	log_flush(NULL);
	log_target_close(&the_log.target);
	the_log.target = found;
	the_log.opened = true;
	free(the_log.name);
	the_log.name = xstrdup(target);
	the_log.level = level;
	action.sa_handler = aborted;
	sigaction(SIGABRT, &action, NULL);
	return true;
}

void
log_close(void)
{
	log_flush(NULL);
	log_target_close(&the_log.target);
	the_log.opened = false;
	the_log.level = LEVEL_INFO;
	buf_clear(&the_log.lines);
	buf_clear(&the_log.spare);
	signal(SIGABRT, SIG_DFL);
	free(the_log.name);
	the_log.name = NULL;
}

void
log_capture(void (*take)(void *owner, struct span line), void *owner)
{
	the_log.take = take;
	the_log.take_owner = owner;
}

void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	line->level = level;
	line->wanted = level >= the_log.level;
	buf_init(&line->text, LINE_MAX_BYTES);
	if (!line->wanted)
		return;
	line->text = the_log.spare;
	buf_init(&the_log.spare, LINE_MAX_BYTES);
	buf_add(&line->text, SPAN("event="));
	buf_add(&line->text, span_of(event));
}

/* True when value can stand in logfmt as it is. */
static bool
is_bare(struct span value)
{
	size_t i;

	if (value.len == 0 || value.len > VALUE_MAX)
		return false;
	for (i = 0; i < value.len; i++)
		if (value.data[i] <= 0x20 || value.data[i] > 0x7e ||
		    value.data[i] == '"' || value.data[i] == '=' ||
		    value.data[i] == '\\')
			return false;
	return true;
}

void
log_span(struct log_line *line, const char *key, struct span value)
{
	size_t before = line->text.len;

	if (!line->wanted)
		return;
	buf_add_byte(&line->text, ' ');
	buf_add(&line->text, span_of(key));
	buf_add_byte(&line->text, '=');
	if (is_bare(value)) {
		buf_add(&line->text, value);
	} else {
		buf_add_byte(&line->text, '"');
		buf_add_escaped(&line->text, value, VALUE_MAX);
		buf_add_byte(&line->text, '"');
	}
	/* A value that does not fit is left out whole, and no quote is open. */
	if (line->text.full)
		buf_cut(&line->text, before);
}

void
log_text(struct log_line *line, const char *key, const char *value)
{
	if (line->wanted)
		log_span(line, key, span_of(value == NULL ? "" : value));
}

void
log_number(struct log_line *line, const char *key, uint64_t value)
{
	char digits[24], *first = digits + sizeof(digits);

	if (!line->wanted)
		return;
	do {
		*--first = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	log_span(line, key,
	    span_make(first, (size_t)(digits + sizeof(digits) - first)));
}

static void
add_formatted(struct log_line *line, const char *key, const char *format,
    va_list args)
{
	char text[VALUE_MAX + 2]; /* one more than fits shows as "..." */
	int len = vsnprintf(text, sizeof(text), format, args);

	if (len < 0)
		len = 0;
	if ((size_t)len >= sizeof(text))
		len = (int)sizeof(text) - 1;
	log_span(line, key, span_make(text, (size_t)len));
}

void
log_format(struct log_line *line, const char *key, const char *format, ...)
{
	va_list args;

	if (!line->wanted)
		return;
	va_start(args, format);
	add_formatted(line, key, format, args);
	va_end(args);
}

/* Keeps the memory of this line for the next one. */
static void
put_by(struct buf *text)
{
	if (the_log.spare.memory != NULL) {
		buf_clear(text);
		return;
	}
	buf_empty(text);
	text->max = LINE_MAX_BYTES;
	the_log.spare = *text;
	buf_init(text, 0);
}

void
log_end(struct log_line *line)
{
	if (!line->wanted)
		return;
	line->wanted = false;
	if (line->text.full) {
		line->text.full = false;
		line->text.max += strlen(CUT_MARK);
		buf_add(&line->text, SPAN(CUT_MARK));
	}
	if (the_log.take != NULL)
		the_log.take(the_log.take_owner, buf_span(&line->text));
	else if (the_log.dropped > 0)
		the_log.dropped++; /* in order: none passes those dropped */
	else
		keep(line->level, buf_span(&line->text));
	put_by(&line->text);
	if (line->level == LEVEL_ERROR || the_log.lines.len > TELL_BELOW)
		log_flush(NULL);
}

void
log_say(enum log_level level, const char *event, const char *format, ...)
{
	struct log_line line;
	va_list args;

	log_begin(&line, level, event);
	if (!line.wanted)
		return;
	va_start(args, format);
	add_formatted(&line, "text", format, args);
	va_end(args);
	log_end(&line);
}
