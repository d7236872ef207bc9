/*
 * wire - a client's end of a connection that never blocks.
 *
 * Job:     move bytes, in the clear or under TLS.
 * Called:  by the load of the benchmarks.
 * Owns:    the socket, its TLS session, and one set of credentials for all.
 * Never:   checks whom it talks to; waits.
 */
#include "tests/support/wire.h"

#include <sys/socket.h>

#include <netinet/tcp.h>

#include <assert.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <unistd.h>

void
wire_init(struct wire *wire)
{
	*wire = (struct wire){ .fd = -1 };
}

bool
wire_dial(struct wire *wire, struct in_addr from, uint16_t port)
{
	struct sockaddr_in us = { .sin_family = AF_INET, .sin_addr = from };
	struct sockaddr_in them = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	wire_init(wire);
	wire->fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (wire->fd == -1)
		return false;
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(wire->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
	    sizeof(on));
	return bind(wire->fd, (struct sockaddr *)&us, sizeof(us)) == 0 &&
	    (connect(wire->fd, (struct sockaddr *)&them, sizeof(them)) == 0 ||
		errno == EINPROGRESS);
}

void
wire_close(struct wire *wire)
{
	if (wire->tls != NULL)
		gnutls_deinit(wire->tls);
	if (wire->fd != -1)
		close(wire->fd);
	wire_init(wire);
}

static ssize_t
plain(ssize_t done)
{
	if (done == 0)
		return WIRE_END;
	if (done > 0)
		return done;
	return errno == EAGAIN || errno == EINTR || errno == EINPROGRESS ?
	    WIRE_WAIT :
	    WIRE_END;
}

static ssize_t
sealed(ssize_t done)
{
	if (done > 0)
		return done;
	return done == GNUTLS_E_AGAIN || done == GNUTLS_E_INTERRUPTED ?
	    WIRE_WAIT :
	    WIRE_END;
}

ssize_t
wire_read(struct wire *wire, char *into, size_t room)
{
	if (wire->tls != NULL)
		return sealed(gnutls_record_recv(wire->tls, into, room));
	return plain(recv(wire->fd, into, room, 0));
}

ssize_t
wire_write(struct wire *wire, const char *from, size_t len)
{
	if (wire->tls != NULL)
		return sealed(gnutls_record_send(wire->tls, from, len));
	return plain(send(wire->fd, from, len, MSG_NOSIGNAL));
}

bool
wire_pending(const struct wire *wire)
{
	return wire->tls != NULL && gnutls_record_check_pending(wire->tls) > 0;
}

/* The same for all sessions, made once. */
static gnutls_certificate_credentials_t
anybody(void)
{
	static gnutls_certificate_credentials_t made;

	if (made == NULL)
		assert(gnutls_certificate_allocate_credentials(&made) == 0);
	return made;
}

void
wire_start_tls(struct wire *wire)
{
	gnutls_init(&wire->tls,
	    GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(wire->tls);
	gnutls_credentials_set(wire->tls, GNUTLS_CRD_CERTIFICATE, anybody());
	gnutls_transport_set_int(wire->tls, wire->fd);
}

ssize_t
wire_handshake(struct wire *wire)
{
	int done = gnutls_handshake(wire->tls);

	if (done == GNUTLS_E_SUCCESS)
		return WIRE_OK;
	return gnutls_error_is_fatal(done) ? WIRE_END : WIRE_AGAIN;
}

bool
wire_is_tls(const struct wire *wire)
{
	return wire->tls != NULL;
}

short
wire_wants(const struct wire *wire)
{
	return gnutls_record_get_direction(wire->tls) == 0 ? POLLIN : POLLOUT;
}
