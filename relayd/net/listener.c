/*
 * listener - a listening socket.
 *
 * Job:     accept newcomers, a bounded number a turn, and hand each to the
 *          owner; say 421 to those for whom there is no descriptor.
 * Called:  by the loop; opened and rested by relayd/smtp.
 * Owns:    the listening socket and one spare descriptor.
 * Never:   spins: what cannot be accepted now rests a moment.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum {
	ACCEPT_MAX = 64, /* newcomers a turn */
	AWAY_MAX = 16,   /* of those who are sent away, before a rest */
	REST = 250,      /* milliseconds without polling, out of descriptors */
};

struct listener {
	struct watch watch;
	struct loop *loop;   /* borrowed */
	int spare;           /* /dev/null, given up to say 421; or -1 */
	bool adopted;        /* the socket is the service manager's too */
	bool resting;        /* the owner wants no newcomers */
	struct span refusal; /* borrowed; said when out of descriptors */
	void (*accepted)(void *owner, int fd, const struct sockaddr *peer,
	    socklen_t peer_len);
	void *owner; /* borrowed */
};

/* ---- opening ---- */

/* Fills in where; 0 when text is no address. */
static socklen_t
parse(const char *text, uint16_t port, struct sockaddr_storage *where)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)where;
	struct sockaddr_in *v4 = (struct sockaddr_in *)where;

	memset(where, 0, sizeof(*where));
	if (strcmp(text, "*") == 0)
		text = "::";
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	memset(where, 0, sizeof(*where));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	return 0;
}

/* A socket that listens at where, or -1 with errno. */
static int
open_socket(const struct sockaddr *where, socklen_t len, bool both_families)
{
	int error, fd, on = 1, v6_only = !both_families;

	fd = socket(where->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (where->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only,
		    sizeof(v6_only));
	if (bind(fd, where, len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
open_address(const char *address, uint16_t port)
{
	struct sockaddr_storage where;
	bool any = strcmp(address, "*") == 0;
	socklen_t len;
	int fd;

	len = parse(address, port, &where);
	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = open_socket((struct sockaddr *)&where, len, any);
	if (fd != -1 || !any ||
	    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	/* A host without v6. */
	len = parse("0.0.0.0", port, &where);
	return open_socket((struct sockaddr *)&where, len, false);
}

/* ---- accepting ---- */

static void
keep_spare(struct listener *listener)
{
	if (listener->spare == -1)
		listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Asks poll() for newcomers, or not. */
static void
listen_again(struct listener *listener)
{
	listener->watch.events = listener->resting ? 0 : POLLIN;
}

static void
rest(struct listener *listener)
{
	listener->watch.events = 0;
	listener->watch.deadline = loop_now(listener->loop) + REST;
}

/*
 * The spare descriptor is given up so that one newcomer can hear why it is
 * sent away (RFC 5321 3.8, 4.2.1).  False when nobody was there.
 */
static bool
send_away(struct listener *listener)
{
	int fd;

	close(listener->spare);
	listener->spare = -1;
	fd = accept4(listener->watch.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd != -1) {
		send(fd, listener->refusal.data, listener->refusal.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
	}
	keep_spare(listener);
	return fd != -1;
}

/* accept(2) says so even when nobody is there: then there is no need to rest. */
static void
out_of_descriptors(struct listener *listener)
{
	int i;

	for (i = 0; i < AWAY_MAX && listener->spare != -1; i++)
		if (!send_away(listener))
			break;
	if (i > 0 || listener->spare == -1)
		rest(listener);
}

/* Errors of a connection that ended before it was accepted: accept(2). */
static bool
is_of_newcomer(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPERM: /* a firewall rule */
	case EPROTO:
	case ENOPROTOOPT:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* Accepts one.  False when no other should be tried in this turn. */
static bool
accept_one(struct listener *listener)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int fd;

	fd = accept4(listener->watch.fd, (struct sockaddr *)&peer, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		listener->accepted(listener->owner, fd,
		    (const struct sockaddr *)&peer, len);
		return true;
	}
	if (is_of_newcomer(errno))
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	if (errno == EMFILE || errno == ENFILE)
		out_of_descriptors(listener);
	else
		rest(listener); /* ENOBUFS, ENOMEM */
	return false;
}

static void
listener_ready(void *owner, short revents)
{
	struct listener *listener = owner;
	int i;

	(void)revents;
	keep_spare(listener);
	for (i = 0; i < ACCEPT_MAX; i++)
		if (listener->watch.dead || listener->resting ||
		    !accept_one(listener))
			break;
}

static void
listener_expired(void *owner)
{
	struct listener *listener = owner;

	keep_spare(listener);
	listen_again(listener);
}

static void
listener_reap(void *owner)
{
	struct listener *listener = owner;

	close(listener->watch.fd);
	if (listener->spare != -1)
		close(listener->spare);
	free(listener);
}

/* ---- the header ---- */

struct listener *
listener_adopt(struct loop *loop, int fd,
    void (*accepted)(void *owner, int fd, const struct sockaddr *peer,
	socklen_t peer_len),
    void *owner)
{
	struct listener *listener = xcalloc(1, sizeof(*listener));
	int flags = fcntl(fd, F_GETFL);

	/* The passed-in socket may be a blocking one. */
	if (flags != -1)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	listener->loop = loop;
	listener->adopted = true;
	listener->spare = -1;
	listener->refusal =
	    SPAN("421 4.3.2 Too many connections, try again later\r\n");
	listener->accepted = accepted;
	listener->owner = owner;
	keep_spare(listener);
	watch_init(&listener->watch, fd, listener, listener_ready,
	    listener_expired, listener_reap);
	listen_again(listener);
	loop_add(loop, &listener->watch);
	return listener;
}

struct listener *
listener_open(struct loop *loop, const char *address, uint16_t port,
    void (*accepted)(void *owner, int fd, const struct sockaddr *peer,
	socklen_t peer_len),
    void *owner, struct buf *why)
{
	struct listener *listener;
	int fd = open_address(address, port);

	if (fd == -1) {
		buf_addf(why, "cannot listen on %s port %u: %s", address,
		    (unsigned)port, strerror(errno));
		return NULL;
	}
	listener = listener_adopt(loop, fd, accepted, owner);
	listener->adopted = false;
	return listener;
}

void
listener_refusal(struct listener *listener, struct span text)
{
	listener->refusal = text;
}

void
listener_rest(struct listener *listener, bool resting)
{
	listener->resting = resting;
	if (listener->watch.deadline == LOOP_NEVER)
		listen_again(listener);
}

uint16_t
listener_port(const struct listener *listener)
{
	struct sockaddr_storage where;
	socklen_t len = sizeof(where);

	if (getsockname(listener->watch.fd, (struct sockaddr *)&where, &len) ==
	    -1)
		return 0;
	if (where.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&where)->sin_port);
	if (where.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&where)->sin6_port);
	return 0;
}

void
listener_close(struct listener *listener)
{
	if (listener == NULL)
		return;
	/*
	 * The port is free from here on, though the descriptor closes with the
	 * turn: a reload may open it again.  The service manager's stays open.
	 */
	if (!listener->adopted && !listener->watch.dead)
		shutdown(listener->watch.fd, SHUT_RDWR);
	loop_kill(listener->loop, &listener->watch);
}
