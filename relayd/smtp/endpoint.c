/*
 * endpoint - where clients may connect, and under which terms.
 *
 * Job:     turn an entry of listen[] into a listening socket with options.
 * Called:  by smtp_server.c at start and reload.
 * Owns:    the listener and the certificate.
 * Never:   knows the connections that came in by it.
 */
#include "relayd/smtp/endpoint.h"

#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/ip.h"
#include "relayd/net/listener.h"
#include "relayd/net/tls.h"

struct endpoint *
endpoint_new(const struct conf *conf, const struct conf_listen *listen,
    struct buf *why)
{
	struct endpoint *endpoint = xcalloc(1, sizeof(*endpoint));
	const char *priority = listen->priority;

	endpoint->address = xstrdup(listen->address);
	endpoint->port = listen->port;
	endpoint->mode = listen->tls;
	endpoint->accept_bare_lf = listen->accept_bare_lf;
	if (endpoint->mode == LISTEN_TLS_OFF)
		return endpoint;
	if (conf->tls.certificate == NULL) {
		buf_addf(why, "%s port %u: TLS without a certificate",
		    endpoint->address, (unsigned)endpoint->port);
		endpoint_free(endpoint);
		return NULL;
	}
	if (priority == NULL)
		priority = conf->tls.priority;
	endpoint->tls =
	    tls_server_new(conf->tls.certificate, conf->tls.key, priority, why);
	if (endpoint->tls == NULL) {
		endpoint_free(endpoint);
		return NULL;
	}
	return endpoint;
}

static void
accepted(void *owner, int fd, const struct sockaddr *peer, socklen_t peer_len)
{
	struct endpoint *endpoint = owner;

	endpoint->accepted(endpoint, fd, peer, peer_len);
}

/* Out of descriptors: where TLS begins at once, nothing is said in the clear. */
static void
set_refusal(struct endpoint *endpoint)
{
	if (endpoint->mode == LISTEN_TLS_IMPLICIT)
		listener_refusal(endpoint->listener, SPAN(""));
}

/*
 * A socket that others reach, passed in for an entry that only this machine
 * was to reach: that is no mistake to serve with.
 */
static bool
reaches_too_far(const struct endpoint *endpoint, int passed, struct buf *why)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	char text[IP_TEXT_MAX];
	struct ip wanted, ip;

	if (!ip_parse(span_of(endpoint->address), &wanted) ||
	    !ip_is_loopback(&wanted) ||
	    getsockname(passed, (struct sockaddr *)&bound, &len) == -1 ||
	    !ip_from_sockaddr((struct sockaddr *)&bound, &ip) ||
	    ip_is_loopback(&ip))
		return false;
	buf_addf(why,
	    "listen has %s port %u, and the socket passed in for it is at %s, "
	    "where others reach it; expected one ListenStream for each entry, "
	    "in the same order",
	    endpoint->address, (unsigned)endpoint->port, ip_text(&ip, text));
	return true;
}

bool
endpoint_open(struct endpoint *endpoint, struct loop *loop, int passed,
    struct buf *why)
{
	assert(endpoint->listener == NULL);
	if (passed != -1 && reaches_too_far(endpoint, passed, why))
		return false;
	if (passed != -1)
		endpoint->listener =
		    listener_adopt(loop, passed, accepted, endpoint);
	else
		endpoint->listener = listener_open(loop, endpoint->address,
		    endpoint->port, accepted, endpoint, why);
	if (endpoint->listener == NULL)
		return false;
	set_refusal(endpoint);
	return true;
}

bool
endpoint_same_place(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && strcmp(a->address, b->address) == 0;
}

void
endpoint_take_options(struct endpoint *endpoint, struct endpoint *newer)
{
	endpoint->mode = newer->mode;
	endpoint->accept_bare_lf = newer->accept_bare_lf;
	/* Streams that use the old one keep it alive. */
	if (endpoint->tls != NULL)
		tls_server_free(endpoint->tls);
	endpoint->tls = newer->tls;
	newer->tls = NULL;
	set_refusal(endpoint);
}

void
endpoint_free(struct endpoint *endpoint)
{
	if (endpoint == NULL)
		return;
	if (endpoint->listener != NULL)
		listener_close(endpoint->listener);
	if (endpoint->tls != NULL)
		tls_server_free(endpoint->tls);
	free(endpoint->address);
	free(endpoint);
}
