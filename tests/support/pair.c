/*
 * pair - two connected streams for tests.
 *
 * Job:     make them, wait for them, shake hands between them.
 * Called:  by tests of streams and TLS.
 * Owns:    both streams until they are closed.
 * Never:   waits without an end.
 */
#include "tests/support/pair.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "relayd/net/tls.h"
#include "tests/support/certs.h"

enum {
	ROUNDS = 1000
};

static void
unblock(int fd)
{
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

static void
connect_sockets(int ends[2], int buffer)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(here);
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_ne(listening, -1);
	if (buffer > 0)
		setsockopt(listening, SOL_SOCKET, SO_RCVBUF, &buffer,
		    sizeof(buffer));
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&here, len), 0);
	ck_assert_int_eq(listen(listening, 1), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&here, &len),
	    0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ne(ends[0], -1);
	if (buffer > 0)
		setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &buffer,
		    sizeof(buffer));
	ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&here, len), 0);
	ends[1] = accept(listening, NULL, NULL);
	ck_assert_int_ne(ends[1], -1);
	close(listening);
	unblock(ends[0]);
	unblock(ends[1]);
}

void
pair_sockets(int ends[2])
{
	connect_sockets(ends, 0);
}

static void
adopt(struct pair *pair, const int ends[2])
{
	memset(pair, 0, sizeof(*pair));
	pair->near = stream_new(ends[0]);
	pair->far = stream_new(ends[1]);
	pair->near_fd = ends[0];
	pair->far_fd = ends[1];
}

void
pair_open(struct pair *pair)
{
	int ends[2];

	connect_sockets(ends, 0);
	adopt(pair, ends);
}

void
pair_open_narrow(struct pair *pair)
{
	int ends[2];

	connect_sockets(ends, 4096);
	adopt(pair, ends);
}

static void
make_credentials(struct pair *pair)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct certs *certs = certs_new();
	struct buf why;

	buf_init(&why, 500);
	certs_issue(certs, "mx", &wish);
	pair->server = tls_server_new(certs_path(certs, "mx.pem"),
	    certs_path(certs, "mx.key"), NULL, &why);
	pair->client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	ck_assert_msg(why.len == 0, "%s", buf_text(&why));
	certs_free(certs);
	buf_clear(&why);
}

void
pair_cover(struct pair *pair)
{
	struct tls_expect expect = { .verify = false };
	enum io near, far;

	make_credentials(pair);
	stream_tls_client(pair->near, pair->client, &expect);
	stream_tls_server(pair->far, pair->server);
	pair_handshake(pair, &near, &far);
	ck_assert_int_eq(near, IO_OK);
	ck_assert_int_eq(far, IO_OK);
}

void
pair_close(struct pair *pair)
{
	stream_free(pair->near);
	stream_free(pair->far);
	tls_server_free(pair->server);
	tls_client_free(pair->client);
	memset(pair, 0, sizeof(*pair));
}

bool
pair_wait(int fd, short events)
{
	struct pollfd polled = { .fd = fd, .events = events };

	return poll(&polled, 1, PAIR_WAIT_MS) == 1;
}

void
pair_handshake(struct pair *pair, enum io *near, enum io *far)
{
	struct pollfd polled[2] = { { .fd = pair->near_fd },
		{ .fd = pair->far_fd } };
	int round;

	*near = *far = IO_WAIT;
	for (round = 0; round < ROUNDS; round++) {
		if (*near == IO_WAIT)
			*near = stream_handshake(pair->near);
		if (*far == IO_WAIT)
			*far = stream_handshake(pair->far);
		if (*near != IO_WAIT && *far != IO_WAIT)
			return;
		/* The peer of a failure will hear no more. */
		if (*near == IO_ERROR)
			stream_shutdown(pair->near);
		if (*far == IO_ERROR)
			stream_shutdown(pair->far);
		polled[0].events =
		    *near == IO_WAIT ? stream_wants(pair->near) : 0;
		polled[1].events =
		    *far == IO_WAIT ? stream_wants(pair->far) : 0;
		polled[0].fd = *near == IO_WAIT ? pair->near_fd : -1;
		polled[1].fd = *far == IO_WAIT ? pair->far_fd : -1;
		ck_assert_int_gt(poll(polled, 2, PAIR_WAIT_MS), 0);
	}
	ck_abort_msg("the handshake has no end");
}
