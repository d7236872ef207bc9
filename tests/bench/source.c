/*
 * source - SMTP load: many sessions, one poll(2) loop, a latency for each
 * message.
 *
 * Job:     send messages for some seconds, finish what is in flight, print
 *          how many were accepted and how long that took, as one JSON line.
 * Called:  by bench.sh.
 * Owns:    its sessions and the latencies it has seen.
 * Never:   sends to anything but 127.0.0.1, or runs longer than its limit.
 */
#include <arpa/inet.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "tests/support/latencies.h"
#include "tests/support/load_text.h"
#include "tests/support/wire.h"

enum {
	SESSIONS_MAX = 2000,
	FAILURES_MAX = 10000, /* then something is wrong, not slow */
	SIZE_MAX_BYTES = 256 << 20,
	REPLY_MAX = 8192,
	OUT_MAX = 4096,
	POLL_MS = 50,
};

/* How long a server may take to greet, under the load and when it is over: then
 * the connection is taken for lost (a full backlog). */
#define GREETING_MAX  UINT64_C(5000000000)
#define GREETING_LAST UINT64_C(1000000000)

enum stage {
	CONNECT,
	BANNER,
	EHLO,
	STARTTLS,
	HANDSHAKE,
	MAIL,
	RCPT,
	DATA,
	DOT,
	QUIT,
	OVER,
};

/* Which reply each stage waits for. */
static const char wanted[] = {
	[BANNER] = '2',
	[EHLO] = '2',
	[STARTTLS] = '2',
	[MAIL] = '2',
	[RCPT] = '2',
	[DATA] = '3',
	[DOT] = '2',
	[QUIT] = '2',
};

struct session {
	struct wire wire;
	enum stage stage;
	unsigned sent;   /* messages over this connection */
	uint64_t called; /* the server, which greets */
	uint64_t began;  /* of the message: MAIL was sent */
	struct buf in;   /* replies */
	struct buf out;  /* commands */
	size_t body_at;  /* of the body; body_len when it is out */
	bool body;       /* the body is being sent */
};

static struct source {
	uint16_t port;
	unsigned per_connection;
	bool pipelined;
	bool tls; /* STARTTLS first */
	size_t count;
	struct session sessions[SESSIONS_MAX];
	struct pollfd polls[SESSIONS_MAX];
	char *text; /* owned: a body with its final dot */
	size_t text_len;
	const char *domain;
	struct in_addr from;         /* 0.0.0.0: whatever the kernel takes */
	uint64_t begin, stop, limit; /* nanoseconds, monotonic */
	uint64_t last;               /* the last 250 */
	uint64_t accepted, failures, failures_max;
} source;

static uint64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void
hang_up(struct session *session)
{
	wire_close(&session->wire);
	session->stage = CONNECT;
	session->body = false;
	buf_clear(&session->in);
	buf_clear(&session->out);
}

static void
fail(struct session *session)
{
	source.failures++;
	hang_up(session);
}

/* A connection that begins; done when it is writable or speaks. */
static void
call(struct session *session)
{
	if (now() >= source.stop || source.failures > source.failures_max) {
		session->stage = OVER;
		return;
	}
	buf_init(&session->in, REPLY_MAX);
	buf_init(&session->out, OUT_MAX);
	session->stage = BANNER;
	session->sent = 0;
	session->called = now();
	if (!wire_dial(&session->wire, source.from, source.port))
		fail(session);
}

/* ---- what is said ---- */

static void
say_mail(struct session *session)
{
	if (session->sent >= source.per_connection || now() >= source.stop) {
		buf_add(&session->out, SPAN("QUIT\r\n"));
		session->stage = QUIT;
		return;
	}
	session->began = now();
	session->stage = MAIL;
	buf_addf(&session->out, "MAIL FROM:<source@%s>\r\n", source.domain);
	if (source.pipelined)
		buf_addf(&session->out, "RCPT TO:<sink@%s>\r\nDATA\r\n",
		    source.domain);
}

static void
say_rcpt(struct session *session)
{
	session->stage = RCPT;
	if (!source.pipelined)
		buf_addf(&session->out, "RCPT TO:<sink@%s>\r\n", source.domain);
}

static void
say_data(struct session *session)
{
	session->stage = DATA;
	if (!source.pipelined)
		buf_add(&session->out, SPAN("DATA\r\n"));
}

static void
accepted(struct session *session)
{
	source.last = now();
	latencies_add(source.last - session->began);
	source.accepted++;
	session->sent++;
	say_mail(session);
}

static void
say_ehlo(struct session *session)
{
	buf_add(&session->out, SPAN("EHLO source.test\r\n"));
	session->stage = EHLO;
}

static void
say_starttls(struct session *session)
{
	buf_add(&session->out, SPAN("STARTTLS\r\n"));
	session->stage = STARTTLS;
}

/* A good reply was heard: what comes next. */
static void
advance(struct session *session)
{
	switch (session->stage) {
	case BANNER:
		say_ehlo(session);
		break;
	case EHLO:
		if (source.tls && !wire_is_tls(&session->wire))
			say_starttls(session);
		else
			say_mail(session);
		break;
	case STARTTLS:
		wire_start_tls(&session->wire);
		session->stage = HANDSHAKE;
		break;
	case MAIL:
		say_rcpt(session);
		break;
	case RCPT:
		say_data(session);
		break;
	case DATA:
		session->body = true;
		session->body_at = 0;
		session->stage = DOT;
		break;
	case DOT:
		accepted(session);
		break;
	case QUIT:
		hang_up(session);
		break;
	case CONNECT:
	case HANDSHAKE:
	case OVER:
		break;
	}
}

/* Takes whole reply lines; only the last line of a reply counts. */
static void
hear(struct session *session)
{
	struct span in;
	size_t at;

	for (;;) {
		in = buf_span(&session->in);
		at = span_find(in, '\n');
		if (at == in.len)
			return;
		if (at < 4 || in.data[0] != wanted[session->stage]) {
			fail(session);
			return;
		}
		if (in.data[3] != '-')
			advance(session);
		if (session->wire.fd == -1)
			return;
		buf_eat(&session->in, at + 1);
		if (session->stage == HANDSHAKE)
			return;
	}
}

/* ---- bytes ---- */

static void
read_some(struct session *session)
{
	size_t room;
	char *start = buf_room(&session->in, 1024, &room);
	ssize_t got;

	if (start == NULL) {
		fail(session);
		return;
	}
	got = wire_read(&session->wire, start, room);
	if (got == WIRE_END) {
		fail(session);
	} else if (got > 0) {
		buf_grew(&session->in, (size_t)got);
		hear(session);
	}
}

static bool
write_commands(struct session *session)
{
	struct span out = buf_span(&session->out);
	ssize_t sent;

	if (out.len == 0)
		return true;
	sent = wire_write(&session->wire, out.data, out.len);
	if (sent > 0)
		buf_eat(&session->out, (size_t)sent);
	return sent != WIRE_END;
}

static bool
write_body(struct session *session)
{
	ssize_t sent;

	if (!session->body || session->out.len > 0)
		return true;
	sent = wire_write(&session->wire, source.text + session->body_at,
	    source.text_len - session->body_at);
	if (sent == WIRE_END)
		return false;
	session->body_at += (size_t)sent;
	session->body = session->body_at < source.text_len;
	return true;
}

static bool
shake_hands(struct session *session)
{
	ssize_t done;

	if (session->stage != HANDSHAKE)
		return true;
	done = wire_handshake(&session->wire);
	if (done == WIRE_OK)
		say_ehlo(session);
	return done != WIRE_END;
}

static void
serve(struct session *session, short revents)
{
	if (!shake_hands(session)) {
		fail(session);
		return;
	}
	if (session->stage != HANDSHAKE &&
	    (revents & (POLLIN | POLLERR | POLLHUP)) != 0)
		do
			read_some(session);
		while (session->wire.fd != -1 && session->stage != HANDSHAKE &&
		    wire_pending(&session->wire));
	/* The client speaks first. */
	if (session->stage == HANDSHAKE && !shake_hands(session)) {
		fail(session);
		return;
	}
	if (session->wire.fd != -1 && session->stage != BANNER &&
	    (!write_commands(session) || !write_body(session)))
		fail(session);
}

static short
events_of(const struct session *session)
{
	if (session->stage == HANDSHAKE)
		return wire_wants(&session->wire);
	return (short)(session->out.len > 0 || session->body ?
		POLLIN | POLLOUT :
		POLLIN);
}

static bool
is_forgotten(const struct session *session)
{
	uint64_t time = now();

	return session->stage == BANNER &&
	    time >= session->called +
		(time < source.stop ? GREETING_MAX : GREETING_LAST);
}

/* Polls once; how many sessions are not over. */
static size_t
turn(void)
{
	size_t i, alive = 0;

	for (i = 0; i < source.count; i++) {
		if (is_forgotten(&source.sessions[i]))
			fail(&source.sessions[i]);
		if (source.sessions[i].stage == CONNECT)
			call(&source.sessions[i]);
		alive += source.sessions[i].stage != OVER;
		source.polls[i] = (struct pollfd){ source.sessions[i].wire.fd,
			events_of(&source.sessions[i]), 0 };
	}
	if (alive == 0 ||
	    (poll(source.polls, source.count, POLL_MS) == -1 && errno != EINTR))
		return alive;
	for (i = 0; i < source.count; i++)
		if (source.polls[i].revents != 0)
			serve(&source.sessions[i], source.polls[i].revents);
	return alive;
}

/* ---- the account ---- */

static void
report(void)
{
	printf("{\"accepted\":%" PRIu64 ",\"failures\":%" PRIu64
	       ",\"begin_ns\":%" PRIu64 ",\"last_ns\":%" PRIu64
	       ",\"p50_us\":%u,\"p99_us\":%u,\"max_us\":%u}\n",
	    source.accepted, source.failures, source.begin, source.last,
	    latencies_percentile(50), latencies_percentile(99),
	    latencies_percentile(100));
}

static int
usage(void)
{
	fputs(
	    "usage: source -p port [-s sessions] [-m messages per connection]\n"
	    "       [-l bytes] [-D seconds] [-d domain] [-P] [-T]\n"
	    "       [-a address] [-F]\n"
	    "  -a  the loopback address that it comes from\n"
	    "  -F  a flood: it goes on however often it is refused\n"
	    "  -P  MAIL, RCPT and DATA in one write (PIPELINING)\n"
	    "  -T  STARTTLS, with whoever answers\n",
	    stderr);
	return 2;
}

static bool
number(const char *text, uint64_t max, uint64_t *value)
{
	return span_number(span_of(text), max, value) && *value > 0;
}

static void
run(size_t size, uint64_t seconds)
{
	size_t i;

	source.text = load_text(size, &source.text_len);
	for (i = 0; i < source.count; i++)
		wire_init(&source.sessions[i].wire);
	source.begin = source.last = now();
	source.stop = source.begin + seconds * UINT64_C(1000000000);
	/* What is in flight may take a minute more. */
	source.limit = source.stop + UINT64_C(60000000000);
	while (turn() > 0 && now() < source.limit)
		;
	report();
	for (i = 0; i < source.count; i++)
		hang_up(&source.sessions[i]);
	free(source.text);
	latencies_free();
}

int
main(int argc, char *argv[])
{
	uint64_t port = 0, sessions = 20, per = 1, size = 10240, seconds = 2;
	bool good = true;
	int option;

	source.domain = "hosted.test";
	source.failures_max = FAILURES_MAX;
	while ((option = getopt(argc, argv, "p:s:m:l:D:d:PTa:F")) != -1) {
		if (option == 'p')
			good = number(optarg, UINT16_MAX, &port) && good;
		else if (option == 's')
			good = number(optarg, SESSIONS_MAX, &sessions) && good;
		else if (option == 'm')
			good = number(optarg, 1000000, &per) && good;
		else if (option == 'l')
			good =
			    number(optarg, SIZE_MAX_BYTES / 2, &size) && good;
		else if (option == 'D')
			good = number(optarg, 600, &seconds) && good;
		else if (option == 'd')
			source.domain = optarg;
		else if (option == 'P')
			source.pipelined = true;
		else if (option == 'T')
			source.tls = true;
		else if (option == 'a')
			good = inet_aton(optarg, &source.from) == 1 && good;
		else if (option == 'F')
			source.failures_max = UINT64_MAX;
		else
			return usage();
	}
	if (!good || port == 0 || optind != argc)
		return usage();
	source.port = (uint16_t)port;
	source.count = sessions;
	source.per_connection = (unsigned)per;
	run(size, seconds);
	return source.failures > source.failures_max ? EXIT_FAILURE :
						       EXIT_SUCCESS;
}
