/*
 * dialog_run - one run of a scripted dialogue.
 *
 * Job:     say the client's lines at a given pace and hold the server to its.
 * Called:  by test_dialogs in memory, by system tests over a socket.
 * Owns:    what was heard and not yet expected.
 * Never:   knows how the server is reached.
 */
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/dialog.h"
#include "tests/support/dialog_lines.h"

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
failed(struct run *run, const struct dialog_line *line, const char *expected)
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
take_reply(struct run *run, const struct dialog_line *line)
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
check_queued(struct run *run, const struct dialog_line *line)
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
check_message(struct run *run, const struct dialog_line *line)
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
run_line(struct run *run, const struct dialog_line *line)
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
		if (dialog_sends(run->dialog->lines[i].kind))
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

	buf_init(&run.sending, DIALOG_SENT_MAX);
	listen_once(&run);
	if (pace == DIALOG_BURST)
		send_all(&run);
	for (i = 0; i < dialog->count && fine; i++)
		fine = run_line(&run, &dialog->lines[i]);
	if (fine && run.taken != heard->len) {
		struct dialog_line end = { .number = 0 };

		buf_init(&end.text, 1);
		run.reply = span_make("", 0);
		fine = failed(&run, &end, "no further reply");
	}
	buf_clear(&run.sending);
	return fine;
}
