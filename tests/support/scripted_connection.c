/*
 * scripted_connection - one connection to a scripted next hop.
 *
 * Job:     answer by the script, at the pace it says, and hand over what came.
 * Called:  by scripted_hop.c, then by the loop.
 * Owns:    itself, its stream and what it has of a message.
 * Never:   uses a clock but the loop's.
 */
#include "tests/support/scripted_connection.h"

#include <sys/socket.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/net/stream.h"
#include "tests/support/hop_session.h"

enum {
	BUFFER_MAX = 64 << 20,
	READ_BUDGET = 1 << 20
};

struct connection {
	struct watch watch;
	struct scripted_hop *hop;
	struct stream *stream;
	struct buf in, out;
	struct scripted_message *message; /* being received; owned */
	enum script_act act;              /* once out is empty */
	size_t searched; /* of in: the final dot is not before here */
	uint64_t pace;   /* as hop->dribble, until out is empty */
	bool in_data, body_seen, quit, deaf;
	bool tls_wanted, shaking;
};

static void
give_up(bool good)
{
	if (!good)
		abort();
}

/* ---- messages ---- */

static void
forget(struct connection *connection)
{
	if (connection->message == NULL)
		return;
	scripted_message_clear(connection->message);
	free(connection->message);
	connection->message = NULL;
}

static void
keep(struct connection *connection, struct span wire, bool accepted)
{
	struct scripted_hop *hop = connection->hop;
	struct scripted_message *message = connection->message;

	give_up(message != NULL);
	buf_add(&message->wire, wire);
	hop_unstuff(wire, &message->content);
	message->accepted = accepted;
	hop->messages = xrealloc(hop->messages, hop->message_count + 1,
	    sizeof(hop->messages[0]));
	hop->messages[hop->message_count++] = *message;
	free(message);
	connection->message = NULL;
}

/* ---- the script ---- */

static void
say_ehlo(struct connection *connection)
{
	struct span rest = span_of(connection->hop->offers), offer;

	buf_add(&connection->out, SPAN("250-hop.test\r\n"));
	while (rest.len > 0) {
		offer = span_cut(&rest, ',');
		buf_addf(&connection->out, "250-%.*s\r\n", SPAN_ARG(offer));
	}
	if (connection->hop->tls != NULL && !stream_is_tls(connection->stream))
		buf_add(&connection->out, SPAN("250-STARTTLS\r\n"));
	buf_add(&connection->out, SPAN("250 HELP\r\n"));
}

static void
say_usual(struct connection *connection, struct span command)
{
	const char *reply = script_usual(command);

	if (span_starts(command,
		connection->hop->lmtp ? SPAN("LHLO") : SPAN("EHLO")))
		say_ehlo(connection);
	else if (reply != NULL)
		buf_add(&connection->out, span_of(reply));
}

/* 0: all at once; 1: a byte a turn; else ms between bytes. */
static uint64_t
pace_of(const struct connection *connection)
{
	return connection->pace > 0 ? connection->pace :
				      connection->hop->dribble;
}

/* Answers; the first digit of what was said, or 0. */
static char
answer(struct connection *connection, struct span command)
{
	const struct script_rule *rule =
	    script_find(connection->hop->rules, connection->hop->uses, command);
	size_t before;

	/* What was said before is not slowed down. */
	if (rule != NULL && rule->pace > 0 && pace_of(connection) == 0)
		stream_write(connection->stream, &connection->out);
	before = connection->out.len;
	if (rule == NULL ||
	    (rule->reply != NULL && strcmp(rule->reply, "usual") == 0))
		say_usual(connection, command);
	else if (rule->reply != NULL)
		buf_add(&connection->out,
		    span_make(rule->reply,
			rule->len > 0 ? rule->len : strlen(rule->reply)));
	if (rule != NULL && rule->pace > 0)
		connection->pace = rule->pace;
	if (rule != NULL && rule->act == SCRIPT_DEAF)
		connection->deaf = true;
	else if (rule != NULL)
		connection->act = rule->act;
	return connection->out.len > before ? connection->out.data[before] : 0;
}

/*
 * To the final dot; LMTP answers once for each recipient that it took, and
 * the rules see ". RCPT TO:<...>".
 */
static char
answer_dot(struct connection *connection)
{
	struct span rest, rcpt;
	struct buf event;
	char digit = 0;

	if (!connection->hop->lmtp || connection->message == NULL)
		return answer(connection, SPAN("."));
	rest = buf_span(&connection->message->rcpts);
	buf_init(&event, BUFFER_MAX);
	while (rest.len > 0 && connection->act == SCRIPT_GO_ON &&
	    !connection->deaf) {
		rcpt = span_cut(&rest, '\n');
		buf_empty(&event);
		buf_addf(&event, ". %.*s", SPAN_ARG(rcpt));
		digit = answer(connection, buf_span(&event));
	}
	buf_clear(&event);
	return digit;
}

/* ---- what is heard ---- */

static void
command(struct connection *connection, struct span line)
{
	char digit;

	buf_add(&connection->hop->heard, line);
	buf_add_byte(&connection->hop->heard, '\n');
	digit = answer(connection, line);
	if (span_starts(line, SPAN("MAIL")) && digit == '2') {
		forget(connection);
		connection->message = scripted_message_new();
		buf_add(&connection->message->mail, line);
	} else if (span_starts(line, SPAN("RCPT")) && digit == '2' &&
	    connection->message != NULL) {
		buf_add(&connection->message->rcpts, line);
		buf_add_byte(&connection->message->rcpts, '\n');
	} else if (span_starts(line, SPAN("DATA"))) {
		connection->in_data = digit == '3';
		connection->body_seen = false;
		connection->searched = 0;
	} else if (span_starts(line, SPAN("RSET"))) {
		forget(connection);
	} else if (span_starts(line, SPAN("STARTTLS"))) {
		connection->tls_wanted = digit == '2';
	} else if (span_starts(line, SPAN("QUIT"))) {
		connection->quit = !connection->deaf;
	}
}

static bool
take_line(struct connection *connection)
{
	struct span all = buf_span(&connection->in);
	const char *end;

	if (all.len == 0)
		return false;
	end = memmem(all.data, all.len, "\r\n", 2);
	if (end == NULL)
		return false;
	command(connection, span_head(all, (size_t)(end - all.data)));
	buf_eat(&connection->in, (size_t)(end - all.data) + 2);
	return true;
}

/* What was looked through is not looked through again. */
static bool
find_dot(struct connection *connection, size_t *len)
{
	struct span all = buf_span(&connection->in);
	struct span rest = span_skip(all, connection->searched);
	const char *dot =
	    rest.len == 0 ? NULL : memmem(rest.data, rest.len, "\r\n.\r\n", 5);

	if (dot == NULL) {
		connection->searched = all.len < 4 ? 0 : all.len - 4;
		return false;
	}
	*len = (size_t)(dot - all.data) + 2;
	return true;
}

static bool
take_data(struct connection *connection)
{
	struct span all = buf_span(&connection->in);
	size_t len = 0;

	if (all.len > 0 && !connection->body_seen) {
		connection->body_seen = true;
		answer(connection, SPAN("body"));
	}
	if (!span_starts(all, SPAN(".\r\n")) && !find_dot(connection, &len))
		return false;
	buf_add(&connection->hop->heard, SPAN(".\n"));
	if (connection->message != NULL)
		keep(connection, span_head(all, len),
		    answer_dot(connection) == '2');
	else
		answer_dot(connection);
	connection->in_data = false;
	buf_eat(&connection->in, len + 3);
	return true;
}

static bool
stopped(const struct connection *connection)
{
	return connection->quit || connection->deaf || connection->tls_wanted ||
	    connection->act != SCRIPT_GO_ON;
}

static void
take_all(struct connection *connection)
{
	while (!stopped(connection) &&
	    (connection->in_data ? take_data(connection) :
				   take_line(connection)))
		;
}

/* ---- connections ---- */

/* Closes at once, with a RST. */
static void
connection_reset(struct connection *connection)
{
	struct linger linger = { .l_onoff = 1 };

	if (connection->stream == NULL)
		return;
	setsockopt(stream_fd(connection->stream), SOL_SOCKET, SO_LINGER,
	    &linger, sizeof(linger));
	stream_free(connection->stream);
	connection->stream = NULL;
}

static void
connection_reap(void *owner)
{
	struct connection *connection = owner;

	if (connection->act == SCRIPT_RESET)
		connection_reset(connection);
	stream_free(connection->stream);
	forget(connection);
	buf_clear(&connection->in);
	buf_clear(&connection->out);
	connection->hop->open--;
	if (connection->hop->latest == connection)
		connection->hop->latest = NULL;
	free(connection);
}

static void
end(struct connection *connection)
{
	loop_kill(connection->hop->loop, &connection->watch);
}

static enum io
write_some(struct connection *connection)
{
	struct buf one;
	enum io io;

	if (pace_of(connection) == 0)
		return stream_write(connection->stream, &connection->out);
	buf_init(&one, 1);
	buf_add(&one, span_head(buf_span(&connection->out), 1));
	io = stream_write(connection->stream, &one);
	if (one.len == 0 && connection->out.len > 0)
		buf_eat(&connection->out, 1);
	buf_clear(&one);
	return io;
}

static void
shake_hands(struct connection *connection)
{
	enum io io;

	if (!connection->shaking) {
		stream_tls_server(connection->stream, connection->hop->tls);
		connection->shaking = true;
	}
	io = stream_handshake(connection->stream);
	if (io == IO_OK) {
		connection->shaking = false;
		connection->tls_wanted = false;
	} else if (io != IO_WAIT) {
		end(connection);
	}
}

/* What is left to be done once the replies are out. */
static void
settle(struct connection *connection)
{
	if (connection->out.len > 0)
		return;
	connection->pace = 0;
	if (connection->quit || connection->act == SCRIPT_CLOSE ||
	    connection->act == SCRIPT_RESET)
		end(connection);
	else if (connection->tls_wanted && connection->hop->tls != NULL)
		shake_hands(connection);
}

static void
watch_for(struct connection *connection)
{
	struct watch *watch = &connection->watch;
	bool dribbling = pace_of(connection) > 0;

	watch->events = connection->deaf ? 0 : POLLIN;
	if (connection->in_data && connection->hop->sip > 0) {
		watch->events = 0;
		watch->deadline =
		    loop_now(connection->hop->loop) + connection->hop->sip_ms;
	}
	if (connection->shaking)
		watch->events = stream_wants(connection->stream);
	else if (connection->out.len > 0 && !dribbling)
		watch->events |= POLLOUT;
	if (connection->out.len > 0 && dribbling)
		watch->deadline =
		    loop_now(connection->hop->loop) + pace_of(connection) - 1;
}

/* Something else than TLS answers what should be a handshake. */
static void
take_handshake(struct connection *connection)
{
	if (!connection->tls_wanted || connection->hop->tls != NULL ||
	    connection->in.len == 0)
		return;
	buf_empty(&connection->in);
	answer(connection, SPAN("handshake"));
}

static void
connection_ready(void *owner, short revents)
{
	struct connection *connection = owner;
	bool more = false;
	enum io io = IO_WAIT;

	connection->watch.again = false;
	if ((revents & POLLIN) != 0 && !connection->shaking) {
		io = stream_read(connection->stream, &connection->in,
		    connection->in_data && connection->hop->sip > 0 ?
			connection->hop->sip :
			READ_BUDGET,
		    &more);
		connection->watch.again = more;
		if (io == IO_OK && !connection->in_data)
			connection->hop->reads++;
		take_handshake(connection);
		take_all(connection);
	}
	if (pace_of(connection) == 0)
		write_some(connection);
	settle(connection);
	if (io == IO_EOF || io == IO_ERROR)
		end(connection);
	if (!connection->watch.dead)
		watch_for(connection);
}

static void
connection_expired(void *owner)
{
	struct connection *connection = owner;

	if (connection->in_data && connection->hop->sip > 0)
		connection_ready(connection, POLLIN);
	else if (write_some(connection) == IO_ERROR)
		end(connection);
	settle(connection);
	if (!connection->watch.dead)
		watch_for(connection);
}

void
scripted_connection_new(struct scripted_hop *hop, int fd)
{
	struct connection *connection = xcalloc(1, sizeof(*connection));

	hop->connections++;
	hop->open++;
	hop->latest = connection;
	connection->hop = hop;
	connection->stream = stream_new(fd);
	buf_init(&connection->in, BUFFER_MAX);
	buf_init(&connection->out, BUFFER_MAX);
	watch_init(&connection->watch, fd, connection, connection_ready,
	    connection_expired, connection_reap);
	loop_add(hop->loop, &connection->watch);
	answer(connection, SPAN(""));
	connection_ready(connection, POLLOUT);
}

void
scripted_connection_strike(struct connection *connection, const char *text)
{
	give_up(connection != NULL);
	buf_add(&connection->out, span_of(text));
	stream_write(connection->stream, &connection->out);
	connection->act = SCRIPT_RESET;
	end(connection);
	connection_reset(connection);
}
