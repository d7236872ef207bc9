/*
 * dial - outgoing connections.
 *
 * Job:     begin a connection without waiting, and tell what became of it.
 * Called:  by the client's step CONNECT.
 * Owns:    nothing; the descriptor is the caller's.
 * Never:   blocks, and never looks a name up.
 */
#include "relayd/delivery/dial.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	/*
	 * Bytes that may wait in the kernel.  Without it a slow peer's socket
	 * takes megabytes, and then nothing more for longer than a block of
	 * content may take (RFC 5321 4.5.3.2.5): a steady peer would look
	 * dead.
	 */
	UNSENT_MAX = 128 << 10
};

/* Returns the length of what it wrote: v4 addresses are spoken to over v4. */
static socklen_t
fill_address(struct sockaddr_storage *address, const struct ip *ip,
    uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (ip_is_v4(ip)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, ip->bytes + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, ip->bytes, 16);
	return sizeof(*v6);
}

static bool
bind_local(int fd, const struct ip *to, const char *local_address)
{
	struct sockaddr_storage address;
	socklen_t len;
	struct ip ip;
	int on = 1;

	if (local_address == NULL || !ip_parse(span_of(local_address), &ip) ||
	    ip_is_v4(&ip) != ip_is_v4(to))
		return true;
	/* Else each source port would serve one connection only: ip(7). */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	len = fill_address(&address, &ip, 0);
	return bind(fd, (struct sockaddr *)&address, len) == 0;
}

/* Where nobody has room for us right now that is EAGAIN: unix(7). */
static int
begin_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int
begin_tcp(const struct host *host, const char *local_address)
{
	struct sockaddr_storage address;
	socklen_t len = fill_address(&address, &host->ip, host->port);
	int fd, error, unsent = UNSENT_MAX;

	fd = socket(address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	if (bind_local(fd, &host->ip, local_address) &&
	    (connect(fd, (struct sockaddr *)&address, len) == 0 ||
		errno == EINPROGRESS))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int
dial_begin(const struct host *host, const char *local_address)
{
	if (host->path[0] != '\0')
		return begin_unix(host->path);
	return begin_tcp(host, local_address);
}

enum dial_state
dial_state(int fd, int *error)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(*error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, &len) == -1)
		*error = errno;
	if (*error != 0)
		return DIAL_FAILED;
	len = sizeof(peer);
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		return DIAL_DONE;
	*error = errno;
	return *error == ENOTCONN ? DIAL_WAITING : DIAL_FAILED;
}
