/*
 * conn - the socket of one client.
 *
 * Job:     carry bytes between a stream and a session, watch the clock, and
 *          end the connection in the order that lets the last reply arrive.
 * Called:  by the loop; by the server for a new client; by the session when
 *          the disk has answered.
 * Owns:    the stream, the session, the input that is not yet used.
 * Never:   looks into what it carries; keeps a buffer while idle.
 */
#include "relayd/smtp/conn.h"

#include <poll.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "relayd/admin/log.h"
#include "relayd/net/stream.h"
#include "relayd/smtp/session.h"

enum {
	IN_MAX = 32 << 10,      /* bytes; many times a command line */
	READ_BUDGET = 64 << 10, /* bytes a turn */
	HANDSHAKE_SECONDS = 60,
	LINGER_SECONDS = 2,
	LINGER_BYTES = 256 << 10,
	LAST_WORDS_SECONDS = 10, /* to take the last reply */
};

enum stage {
	STAGE_HANDSHAKE,
	STAGE_TALK,
	STAGE_LINGER, /* all is said; what still comes is thrown away */
};

struct conn {
	struct watch watch;
	LIST_ENTRY(conn) link;
	struct conns *conns;       /* borrowed */
	struct endpoint *endpoint; /* borrowed; NULL once it is closed */
	struct stream *stream;     /* owned */
	struct session *session;   /* owned */
	struct buf in;
	struct limits_place place;
	enum stage stage;
	bool implicit;     /* TLS before the banner */
	bool ended;        /* let go; the loop will reap it */
	bool more;         /* input that poll() cannot see */
	bool unfed;        /* the session was not asked about in yet */
	uint64_t progress; /* of the session, when the deadline was set */
	size_t lingered;   /* bytes thrown away */
};

void
conns_init(struct conns *conns, struct loop *loop, struct service *service,
    uint64_t seed)
{
	*conns = (struct conns){ .loop = loop, .service = service };
	LIST_INIT(&conns->list);
	shares_init(&conns->shares, seed);
}

static void
set_deadline(struct conn *conn, unsigned seconds)
{
	conn->watch.deadline =
	    loop_now(conn->conns->loop) + (uint64_t)seconds * 1000;
}

/* The end: what is not written by now is not written. */
static void
end(struct conn *conn, const char *why)
{
	if (conn->ended)
		return;
	conn->ended = true;
	session_gone(conn->session, why);
	limits_disconnect(conn->conns->service->limits, &conn->place);
	loop_kill(conn->conns->loop, &conn->watch);
}

static void
reap(void *owner)
{
	struct conn *conn = owner;
	struct conns *conns = conn->conns;

	if (!conn->ended) { /* the loop itself ends */
		session_gone(conn->session, "shutdown");
		limits_disconnect(conns->service->limits, &conn->place);
	}
	LIST_REMOVE(conn, link);
	conns->count--;
	stream_free(conn->stream);
	session_free(conn->session);
	buf_clear(&conn->in);
	free(conn);
	if (conns->count == 0 && conns->none_left != NULL)
		conns->none_left(conns->owner);
}

/* False: out is not empty yet, or the connection is gone. */
static bool
flush(struct conn *conn)
{
	struct buf *out = session_out(conn->session);
	enum io io;

	if (out->len == 0)
		return true;
	io = stream_write(conn->stream, out);
	if (io == IO_OK)
		return true;
	if (io != IO_WAIT)
		end(conn, "lost");
	return false;
}

/*
 * Half-closes and reads on for a moment: closing a socket with unread input
 * makes a reset of it, which may overtake the reply (RFC 1122 4.2.2.13).
 */
static void
linger(struct conn *conn)
{
	conn->stage = STAGE_LINGER;
	stream_shutdown(conn->stream);
	buf_empty(&conn->in);
	conn->watch.events = POLLIN;
	conn->watch.again = conn->more;
	set_deadline(conn, LINGER_SECONDS);
}

static void
start_tls(struct conn *conn)
{
	conn->stage = STAGE_HANDSHAKE;
	conn->more = false;
	buf_clear(&conn->in);
	stream_tls_server(conn->stream, conn->endpoint->tls);
	conn->watch.events = POLLIN;
	conn->watch.again = false;
	set_deadline(conn, HANDSHAKE_SECONDS);
}

/* All is written: what now? */
static void
follow_wish(struct conn *conn)
{
	switch (session_wish(conn->session)) {
	case SESSION_READ:
	case SESSION_WRITE: /* nothing is left to write */
		conn->watch.events = POLLIN;
		conn->watch.again = conn->more || conn->unfed;
		return;
	case SESSION_WAIT:
		conn->watch.events = 0;
		conn->watch.again = false;
		return;
	case SESSION_TLS:
		if (conn->endpoint == NULL || conn->endpoint->tls == NULL)
			end(conn, "listener closed");
		else
			start_tls(conn);
		return;
	case SESSION_CLOSE:
		end(conn, "closed");
		return;
	case SESSION_CUT:
		linger(conn);
		return;
	}
}

/* A new deadline, if the client has got something done since the last. */
static void
renew_deadline(struct conn *conn)
{
	enum session_wish wish = session_wish(conn->session);

	if (wish == SESSION_CLOSE || wish == SESSION_CUT) {
		set_deadline(conn, LAST_WORDS_SECONDS);
	} else if (conn->progress != session_progress(conn->session) ||
	    conn->watch.deadline == LOOP_NEVER) {
		conn->progress = session_progress(conn->session);
		set_deadline(conn, session_seconds(conn->session));
	}
}

/* Writes what there is, then waits for the right thing. */
static void
settle(struct conn *conn)
{
	bool written = flush(conn);

	if (conn->ended)
		return;
	renew_deadline(conn);
	if (written) {
		follow_wish(conn);
	} else {
		/* Whoever does not read is not read from. */
		conn->watch.events = stream_wants(conn->stream);
		conn->watch.again = false;
	}
	buf_release(&conn->in);
	buf_release(session_out(conn->session));
}

/*
 * Lets the session work on in, as often as its replies find room.  Where they
 * do not, whole commands may stay behind, and no new byte need ever come to
 * bring us back to them (RFC 2920 3.2): they are fed once the replies left.
 */
static void
feed(struct conn *conn)
{
	size_t before;
	bool room = true;

	do {
		before = conn->in.len;
		session_feed(conn->session, &conn->in);
		room = flush(conn);
	} while (room && conn->in.len > 0 && conn->in.len < before &&
	    session_wish(conn->session) == SESSION_READ);
	conn->unfed = !room && conn->in.len > 0;
}

static void
talk(struct conn *conn)
{
	enum io io = IO_OK;

	if (!flush(conn)) {
		if (!conn->ended)
			settle(conn);
		return;
	}
	if (session_wish(conn->session) == SESSION_READ && !conn->unfed)
		io = stream_read(conn->stream, &conn->in, READ_BUDGET,
		    &conn->more);
	if (io == IO_EOF || io == IO_ERROR) {
		end(conn, io == IO_EOF ? "closed" : "lost");
		return;
	}
	if (io == IO_OK)
		feed(conn);
	if (!conn->ended)
		settle(conn);
	if (io == IO_WAIT && !conn->ended && conn->stage == STAGE_TALK &&
	    conn->watch.events != 0)
		conn->watch.events = stream_wants(conn->stream);
}

static void
handshake_failed(struct conn *conn, const char *why)
{
	char client[IP_TEXT_MAX];
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "tls-failed");
	log_text(&line, "session", session_id(conn->session));
	log_text(&line, "client", ip_text(&conn->place.client, client));
	log_text(&line, "why", why);
	log_end(&line);
	end(conn, "tls-failed");
}

static void
handshake(struct conn *conn)
{
	struct tls_facts facts;

	switch (stream_handshake(conn->stream)) {
	case IO_WAIT:
		conn->watch.events = stream_wants(conn->stream);
		return;
	case IO_EOF:
		handshake_failed(conn, "the client hung up");
		return;
	case IO_ERROR:
		handshake_failed(conn, stream_error(conn->stream));
		return;
	case IO_OK:
		break;
	}
	stream_tls_facts(conn->stream, &facts);
	session_secured(conn->session, &facts);
	if (conn->implicit)
		session_start(conn->session);
	conn->stage = STAGE_TALK;
	conn->more = true; /* records may have come with the last message */
	settle(conn);
}

static void
throw_away(struct conn *conn)
{
	enum io io =
	    stream_read(conn->stream, &conn->in, READ_BUDGET, &conn->more);

	conn->lingered += conn->in.len;
	buf_empty(&conn->in);
	conn->watch.again = conn->more;
	if (io == IO_EOF || io == IO_ERROR || conn->lingered > LINGER_BYTES)
		end(conn, "closed");
}

static void
ready(void *owner, short revents)
{
	struct conn *conn = owner;
	struct loop *loop = conn->conns->loop;

	(void)revents; /* the read or write tells what happened */
	if (!shares_take(&conn->conns->shares, &conn->place.client,
		loop_turns(loop), loop_now(loop))) {
		conn->watch.put_off = true;
		return;
	}
	switch (conn->stage) {
	case STAGE_HANDSHAKE:
		handshake(conn);
		return;
	case STAGE_TALK:
		talk(conn);
		return;
	case STAGE_LINGER:
		throw_away(conn);
		return;
	}
}

static void
expired(void *owner)
{
	struct conn *conn = owner;
	enum session_wish wish = session_wish(conn->session);

	if (conn->stage == STAGE_HANDSHAKE) {
		handshake_failed(conn, "time-out");
		return;
	}
	if (conn->stage == STAGE_LINGER || wish == SESSION_CLOSE ||
	    wish == SESSION_CUT) {
		end(conn, "closed");
		return;
	}
	session_expired(conn->session);
	settle(conn);
}

/*
 * The disk has answered.  The reply leaves now; commands behind it wait for
 * the next turn, since this runs inside the spool.
 */
static void
wake(void *owner)
{
	struct conn *conn = owner;

	conn->unfed = conn->in.len > 0;
	settle(conn);
}

void
conn_open(struct conns *conns, struct endpoint *endpoint, int fd,
    const struct limits_place *place)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));
	struct session_peer peer = {
		.ip = place->client,
		.accept_bare_lf = endpoint->accept_bare_lf,
		.starttls = endpoint->mode == LISTEN_TLS_STARTTLS,
	};

	conn->conns = conns;
	conn->endpoint = endpoint;
	conn->place = *place;
	conn->stream = stream_new(fd);
	conn->session = session_new(conns->service, &peer, wake, conn);
	conn->stage = STAGE_TALK;
	buf_init(&conn->in, IN_MAX);
	watch_init(&conn->watch, fd, conn, ready, expired, reap);
	loop_add(conns->loop, &conn->watch);
	LIST_INSERT_HEAD(&conns->list, conn, link);
	conns->count++;
	conn->implicit = endpoint->mode == LISTEN_TLS_IMPLICIT;
	if (conn->implicit) {
		start_tls(conn);
		return;
	}
	session_start(conn->session);
	settle(conn);
}

void
conns_drain(struct conns *conns)
{
	struct conn *conn;

	LIST_FOREACH(conn, &conns->list, link) {
		if (conn->ended)
			continue;
		if (conn->stage == STAGE_HANDSHAKE) {
			end(conn, "shutdown");
		} else if (conn->stage == STAGE_TALK) {
			session_drain(conn->session);
			settle(conn);
		}
	}
}

void
conns_forget(struct conns *conns, const struct endpoint *endpoint)
{
	struct conn *conn;

	LIST_FOREACH(conn, &conns->list, link)
		if (conn->endpoint == endpoint)
			conn->endpoint = NULL;
}

void
conns_kill(struct conns *conns)
{
	struct conn *conn;

	LIST_FOREACH(conn, &conns->list, link)
		end(conn, "shutdown");
}
