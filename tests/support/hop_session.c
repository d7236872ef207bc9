/*
 * hop_session - a next hop's side of an SMTP session.
 *
 * Job:     answer commands in the order of RFC 5321 and gather messages.
 * Called:  by hop_server.c with what its sockets read.
 * Owns:    struct hop_session: what was read and one transaction.
 * Never:   touches a socket, forgives a line end, or decides: it trusts all.
 */
#include "tests/support/hop_session.h"

#include <string.h>

enum {
	DATA_MAX = 256 << 20, /* bytes of one message, or of a burst of them */
	ENVELOPE_TEXT_MAX = 8 << 20,
	LINE_MAX_BYTES = 8192,
};

#define EHLO_REPLY               \
	"250-sink.test\r\n"      \
	"250-PIPELINING\r\n"     \
	"250-SIZE 104857600\r\n" \
	"250-8BITMIME\r\n"       \
	"250-SMTPUTF8\r\n"       \
	"250-DSN\r\n"            \
	"250 ENHANCEDSTATUSCODES"

static const struct verb {
	const char *name;
	enum hop_stage stage;
	const char *usual;
} verbs[] = {
	/* clang-format off */
	{ "EHLO",       HOP_EHLO,  EHLO_REPLY },
	{ "HELO",       HOP_EHLO,  "250 sink.test" },
	{ "MAIL FROM:", HOP_MAIL,  "250 2.1.0 sender ok" },
	{ "RCPT TO:",   HOP_RCPT,  "250 2.1.5 recipient ok" },
	{ "DATA",       HOP_DATA,  "354 go on, end with a dot" },
	{ "RSET",       HOP_RSET,  "250 2.0.0 forgotten" },
	{ "NOOP",       HOP_OTHER, "250 2.0.0 nothing done" },
	{ "QUIT",       HOP_QUIT,  "221 2.0.0 bye" },
	{ "",           HOP_OTHER, "500 5.5.2 command not recognized" },
	/* clang-format on */
};

static void
forget(struct hop_session *session)
{
	buf_empty(&session->mail);
	buf_empty(&session->rcpts);
	session->rcpt_count = 0;
}

/* Answers at this stage; what was said, "" when the connection is dropped. */
static const char *
answer(struct hop_session *session, enum hop_stage stage, struct span line,
    const char *usual, struct buf *out)
{
	const char *reply = usual;

	if (session->events.reply != NULL)
		reply = session->events.reply(session->events.owner, stage,
		    line, usual);
	if (reply == NULL) {
		session->gone = true;
		return "";
	}
	if (reply[0] != '\0') {
		buf_add(out, span_of(reply));
		buf_add(out, SPAN("\r\n"));
	}
	/* RFC 5321 3.8: 421 closes the channel. */
	if (strncmp(reply, "421", 3) == 0)
		session->gone = true;
	return reply;
}

void
hop_session_init(struct hop_session *session, const struct hop_events *events,
    struct buf *out)
{
	*session = (struct hop_session){ .events = *events };
	buf_init(&session->in, DATA_MAX);
	buf_init(&session->mail, ENVELOPE_TEXT_MAX);
	buf_init(&session->rcpts, ENVELOPE_TEXT_MAX);
	answer(session, HOP_BANNER, SPAN(""), "220 sink.test ESMTP", out);
}

static void
heard_mail(struct hop_session *session, struct span argument, char digit)
{
	if (digit != '2')
		return;
	forget(session);
	buf_add(&session->mail, argument);
}

static void
heard_rcpt(struct hop_session *session, struct span argument, char digit)
{
	if (digit != '2')
		return;
	buf_add(&session->rcpts, argument);
	buf_add_byte(&session->rcpts, '\0');
	session->rcpt_count++;
}

/* What a command changes, once it has been answered. */
static void
follow(struct hop_session *session, enum hop_stage stage, struct span argument,
    char digit)
{
	switch (stage) {
	case HOP_MAIL:
		heard_mail(session, argument, digit);
		break;
	case HOP_RCPT:
		heard_rcpt(session, argument, digit);
		break;
	case HOP_DATA:
		session->in_data = digit == '3';
		session->searched = 0;
		break;
	case HOP_QUIT:
		session->gone = true;
		break;
	case HOP_EHLO:
	case HOP_RSET:
		forget(session);
		break;
	case HOP_BANNER:
	case HOP_DOT:
	case HOP_OTHER:
	case HOP_STAGES:
		break;
	}
}

/* Out of order is refused whatever the script says: RFC 5321 4.1.4. */
static const char *
usual_reply(const struct hop_session *session, const struct verb *verb)
{
	if (verb->stage == HOP_RCPT && session->mail.len == 0)
		return "503 5.5.1 MAIL first";
	if (verb->stage == HOP_MAIL && session->mail.len != 0)
		return "503 5.5.1 one transaction at a time";
	if (verb->stage == HOP_DATA && session->rcpt_count == 0)
		return "554 5.5.1 no valid recipients";
	return verb->usual;
}

static void
command(struct hop_session *session, struct span line, struct buf *out)
{
	const struct verb *verb = verbs;
	const char *usual, *said;

	while (!span_starts_nocase(line, span_of(verb->name)))
		verb++;
	usual = usual_reply(session, verb);
	if (usual != verb->usual)
		said = answer(session, HOP_OTHER, line, usual, out);
	else
		said = answer(session, verb->stage, line, usual, out);
	if (usual == verb->usual)
		follow(session, verb->stage,
		    span_skip(line, strlen(verb->name)), said[0]);
}

/* One command line, if a whole one is there. */
static bool
take_line(struct hop_session *session, struct buf *out)
{
	struct span all = buf_span(&session->in);
	const char *end;
	size_t len;

	if (all.len == 0)
		return false;
	end = memmem(all.data, all.len, "\r\n", 2);
	if (end == NULL) {
		session->gone = all.len > LINE_MAX_BYTES;
		return false;
	}
	len = (size_t)(end - all.data);
	command(session, span_head(all, len), out);
	buf_eat(&session->in, len + 2);
	return true;
}

/* The place of CRLF.CRLF's dot, or of a dot line at the very start. */
static bool
find_dot(struct hop_session *session, size_t *at)
{
	struct span all = buf_span(&session->in);
	const char *found;

	if (span_starts(all, SPAN(".\r\n"))) {
		*at = 0;
		return true;
	}
	if (all.len <= session->searched)
		return false;
	found = memmem(all.data + session->searched,
	    all.len - session->searched, "\r\n.\r\n", 5);
	if (found == NULL) {
		session->searched = all.len < 4 ? 0 : all.len - 4;
		return false;
	}
	*at = (size_t)(found - all.data) + 2;
	return true;
}

static bool
take_data(struct hop_session *session, struct buf *out)
{
	struct hop_message message;
	const char *said;
	size_t at;

	if (!find_dot(session, &at))
		return false;
	message = (struct hop_message){
		.mail = buf_span(&session->mail),
		.rcpts = buf_span(&session->rcpts),
		.rcpt_count = session->rcpt_count,
		.data = span_head(buf_span(&session->in), at),
	};
	said = answer(session, HOP_DOT, message.data, "250 2.0.0 kept", out);
	message.accepted = strncmp(said, "250 ", 4) == 0;
	if (session->events.take != NULL)
		session->events.take(session->events.owner, &message);
	buf_eat(&session->in, at + 3);
	session->in_data = false;
	forget(session);
	return true;
}

bool
hop_session_feed(struct hop_session *session, struct span bytes,
    struct buf *out)
{
	buf_add(&session->in, bytes);
	if (session->in.full)
		return false;
	while (!session->gone &&
	    (session->in_data ? take_data(session, out) :
				take_line(session, out)))
		;
	return !session->gone;
}

void
hop_session_clear(struct hop_session *session)
{
	buf_clear(&session->in);
	buf_clear(&session->mail);
	buf_clear(&session->rcpts);
}

struct span
hop_address(struct span argument)
{
	struct span rest = span_skip(argument, span_find(argument, '<') + 1);

	return span_head(rest, span_find(rest, '>'));
}

/* The length of the first line with its CRLF, or of all of it. */
static size_t
line_length(struct span data)
{
	const char *end;
	size_t at = 0;

	while (at < data.len &&
	    (end = memchr(data.data + at, '\n', data.len - at)) != NULL) {
		at = (size_t)(end - data.data) + 1;
		if (at > 1 && data.data[at - 2] == '\r')
			return at;
	}
	return data.len;
}

void
hop_unstuff(struct span data, struct buf *out)
{
	struct span line;

	while (data.len > 0) {
		line = span_head(data, line_length(data));
		data = span_skip(data, line.len);
		if (span_starts(line, SPAN(".")))
			line = span_skip(line, 1);
		buf_add(out, line);
	}
}
