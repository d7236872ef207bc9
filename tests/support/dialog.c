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

enum {
	FILE_MAX = 1 << 20,
	SENT_MAX = 8 << 20,
	HEARD_MAX = 4 << 20,
	REPEAT_MAX = 1000000,
};

enum kind {
	COMMENT,
	OPTION,
	CLIENT,
	CLIENT_RAW,
	SERVER,
	SERVER_LINE,
	SERVER_NOT,
	SERVER_HOLDS,
	QUEUED,
	MESSAGE,
	MESSAGE_NOT,
	CLOSED,
};

static const struct {
	const char *mark;
	enum kind kind;
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

struct line {
	enum kind kind;
	size_t number;   /* in the file */
	struct buf text; /* bytes to send, or what is expected */
};

struct dialog {
	char *file; /* owned */
	struct line *lines;
	size_t count;
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
read_mark(struct span *text, enum kind *kind, uint64_t *times)
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

static bool
is_sent(enum kind kind)
{
	return kind == CLIENT || kind == CLIENT_RAW;
}

static bool
read_line(struct dialog *dialog, struct span text, size_t number,
    struct buf *why)
{
	enum kind kind = COMMENT;
	struct line *line;
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
	*line = (struct line){ .kind = kind, .number = number };
	buf_init(&line->text, SENT_MAX);
	while (times-- > 0) {
		if (!is_sent(kind) && kind != MESSAGE && kind != MESSAGE_NOT)
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
		run = is_sent(dialog->lines[i].kind) ?
		    run + dialog->lines[i].text.len :
		    0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

/* One run of a dialog. */
struct run {
	const struct dialog *dialog;
	const struct dialog_exchange *exchange;
	enum dialog_pace pace;
	size_t cut;
	struct buf sending; /* client lines, until a reply is expected */
	struct buf *heard;  /* all of it */
	size_t taken;       /* of heard, by S: lines */
	struct span reply;  /* the last one taken, all its lines */
	bool open;
	struct buf *why;
};

static void
listen_once(struct run *run)
{
	if (run->open)
		run->open =
		    run->exchange->receive(run->exchange->owner, run->heard);
}

static void
send_now(struct run *run, struct span bytes)
{
	if (bytes.len == 0 || !run->open)
		return;
	run->exchange->send(run->exchange->owner, bytes);
	listen_once(run);
}

static void
send_pending(struct run *run)
{
	struct span all = buf_span(&run->sending);
	size_t i;

	if (run->pace == DIALOG_BYTES) {
		for (i = 0; i < all.len; i++)
			send_now(run, span_make(all.data + i, 1));
	} else if (run->pace == DIALOG_CUT) {
		send_now(run, span_head(all, run->cut));
		send_now(run, span_skip(all, run->cut));
	} else {
		send_now(run, all);
	}
	buf_empty(&run->sending);
}

/* A whole reply at the head of rest; its length, or 0. */
static size_t
reply_length(struct span rest)
{
	size_t len = 0, lf;

	while (len < rest.len) {
		struct span line = span_skip(rest, len);

		lf = span_find(line, '\n');
		if (lf == line.len)
			return 0;
		len += lf + 1;
		if (lf < 4 || line.data[3] != '-')
			return len;
	}
	return 0;
}

static bool
failed(struct run *run, const struct line *line, const char *expected)
{
	struct span rest = span_skip(buf_span(run->heard), run->taken);

	buf_addf(run->why, "%s:%zu: expected %s \"", run->dialog->file,
	    line->number, expected);
	buf_add_escaped(run->why, buf_span(&line->text), 400);
	buf_addf(run->why, "\"; reply was \"");
	buf_add_escaped(run->why, run->reply, 600);
	buf_addf(run->why, "\", then came \"");
	buf_add_escaped(run->why, rest, 600);
	buf_addf(run->why, "\"%s", run->open ? "" : " and the end");
	return false;
}

static bool
take_reply(struct run *run, const struct line *line)
{
	struct span rest;
	size_t len;

	send_pending(run);
	listen_once(run);
	rest = span_skip(buf_span(run->heard), run->taken);
	len = reply_length(rest);
	if (len == 0) {
		run->reply = span_make("", 0);
		return failed(run, line, "a reply");
	}
	run->reply = span_head(rest, len);
	run->taken += len;
	if (!span_starts(rest, buf_span(&line->text)))
		return failed(run, line, "a reply that begins");
	return true;
}

static bool
some_line_begins(struct span reply, struct span text)
{
	while (reply.data != NULL)
		if (span_starts(span_cut(&reply, '\n'), text))
			return true;
	return false;
}

static bool
holds(struct span all, struct span text)
{
	return text.len == 0 ||
	    (all.len > 0 &&
		memmem(all.data, all.len, text.data, text.len) != NULL);
}

static bool
check_queued(struct run *run, const struct line *line)
{
	uint64_t wanted;

	if (run->exchange->queued == NULL)
		return true;
	if (!span_number(buf_span(&line->text), SIZE_MAX, &wanted) ||
	    run->exchange->queued(run->exchange->owner) != wanted)
		return failed(run, line, "messages queued");
	return true;
}

static bool
check_message(struct run *run, const struct line *line)
{
	struct span message;

	if (run->exchange->last_message == NULL)
		return true;
	message = run->exchange->last_message(run->exchange->owner);
	if (holds(message, buf_span(&line->text)) == (line->kind == MESSAGE))
		return true;
	buf_addf(run->why, "message was \"");
	buf_add_escaped(run->why, message, 2000);
	buf_addf(run->why, "\"\n");
	return failed(run, line,
	    line->kind == MESSAGE ? "a message that holds" :
				    "a message without");
}

static bool
run_line(struct run *run, const struct line *line)
{
	struct span text = buf_span(&line->text);

	switch (line->kind) {
	case COMMENT:
	case OPTION:
		return true;
	case CLIENT:
	case CLIENT_RAW:
		if (run->pace != DIALOG_BURST)
			buf_add(&run->sending, text);
		return true;
	case SERVER:
		return take_reply(run, line);
	case SERVER_LINE:
		return some_line_begins(run->reply, text) ||
		    failed(run, line, "a line that begins");
	case SERVER_NOT:
		return !holds(run->reply, text) ||
		    failed(run, line, "nothing like");
	case SERVER_HOLDS:
		return holds(run->reply, text) ||
		    failed(run, line, "something like");
	case QUEUED:
		send_pending(run);
		/* In a burst the rest has been said already. */
		return run->pace == DIALOG_BURST || check_queued(run, line);
	case MESSAGE:
	case MESSAGE_NOT:
		return run->pace == DIALOG_BURST || check_message(run, line);
	case CLOSED:
		send_pending(run);
		listen_once(run);
		return (!run->open && run->taken == run->heard->len) ||
		    failed(run, line, "the end");
	}
	return false;
}

static void
send_all(struct run *run)
{
	size_t i;

	for (i = 0; i < run->dialog->count; i++)
		if (is_sent(run->dialog->lines[i].kind))
			buf_add(&run->sending,
			    buf_span(&run->dialog->lines[i].text));
	send_pending(run);
}

bool
dialog_run(const struct dialog *dialog, enum dialog_pace pace, size_t cut,
    const struct dialog_exchange *exchange, struct buf *heard, struct buf *why)
{
	struct run run = { .dialog = dialog,
		.exchange = exchange,
		.pace = pace,
		.cut = cut,
		.heard = heard,
		.open = true,
		.why = why };
	bool fine = true;
	size_t i;

	buf_init(&run.sending, SENT_MAX);
	listen_once(&run);
	if (pace == DIALOG_BURST)
		send_all(&run);
	for (i = 0; i < dialog->count && fine; i++)
		fine = run_line(&run, &dialog->lines[i]);
	if (fine && run.taken != heard->len) {
		struct line end = { .number = 0 };

		buf_init(&end.text, 1);
		run.reply = span_make("", 0);
		fine = failed(&run, &end, "no further reply");
	}
	buf_clear(&run.sending);
	return fine;
}
