/*
 * hop_server - a next hop on a socket.
 *
 * Job:     accept connections, move bytes between them and their sessions.
 * Called:  by sink.c for `make run` and the bench, by hop.c in the tests.
 * Owns:    the listening socket and every connection.
 * Never:   knows what the bytes mean.
 */
#include "tests/support/hop_server.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum {
	CONNECTIONS_MAX = 4000,
	OUT_MAX = 4 << 20,
	READ_SIZE = 256 * 1024,
	FIXED =
	    2, /* slots of polls before the connections: control, listener */
};

struct connection {
	int fd;
	bool closing; /* what out holds is the last */
	struct buf out;
	struct hop_session session;
};

struct hop_server {
	int fd;
	struct hop_events events;
	size_t count;
	struct connection *connections[CONNECTIONS_MAX];
	struct pollfd polls[CONNECTIONS_MAX + FIXED];
	char bytes[READ_SIZE];
};

static int
listen_on(const char *address, uint16_t port, struct buf *why)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd, on = 1;

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1) {
		buf_addf(why, "%s is not an IPv4 address", address);
		return -1;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		buf_addf(why, "socket: %s", strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    listen(fd, SOMAXCONN) == -1) {
		buf_addf(why, "%s:%u: %s", address, port, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

struct hop_server *
hop_server_new(const char *address, uint16_t port,
    const struct hop_events *events, struct buf *why)
{
	struct hop_server *server;
	int fd = listen_on(address, port, why);

	if (fd == -1)
		return NULL;
	server = xcalloc(1, sizeof(*server));
	server->fd = fd;
	server->events = *events;
	return server;
}

uint16_t
hop_server_port(const struct hop_server *server)
{
	struct sockaddr_in name = { .sin_port = 0 };
	socklen_t len = sizeof(name);

	if (getsockname(server->fd, (struct sockaddr *)&name, &len) == -1)
		return 0;
	return ntohs(name.sin_port);
}

static void
connection_free(struct connection *connection)
{
	close(connection->fd);
	hop_session_clear(&connection->session);
	buf_clear(&connection->out);
	free(connection);
}

/* False when the peer has gone. */
static bool
fill(struct hop_server *server, struct connection *connection)
{
	ssize_t got;

	got = recv(connection->fd, server->bytes, sizeof(server->bytes), 0);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR;
	if (got == 0)
		return false;
	if (!hop_session_feed(&connection->session,
		span_make(server->bytes, (size_t)got), &connection->out))
		connection->closing = true;
	return true;
}

/* False when all is said and the connection is to close, or is broken. */
static bool
flush(struct connection *connection)
{
	struct span out = buf_span(&connection->out);
	ssize_t sent;

	if (out.len > 0) {
		sent = send(connection->fd, out.data, out.len, MSG_NOSIGNAL);
		if (sent == -1)
			return errno == EAGAIN || errno == EINTR;
		buf_eat(&connection->out, (size_t)sent);
	}
	return !connection->closing || connection->out.len > 0;
}

static void
accept_all(struct hop_server *server)
{
	struct connection *connection;
	int fd, on = 1;

	while (server->count < CONNECTIONS_MAX) {
		fd = accept4(server->fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		connection = xcalloc(1, sizeof(*connection));
		connection->fd = fd;
		buf_init(&connection->out, OUT_MAX);
		hop_session_init(&connection->session, &server->events,
		    &connection->out);
		connection->closing = connection->session.gone;
		if (flush(connection))
			server->connections[server->count++] = connection;
		else
			connection_free(connection);
	}
}

static bool
serve(struct hop_server *server, struct connection *connection, short revents)
{
	if (revents != 0 && !connection->closing && !fill(server, connection))
		return false;
	return flush(connection);
}

static nfds_t
collect(struct hop_server *server, int control_fd)
{
	struct connection *connection;
	size_t i;

	server->polls[0] = (struct pollfd){ control_fd, POLLIN, 0 };
	server->polls[1] = (struct pollfd){ server->fd, POLLIN, 0 };
	if (server->count == CONNECTIONS_MAX)
		server->polls[1].fd = -1;
	for (i = 0; i < server->count; i++) {
		connection = server->connections[i];
		server->polls[FIXED + i] = (struct pollfd){ connection->fd,
			connection->out.len > 0 ? POLLOUT : POLLIN, 0 };
	}
	return FIXED + server->count;
}

/* From the back, so that the last may take the place of one that ends. */
static void
serve_all(struct hop_server *server)
{
	size_t i;

	for (i = server->count; i-- > 0;) {
		if (serve(server, server->connections[i],
			server->polls[FIXED + i].revents))
			continue;
		connection_free(server->connections[i]);
		server->connections[i] = server->connections[--server->count];
	}
}

void
hop_server_run(struct hop_server *server, int control_fd,
    bool (*stop)(void *owner), void *owner)
{
	nfds_t count;

	for (;;) {
		count = collect(server, control_fd);
		if (poll(server->polls, count, -1) == -1 && errno != EINTR)
			return;
		if (server->polls[0].revents != 0 && stop(owner))
			return;
		serve_all(server);
		if (server->polls[1].revents != 0)
			accept_all(server);
	}
}

void
hop_server_free(struct hop_server *server)
{
	if (server == NULL)
		return;
	while (server->count > 0)
		connection_free(server->connections[--server->count]);
	close(server->fd);
	free(server);
}
