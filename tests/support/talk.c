/*
 * talk - an SMTP client for tests, of few words.
 *
 * Job:     connect, say a line, hear a reply, hand over a message.
 * Called:  by tests of the whole server, also from their threads.
 * Owns:    struct talk: a socket and the last reply.
 * Never:   waits longer than TALK_WAIT_MS for anything.
 */
#include "tests/support/talk.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	IN_MAX = 1 << 20,
	COMMAND_MAX = 1 << 16,
	CONTENT_MAX = 300 << 20,
};

static struct sockaddr_in
loopback(const char *address, uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons(port) };

	inet_pton(AF_INET, address, &name.sin_addr);
	return name;
}

bool
talk_open(struct talk *talk, const char *from, uint16_t port)
{
	struct sockaddr_in here, there = loopback("127.0.0.1", port);

	buf_init(&talk->in, IN_MAX);
	buf_init(&talk->text, IN_MAX);
	talk->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (talk->fd == -1)
		return false;
	here = loopback(from == NULL ? "127.0.0.1" : from, 0);
	if ((from != NULL &&
		bind(talk->fd, (struct sockaddr *)&here, sizeof(here)) == -1) ||
	    connect(talk->fd, (struct sockaddr *)&there, sizeof(there)) == -1) {
		talk_close(talk);
		return false;
	}
	return true;
}

void
talk_close(struct talk *talk)
{
	if (talk->fd != -1)
		close(talk->fd);
	talk->fd = -1;
	buf_clear(&talk->in);
	buf_clear(&talk->text);
}

static bool
ready(struct talk *talk, short events)
{
	struct pollfd wait = { talk->fd, events, 0 };

	return talk->fd != -1 && poll(&wait, 1, TALK_WAIT_MS) == 1;
}

bool
talk_send(struct talk *talk, struct span bytes)
{
	ssize_t sent;

	while (bytes.len > 0) {
		if (!ready(talk, POLLOUT))
			return false;
		sent = send(talk->fd, bytes.data, bytes.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == -1 && errno != EAGAIN)
			return false;
		if (sent > 0)
			bytes = span_skip(bytes, (size_t)sent);
	}
	return true;
}

/* Reads what there is; false at the end of the stream or of the patience. */
static bool
fill(struct talk *talk)
{
	size_t room;
	char *start = buf_room(&talk->in, 4096, &room);
	ssize_t got;

	if (start == NULL || !ready(talk, POLLIN))
		return false;
	got = recv(talk->fd, start, room, 0);
	if (got <= 0)
		return false;
	buf_grew(&talk->in, (size_t)got);
	return true;
}

/* Moves one line to text; its length with CRLF, or 0. */
static size_t
take_line(struct talk *talk)
{
	size_t at;

	while ((at = span_find(buf_span(&talk->in), '\n')) == talk->in.len)
		if (!fill(talk))
			return 0;
	buf_add(&talk->text, span_head(buf_span(&talk->in), at + 1));
	buf_eat(&talk->in, at + 1);
	return at + 1;
}

int
talk_reply(struct talk *talk)
{
	struct span line;
	uint64_t code;
	size_t len;

	buf_empty(&talk->text);
	do {
		len = take_line(talk);
		line = span_skip(buf_span(&talk->text), talk->text.len - len);
		if (len < 6 || !span_number(span_head(line, 3), 999, &code))
			return 0;
	} while (line.data[3] == '-');
	return (int)code;
}

int
talk_say(struct talk *talk, const char *format, ...)
{
	struct buf line;
	va_list args;
	bool good;

	buf_init(&line, COMMAND_MAX);
	va_start(args, format);
	buf_vaddf(&line, format, args);
	va_end(args);
	buf_add(&line, SPAN("\r\n"));
	good = !line.full && talk_send(talk, buf_span(&line));
	buf_clear(&line);
	return good ? talk_reply(talk) : 0;
}

bool
talk_ended(struct talk *talk)
{
	return talk->in.len == 0 && ready(talk, POLLIN) && !fill(talk);
}

static bool
send_content(struct talk *talk, struct span content)
{
	struct buf wire;
	bool good, line_start = true;
	size_t len;

	buf_init(&wire, CONTENT_MAX);
	while (content.len > 0) {
		if (line_start && content.data[0] == '.')
			buf_add_byte(&wire, '.');
		len = span_find(content, '\n');
		line_start = len < content.len;
		buf_add(&wire, span_head(content, len + 1));
		content = span_skip(content, len + 1);
	}
	buf_add(&wire, SPAN(".\r\n"));
	good = talk_send(talk, buf_span(&wire));
	buf_clear(&wire);
	return good;
}

int
talk_mail(struct talk *talk, const char *sender, const char *const *recipients,
    struct span content)
{
	int code;

	code = talk_say(talk, "MAIL FROM:<%s>", sender);
	for (; code == 250 && *recipients != NULL; recipients++)
		code = talk_say(talk, "RCPT TO:<%s>", *recipients);
	if (code == 250)
		code = talk_say(talk, "DATA");
	if (code != 354)
		return code;
	if (!send_content(talk, content))
		return 0;
	return talk_reply(talk);
}

int
talk_once(const char *from, uint16_t port, const char *sender,
    const char *recipient, const char *content)
{
	const char *recipients[] = { recipient, NULL };
	struct talk talk;
	int code = 0;

	if (!talk_open(&talk, from, port))
		return 0;
	if (talk_reply(&talk) == 220 &&
	    talk_say(&talk, "EHLO client.test") == 250) {
		code = talk_mail(&talk, sender, recipients, span_of(content));
		talk_say(&talk, "QUIT");
	}
	talk_close(&talk);
	return code;
}
