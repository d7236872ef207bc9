/*
 * table_reader - the lines and options of a table.
 *
 * Job:     read a file whole, cut it into lines, subjects and options, and
 *          know the line and column of every byte.
 * Called:  by hosted.c, allowlist.c and recipients.c.
 * Owns:    the file's bytes while it is read.
 * Never:   knows what an option means, nor hangs on what is not a file.
 */
#include "domains/table_reader.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	FILE_BYTES_MAX = 1 << 30,
	LINE_BYTES_MAX = 8192,
	READ_BYTES = 1 << 20,
};

static bool read_all(struct table_reader *reader, int fd);
static bool check_line(struct table_reader *reader, struct table_line *line);
static void cut_line(struct table_line *line);
static struct span next_word(struct span *rest);
static bool read_option(struct table_reader *reader, struct table_line *line,
    struct table_option *option);
static bool unquote(struct table_reader *reader, struct table_line *line,
    struct table_option *option);
static unsigned find_key(struct span key, const char *const *keys,
    unsigned count);
static void complain_key(struct table_reader *reader, struct table_line *line,
    const struct table_option *option, const char *const *keys, unsigned count);

enum table_verdict
table_reader_open(struct table_reader *reader, const char *file,
    struct complaints *complaints)
{
	const struct span mark = SPAN("\xef\xbb\xbf");
	bool good;
	int fd;

	*reader =
	    (struct table_reader){ .file = file, .complaints = complaints };
	buf_init(&reader->text, FILE_BYTES_MAX);
	buf_init(&reader->value, LINE_BYTES_MAX);
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		if (errno == ENOENT)
			return TABLE_MISSING;
		complain(complaints, file, 0, 0,
		    "cannot be opened (%s); expected a file to read",
		    strerror(errno));
		return TABLE_BAD;
	}
	good = read_all(reader, fd);
	close(fd);
	if (!good) {
		table_reader_close(reader);
		return TABLE_BAD;
	}
	reader->rest = buf_span(&reader->text);
	if (span_starts(reader->rest, mark))
		reader->rest = span_skip(reader->rest, mark.len);
	return TABLE_OPEN;
}

void
table_reader_close(struct table_reader *reader)
{
	buf_clear(&reader->text);
	buf_clear(&reader->value);
}

bool
table_reader_line(struct table_reader *reader, struct table_line *line)
{
	while (reader->rest.len > 0) {
		*line = (struct table_line){
			.number = ++reader->number,
			.text = span_cut(&reader->rest, '\n'),
		};
		if (span_ends(line->text, SPAN("\r")))
			line->text.len--;
		if (!check_line(reader, line))
			continue;
		cut_line(line);
		if (line->subject.len > 0)
			return true;
	}
	return false;
}

bool
table_reader_option(struct table_reader *reader, struct table_line *line,
    const char *const *keys, unsigned count, unsigned *seen,
    struct table_option *option, unsigned *which)
{
	while (line->rest.len > 0) {
		if (!read_option(reader, line, option))
			continue;
		*which = find_key(option->key, keys, count);
		if (*which == count) {
			complain_key(reader, line, option, keys, count);
			continue;
		}
		if ((*seen & 1u << *which) != 0) {
			table_reader_complain(reader, line, option->word.data,
			    "%s= stands twice on this line; expected it once",
			    keys[*which]);
			continue;
		}
		*seen |= 1u << *which;
		return true;
	}
	return false;
}

const char *
table_reader_place(const struct table_option *option, size_t n)
{
	const char *at = option->word.data + option->key.len + 1;

	if (*at != '"')
		return at + n;
	for (at++; n > 0; n--)
		at += *at == '\\' ? 2 : 1;
	return at;
}

bool
table_reader_complain(struct table_reader *reader, struct table_line *line,
    const char *at, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	line->wrong = true;
	return complain(reader->complaints, reader->file, line->number,
	    table_reader_column(line, at), "%s", text);
}

size_t
table_reader_column(const struct table_line *line, const char *at)
{
	const char *p;
	size_t column = 1;

	/* An editor counts characters, so the tail bytes of UTF-8 do not. */
	for (p = line->text.data; p < at; p++)
		if (((unsigned char)*p & 0xc0) != 0x80)
			column++;
	return column;
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Reads to the end of the file: -1 with errno when that fails. */
static int
read_bytes(struct buf *text, int fd)
{
	size_t room;
	ssize_t got;
	char *to;

	while ((to = buf_room(text, READ_BYTES, &room)) != NULL) {
		got = read(fd, to, room);
		if (got == 0)
			return 0;
		if (got > 0)
			buf_grew(text, (size_t)got);
		else if (errno != EINTR)
			return -1;
	}
	errno = EFBIG;
	return -1;
}

/*
 * A table that an editor is writing is not a table yet: size and time of the
 * file must be the same before and after.
 */
static bool
read_all(struct table_reader *reader, int fd)
{
	struct stat before, after;
	const char *file = reader->file;

	if (fstat(fd, &before) == -1 || !S_ISREG(before.st_mode))
		return complain(reader->complaints, file, 0, 0,
		    "is not a regular file; expected one");
	if (before.st_size > FILE_BYTES_MAX)
		return complain(reader->complaints, file, 0, 0,
		    "is larger than 1 GiB; expected a smaller file");
	if (read_bytes(&reader->text, fd) == -1 || fstat(fd, &after) == -1)
		return complain(reader->complaints, file, 0, 0,
		    "cannot be read (%s); expected a file to read",
		    strerror(errno));
	if (before.st_size != after.st_size ||
	    reader->text.len != (size_t)after.st_size ||
	    !same_time(&before.st_mtim, &after.st_mtim))
		return complain(reader->complaints, file, 0, 0,
		    "changed while it was read; expected a file that is "
		    "complete (write a new one and rename it)");
	return true;
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* The length of the character at the head of s, or 0. */
static size_t
character(struct span s)
{
	size_t n;

	for (n = 1; n <= 4 && n <= s.len; n++)
		if (span_utf8(span_head(s, n)))
			return n;
	return 0;
}

static bool
check_line(struct table_reader *reader, struct table_line *line)
{
	struct span rest = line->text;
	size_t i, n;

	if (rest.len > LINE_BYTES_MAX)
		return table_reader_complain(reader, line,
		    rest.data + LINE_BYTES_MAX,
		    "a line of %zu bytes; expected at most %d", rest.len,
		    LINE_BYTES_MAX);
	for (i = 0; i < rest.len; i++)
		if (is_control(rest.data[i]))
			return table_reader_complain(reader, line,
			    rest.data + i,
			    "a control character (\\x%02x); expected text",
			    (unsigned char)rest.data[i]);
	if (!span_eight_bit(rest))
		return true;
	for (; rest.len > 0; rest = span_skip(rest, n)) {
		n = character(rest);
		if (n == 0)
			return table_reader_complain(reader, line, rest.data,
			    "a byte (\\x%02x) that is not UTF-8; expected "
			    "UTF-8",
			    (unsigned char)rest.data[0]);
	}
	return true;
}

/* Finds subject and options; a word that begins with # ends them. */
static void
cut_line(struct table_line *line)
{
	struct span rest = span_trim(line->text), word;
	const char *end = NULL;

	line->subject = next_word(&rest);
	if (span_starts(line->subject, SPAN("#")))
		line->subject.len = 0;
	line->options = rest;
	while (rest.len > 0) {
		word = next_word(&rest);
		if (word.data[0] == '#')
			break;
		end = word.data + word.len;
	}
	line->options.len =
	    end == NULL ? 0 : (size_t)(end - line->options.data);
	line->rest = line->options;
}

/* Up to a blank outside quotes; *rest then begins at the word behind it. */
static struct span
next_word(struct span *rest)
{
	struct span s = *rest;
	bool quoted = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (quoted && s.data[i] == '\\' && i + 1 < s.len)
			i++;
		else if (s.data[i] == '"')
			quoted = !quoted;
		else if (!quoted && (s.data[i] == ' ' || s.data[i] == '\t'))
			break;
	}
	*rest = span_trim(span_skip(s, i));
	return span_head(s, i);
}

static bool
read_option(struct table_reader *reader, struct table_line *line,
    struct table_option *option)
{
	size_t equals;

	option->word = next_word(&line->rest);
	equals = span_find(option->word, '=');
	if (equals == 0 || equals == option->word.len)
		return table_reader_complain(reader, line, option->word.data,
		    "\"%.*s\" is not an option; expected key=value",
		    TABLE_SHOWN(option->word));
	option->key = span_head(option->word, equals);
	if (!unquote(reader, line, option))
		return false;
	if (option->value.len > 0)
		return true;
	return table_reader_complain(reader, line, option->word.data,
	    "%.*s= without a value; expected one", TABLE_SHOWN(option->key));
}

static bool
unquote(struct table_reader *reader, struct table_line *line,
    struct table_option *option)
{
	struct span raw = span_skip(option->word, option->key.len + 1);
	size_t i;

	option->value = raw;
	if (span_find(raw, '"') == raw.len)
		return true;
	if (raw.data[0] != '"')
		return table_reader_complain(reader, line,
		    raw.data + span_find(raw, '"'),
		    "a quote inside a value; expected quotes around all of "
		    "it");
	buf_empty(&reader->value);
	for (i = 1; i < raw.len && raw.data[i] != '"'; i++) {
		if (raw.data[i] == '\\' && i + 1 < raw.len)
			i++;
		buf_add_byte(&reader->value, raw.data[i]);
	}
	option->value = buf_span(&reader->value);
	if (i >= raw.len)
		return table_reader_complain(reader, line, raw.data,
		    "a quote that is never closed; expected \" at the end of "
		    "the value");
	if (i + 1 < raw.len)
		return table_reader_complain(reader, line, raw.data + i + 1,
		    "text right behind the closing quote; expected a blank");
	return true;
}

static unsigned
find_key(struct span key, const char *const *keys, unsigned count)
{
	unsigned i;

	for (i = 0; i < count; i++)
		if (span_equal(key, span_of(keys[i])))
			break;
	return i;
}

static void
complain_key(struct table_reader *reader, struct table_line *line,
    const struct table_option *option, const char *const *keys, unsigned count)
{
	struct buf expected;
	unsigned i;

	buf_init(&expected, 200);
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_addf(&expected, "%s",
			    i + 1 < count ? ", " : " or ");
		buf_addf(&expected, "%s=", keys[i]);
	}
	table_reader_complain(reader, line, option->word.data,
	    "\"%.*s=\" is not known; expected %s", TABLE_SHOWN(option->key),
	    buf_text(&expected));
	buf_clear(&expected);
}
