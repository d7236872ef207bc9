/*
 * test_log_events - every event that the sources log is in relayd(8), by the
 * name that it has there.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"
#include "tests/support/suite.h"

enum {
	FILE_MAX = 1 << 20,
	EVENT_MAX = 64,
	EVENTS_LEAST = 25, /* else the search has gone blind */
};

static struct buf manual, source;
static size_t found;

static void
read_file(const char *path, struct buf *into)
{
	FILE *file = fopen(path, "r");
	size_t room, got;
	char *to;

	ck_assert_msg(file != NULL, "%s", path);
	buf_empty(into);
	while ((to = buf_room(into, 65536, &room)) != NULL &&
	    (got = fread(to, 1, room, file)) > 0)
		buf_grew(into, got);
	fclose(file);
}

/* In a line ".It Cm one , two". */
static bool
is_documented(const char *event)
{
	struct span rest = buf_span(&manual), line, word;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (!span_starts(line, SPAN(".It Cm ")))
			continue;
		while ((word = span_word(&line)).len > 0)
			if (span_equal(word, span_of(event)))
				return true;
	}
	return false;
}

/* The first text in quotes of a call; of log_begin() every one. */
static void
look_at_call(const char *path, const char *call, bool all)
{
	const char *end = strchr(call, ';'), *open, *close;
	char event[EVENT_MAX];

	ck_assert_ptr_nonnull(end);
	while ((open = memchr(call, '"', (size_t)(end - call))) != NULL) {
		close = strchr(open + 1, '"');
		snprintf(event, sizeof(event), "%.*s", (int)(close - open - 1),
		    open + 1);
		ck_assert_msg(is_documented(event),
		    "%s logs event=%s, which relayd(8) does not explain", path,
		    event);
		found++;
		if (!all)
			break;
		call = close + 1;
	}
}

static void
look_at_file(const char *path)
{
	const char *at;

	read_file(path, &source);
	for (at = buf_text(&source); (at = strstr(at, "log_begin(&")) != NULL;
	     at++)
		look_at_call(path, at, true);
	for (at = buf_text(&source); (at = strstr(at, "log_say(LEVEL")) != NULL;
	     at++)
		look_at_call(path, at, false);
}

START_TEST(every_event_of_the_log_is_in_the_manual)
{
	glob_t files;
	size_t i;

	buf_init(&manual, FILE_MAX);
	buf_init(&source, FILE_MAX);
	read_file("man/relayd.8", &manual);
	ck_assert_int_eq(glob("relayd/*.c", 0, NULL, &files), 0);
	ck_assert_int_eq(glob("relayd/*/*.c", GLOB_APPEND, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++)
		look_at_file(files.gl_pathv[i]);
	ck_assert_uint_ge(found, EVENTS_LEAST);
	globfree(&files);
	buf_clear(&manual);
	buf_clear(&source);
}
END_TEST

static Suite *
log_events_suite(void)
{
	Suite *suite = suite_create("log_events");
	TCase *tcase = tcase_create("log_events");

	tcase_add_test(tcase, every_event_of_the_log_is_in_the_manual);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(log_events_suite)
