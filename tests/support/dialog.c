/*
 * dialog - scripted dialogues, as RFC 5321 appendix D writes them.
 *
 * Job:     read a file of C: and S: lines and hold a server to it.
 * Called:  by test_dialogs in memory, by system tests over a socket.
 * Owns:    the lines.
 * Never:   knows how the server is reached.
 */
#include "tests/support/dialog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/dialog_lines.h"

enum {
	REPEAT_MAX = 1000000,
};

static const struct {
	const char *mark;
	enum dialog_kind kind;
} marks[] = {
	/* clang-format off */
	{ "C\\:", CLIENT_RAW },
	{ "C:",   CLIENT },
	{ "S:",   SERVER },
	{ "S+",   SERVER_LINE },
	{ "S-",   SERVER_NOT },
	{ "S.",   SERVER_HOLDS },
	{ "Q:",   QUEUED },
	{ "M:",   MESSAGE },
	{ "M-",   MESSAGE_NOT },
	{ "E:",   CLOSED },
	{ "@",    OPTION },
	{ "#",    COMMENT },
	/* clang-format on */
};

static bool
hex_digit(char c, unsigned *value)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, c | 0x20);

	if (at == NULL)
		return false;
	*value = *value * 16 + (unsigned)(at - digits);
	return true;
}

/* Appends text with its escapes made bytes. */
static bool
unescape(struct span text, struct buf *out)
{
	unsigned value;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.data[i] != '\\') {
			buf_add_byte(out, text.data[i]);
			continue;
		}
		if (++i == text.len)
			return false;
		value = 0;
		switch (text.data[i]) {
		case 'r':
			value = '\r';
			break;
		case 'n':
			value = '\n';
			break;
		case 't':
			value = '\t';
			break;
		case '\\':
			value = '\\';
			break;
		case 'x':
			if (text.len - i < 3 ||
			    !hex_digit(text.data[i + 1], &value) ||
			    !hex_digit(text.data[i + 2], &value))
				return false;
			i += 2;
			break;
		default:
			return false;
		}
		buf_add_byte(out, (char)value);
	}
	return true;
}

static bool
wrong(const struct dialog *dialog, size_t number, struct buf *why,
    const char *text)
{
	buf_addf(why, "%s:%zu: %s", dialog->file, number, text);
	return false;
}

/* "C*N:" */
static bool
read_repeat(struct span *text, uint64_t *times)
{
	struct span rest = *text, number;

	*times = 1;
	if (!span_starts(rest, SPAN("C*")))
		return false;
	rest = span_skip(rest, 2);
	number = span_cut(&rest, ':');
	if (rest.data == NULL || !span_number(number, REPEAT_MAX, times))
		return false;
	*text = rest;
	return true;
}

static bool
read_mark(struct span *text, enum dialog_kind *kind, uint64_t *times)
{
	size_t i;

	if (read_repeat(text, times)) {
		*kind = CLIENT;
		return true;
	}
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (!span_starts(*text, span_of(marks[i].mark)))
			continue;
		*kind = marks[i].kind;
		*text = span_skip(*text, strlen(marks[i].mark));
		return true;
	}
	return false;
}

bool
dialog_sends(enum dialog_kind kind)
{
	return kind == CLIENT || kind == CLIENT_RAW;
}

static bool
read_line(struct dialog *dialog, struct span text, size_t number,
    struct buf *why)
{
	enum dialog_kind kind = COMMENT;
	struct dialog_line *line;
	uint64_t times;

	if (span_trim(text).len == 0)
		return true;
	if (!read_mark(&text, &kind, &times))
		return wrong(dialog, number, why, "a line of no known kind");
	if (kind == COMMENT)
		return true;
	if (text.len > 0 && text.data[0] == ' ')
		text = span_skip(text, 1);
	dialog->lines = xrealloc(dialog->lines, dialog->count + 1,
	    sizeof(dialog->lines[0]));
	line = &dialog->lines[dialog->count++];
	*line = (struct dialog_line){ .kind = kind, .number = number };
	buf_init(&line->text, DIALOG_SENT_MAX);
	while (times-- > 0) {
		if (!dialog_sends(kind) && kind != MESSAGE &&
		    kind != MESSAGE_NOT)
			buf_add(&line->text, text);
		else if (!unescape(text, &line->text))
			return wrong(dialog, number, why, "a bad escape");
		if (kind == CLIENT)
			buf_add(&line->text, SPAN("\r\n"));
	}
	return true;
}

static bool
read_all(struct dialog *dialog, FILE *stream, struct buf *why)
{
	char *text = NULL;
	size_t size = 0, number = 0;
	bool fine = true;
	ssize_t len;

	while (fine && (len = getline(&text, &size, stream)) != -1) {
		if (len > 0 && text[len - 1] == '\n')
			len--;
		fine = read_line(dialog, span_make(text, (size_t)len), ++number,
		    why);
	}
	free(text);
	return fine;
}

struct dialog *
dialog_read(const char *file, struct buf *why)
{
	struct dialog *dialog = xcalloc(1, sizeof(*dialog));
	FILE *stream = fopen(file, "re");
	bool fine = false;

	dialog->file = xstrdup(file);
	if (stream == NULL) {
		buf_addf(why, "%s: %s", file, strerrordesc_np(errno));
	} else {
		fine = read_all(dialog, stream, why);
		fclose(stream);
	}
	if (fine)
		return dialog;
	dialog_free(dialog);
	return NULL;
}

void
dialog_free(struct dialog *dialog)
{
	size_t i;

	if (dialog == NULL)
		return;
	for (i = 0; i < dialog->count; i++)
		buf_clear(&dialog->lines[i].text);
	free(dialog->lines);
	free(dialog->file);
	free(dialog);
}

const char *
dialog_option(const struct dialog *dialog, const char *name)
{
	size_t i;

	for (i = 0; i < dialog->count; i++) {
		struct span rest = buf_span(&dialog->lines[i].text);

		if (dialog->lines[i].kind != OPTION ||
		    !span_equal(span_word(&rest), span_of(name)))
			continue;
		buf_text(&dialog->lines[i].text); /* the NUL */
		return rest.len == 0 ? "" : rest.data;
	}
	return NULL;
}

size_t
dialog_longest(const struct dialog *dialog)
{
	size_t i, run = 0, longest = 0;

	for (i = 0; i < dialog->count; i++) {
		run = dialog_sends(dialog->lines[i].kind) ?
		    run + dialog->lines[i].text.len :
		    0;
		if (run > longest)
			longest = run;
	}
	return longest;
}
