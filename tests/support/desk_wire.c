/*
 * desk_wire - the receiving side in memory, behind a socket.
 *
 * Job:     carry bytes between a test and a session through conn.c and a
 *          stream, in the clear or under TLS.
 * Called:  by test_dialogs and test_session.
 * Owns:    the loop, both ends of the socket, the certificate.
 * Never:   blocks, nor waits for time to pass.
 */
#include "tests/support/desk_wire.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <check.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/net/stream.h"
#include "relayd/net/tls.h"
#include "relayd/smtp/conn.h"
#include "relayd/smtp/endpoint.h"
#include "tests/support/certs.h"
#include "tests/support/virtual_clock.h"

enum {
	OUT_MAX = 16 << 20,
	READ_BUDGET = 16 << 10,
	STILL = 3,          /* turns in which nothing happens: it is still */
	TURNS_MAX = 100000, /* until it must be */
	WALL = 1795421109,
};

#define BEGIN_TLS "220 2.0.0 begin TLS\r\n"

struct desk_wire {
	struct desk *desk; /* borrowed */
	struct ip ip;
	struct endpoint endpoint;
	struct virtual_clock clock;
	struct loop *loop;
	struct conns conns;
	struct tls_client *trust;
	struct stream *client; /* NULL before the first connection */
	bool over;
};

static void
commit(void *owner)
{
	struct desk_wire *wire = owner;

	spool_turn(desk_service(wire->desk)->spool);
}

static void
make_tls(struct desk_wire *wire)
{
	struct certs_wish wish = { .dns = "mail.campus.test" };
	struct certs *certs = certs_new();
	struct buf why;

	buf_init(&why, 4096);
	certs_issue(certs, "mx", &wish);
	wire->endpoint.tls = tls_server_new(certs_path(certs, "mx.pem"),
	    certs_path(certs, "mx.key"), NULL, &why);
	wire->trust = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	ck_assert_msg(why.len == 0, "%s", buf_text(&why));
	certs_free(certs);
	buf_clear(&why);
}

struct desk_wire *
desk_wire_new(struct desk *desk, const struct desk_options *options,
    enum listen_tls mode)
{
	struct desk_wire *wire = xcalloc(1, sizeof(*wire));

	wire->desk = desk;
	ck_assert(ip_parse(span_of(options->client == NULL ? "192.0.2.1" :
							     options->client),
	    &wire->ip));
	wire->endpoint.mode = mode;
	wire->endpoint.accept_bare_lf = options->accept_bare_lf;
	if (mode != LISTEN_TLS_OFF)
		make_tls(wire);
	virtual_clock_init(&wire->clock, WALL);
	wire->loop = virtual_clock_loop(&wire->clock);
	loop_each_turn(wire->loop, commit, wire);
	conns_init(&wire->conns, wire->loop, desk_service(desk), 1);
	return wire;
}

void
desk_wire_hang_up(struct desk_wire *wire)
{
	conns_kill(&wire->conns);
	loop_turn(wire->loop, false);
	ck_assert_uint_eq(wire->conns.count, 0);
	stream_free(wire->client);
	wire->client = NULL;
}

void
desk_wire_free(struct desk_wire *wire)
{
	if (wire == NULL)
		return;
	desk_wire_hang_up(wire);
	loop_free(wire->loop);
	tls_server_free(wire->endpoint.tls);
	tls_client_free(wire->trust);
	free(wire);
}

static void
shake_hands(struct desk_wire *wire)
{
	struct tls_expect expect = { .verify = false };
	enum io io = IO_WAIT;
	int turns;

	stream_tls_client(wire->client, wire->trust, &expect);
	for (turns = 0; turns < TURNS_MAX && io == IO_WAIT; turns++) {
		io = stream_handshake(wire->client);
		loop_turn(wire->loop, false);
	}
	ck_assert_int_eq(io, IO_OK);
}

void
desk_wire_connect(struct desk_wire *wire)
{
	struct service *service = desk_service(wire->desk);
	struct limits_place place;
	int ends[2];

	desk_wire_hang_up(wire);
	desk_connect(wire->desk);
	service->next_id = 1; /* as the session that is there in memory */
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     ends),
	    0);
	limits_connect(service->limits, &service->conf->limits, &wire->ip,
	    &place);
	conn_open(&wire->conns, &wire->endpoint, ends[0], &place);
	wire->client = stream_new(ends[1]);
	wire->over = false;
	if (wire->endpoint.mode == LISTEN_TLS_IMPLICIT)
		shake_hands(wire);
}

void
desk_wire_send(struct desk_wire *wire, struct span bytes)
{
	enum io io = IO_WAIT;
	struct buf out;

	buf_init(&out, OUT_MAX);
	buf_add(&out, bytes);
	while (!wire->over && io == IO_WAIT) {
		io = stream_write(wire->client, &out);
		loop_turn(wire->loop, false);
	}
	buf_clear(&out);
}

/* Bytes that the server has not read yet. */
static bool
on_their_way(const struct desk_wire *wire)
{
	int bytes = 0;

	return !wire->over &&
	    ioctl(stream_fd(wire->client), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

/* True when something came. */
static bool
hear(struct desk_wire *wire, struct buf *out)
{
	size_t before = out->len;
	bool more;
	enum io io;

	if (wire->over)
		return false;
	io = stream_read(wire->client, out, READ_BUDGET, &more);
	wire->over = io == IO_EOF || io == IO_ERROR;
	if (!stream_is_tls(wire->client) && out->len > before &&
	    span_ends(buf_span(out), SPAN(BEGIN_TLS)))
		shake_hands(wire);
	return wire->over || out->len > before;
}

bool
desk_wire_receive(struct desk_wire *wire, struct buf *out)
{
	int turns, still = 0;

	for (turns = 0; turns < TURNS_MAX && still < STILL; turns++) {
		loop_turn(wire->loop, false);
		if (hear(wire, out) || on_their_way(wire))
			still = 0;
		else
			still++;
	}
	ck_assert_int_eq(still, STILL);
	return !wire->over;
}
