/*
 * idle - clients that connect, say EHLO and then nothing.
 *
 * Job:     hold so many of them, print "ready" when all were answered, and
 *          end when stdin does.
 * Called:  by others.sh.
 * Owns:    their sockets.
 * Never:   connects to anything but 127.0.0.1.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/span.h"

enum {
	MAX = 60000,
	NEARBY = 200, /* source addresses */
	REPLY = 4096,
};

/* A descriptor each, and some. */
static void
make_room(uint64_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		err(1, "setrlimit");
	if (limit.rlim_cur < count + 16)
		errx(1, "%ju descriptors are not enough",
		    (uintmax_t)limit.rlim_cur);
}

static void
hear(int fd, const char *what)
{
	char reply[REPLY];
	ssize_t got = recv(fd, reply, sizeof(reply), 0);

	if (got < 3 || reply[0] != '2')
		errx(1, "no good answer to %s: %.*s", what,
		    got > 0 ? (int)got : 0, reply);
}

static void
connect_one(uint16_t port, uint64_t index)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK + 1 + (uint32_t)(index % NEARBY)) };
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char ehlo[] = "EHLO idle.test\r\n";

	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) == -1 ||
	    connect(fd, (struct sockaddr *)&name, sizeof(name)) == -1)
		err(1, "connection %ju", (uintmax_t)index);
	hear(fd, "the connection");
	if (send(fd, ehlo, sizeof(ehlo) - 1, MSG_NOSIGNAL) == -1)
		err(1, "send");
	hear(fd, "EHLO");
}

int
main(int argc, char *argv[])
{
	uint64_t port, count, i;
	char byte;

	if (argc != 3 || !span_number(span_of(argv[1]), UINT16_MAX, &port) ||
	    !span_number(span_of(argv[2]), MAX, &count))
		errx(2, "usage: idle port count");
	make_room(count);
	for (i = 0; i < count; i++)
		connect_one((uint16_t)port, i);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return EXIT_SUCCESS;
}
