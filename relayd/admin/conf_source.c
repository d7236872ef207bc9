/*
 * conf_source - the text of relayd.conf, fit for libconfig.
 *
 * Job:     read the file, and find what libconfig would get wrong in silence.
 * Called:  by conf.
 * Owns:    nothing; the caller has the text.
 * Never:   understands a setting: that is libconfig's and conf_read's.
 *
 * libconfig 1.5 reads an integer with atoi(3), so that 60000000000 becomes
 * -129542144; it ends at a NUL byte; and it calls exit(3) when an @include
 * names a directory, which would end a running relay at a reload.
 */
#include "relayd/admin/conf_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The rest of the text, with the line that it begins on. */
struct cursor {
	struct span rest;
	size_t line;
	const char *file;
	struct complaints *complaints;
};

static void
skip(struct cursor *cursor, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes && i < cursor->rest.len; i++)
		if (cursor->rest.data[i] == '\n')
			cursor->line++;
	cursor->rest = span_skip(cursor->rest, bytes);
}

/* Goes behind the next end, which is not part of a text of its own. */
static void
skip_past(struct cursor *cursor, struct span end)
{
	while (cursor->rest.len > 0 && !span_starts(cursor->rest, end))
		skip(cursor, 1);
	skip(cursor, end.len);
}

static void
skip_string(struct cursor *cursor)
{
	skip(cursor, 1);
	while (cursor->rest.len > 0 && cursor->rest.data[0] != '"')
		skip(cursor, cursor->rest.data[0] == '\\' ? 2 : 1);
	skip(cursor, 1);
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The length of a name, a number, or another run of such bytes. */
static size_t
word_len(struct span rest)
{
	size_t len = 0;

	while (len < rest.len &&
	    (is_letter(rest.data[len]) || is_digit(rest.data[len]) ||
		strchr("-_*.", rest.data[len]) != NULL))
		len++;
	return len;
}

/* Would libconfig wrap this number?  Floats and oddities are not our matter. */
static bool
wraps(struct span word)
{
	size_t digits = 0;
	uint64_t number;

	if (span_starts_nocase(word, SPAN("0x"))) {
		for (word = span_skip(word, 2); digits < word.len; digits++)
			if (word.data[digits] == 'L')
				return digits > 15;
		return digits > 7;
	}
	while (digits < word.len && is_digit(word.data[digits]))
		digits++;
	if (digits < word.len && word.data[digits] == 'L')
		return !span_number(span_head(word, digits), INT64_MAX,
		    &number);
	if (digits < word.len)
		return false;
	return !span_number(word, INT32_MAX, &number);
}

static void
check_word(struct cursor *cursor)
{
	struct span word = span_head(cursor->rest, word_len(cursor->rest));

	if (is_digit(word.data[0]) && wraps(word))
		complain(cursor->complaints, cursor->file, cursor->line, 0,
		    "number %.*s is too large; expected one below 2147483648, "
		    "or a text such as \"60G\"",
		    SPAN_ARG(span_head(word, 40)));
	skip(cursor, word.len);
}

static void
check_text(struct cursor *cursor)
{
	char c;

	while (cursor->rest.len > 0) {
		c = cursor->rest.data[0];
		if (c == '"') {
			skip_string(cursor);
		} else if (c == '#' || span_starts(cursor->rest, SPAN("//"))) {
			skip_past(cursor, SPAN("\n"));
		} else if (span_starts(cursor->rest, SPAN("/*"))) {
			skip(cursor, 2);
			skip_past(cursor, SPAN("*/"));
		} else if (is_letter(c) || is_digit(c)) {
			check_word(cursor);
		} else {
			if (span_starts(cursor->rest, SPAN("@include")))
				complain(cursor->complaints, cursor->file,
				    cursor->line, 0,
				    "@include is not taken; expected all "
				    "settings in this one file");
			else if (c == '\0')
				complain(cursor->complaints, cursor->file,
				    cursor->line, 0,
				    "a NUL byte; expected text");
			skip(cursor, 1);
		}
	}
}

/* False with errno. */
static bool
read_all(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got = 1;
	size_t room;
	char *data;
	int error;

	if (fd == -1)
		return false;
	while (got > 0) {
		data = buf_room(text, 1 << 16, &room);
		if (data == NULL) {
			errno = EFBIG;
			got = -1;
			break;
		}
		got = read(fd, data, room);
		if (got > 0)
			buf_grew(text, (size_t)got);
	}
	error = errno;
	close(fd);
	errno = error;
	return got == 0;
}

bool
conf_source_read(const char *path, const char *file, struct buf *text,
    struct complaints *complaints)
{
	size_t errors = complaints->errors;
	struct cursor cursor = {
		.line = 1,
		.file = file,
		.complaints = complaints,
	};

	if (!read_all(path, text))
		return complain(complaints, file, 0, 0, "cannot be read: %s",
		    strerror(errno));
	cursor.rest = buf_span(text);
	check_text(&cursor);
	/* A NUL in a string is met here: skip_string() does not look. */
	if (complaints->errors == errors &&
	    span_find(buf_span(text), '\0') < text->len)
		return complain(complaints, file, 0, 0,
		    "a NUL byte; expected text");
	return complaints->errors == errors;
}
