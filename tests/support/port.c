/*
 * port - ports for servers that are told theirs before they start.
 *
 * Job:     find a free port and keep it from being given to another.
 * Called:  by daemon.c, hop.c and tests that start other people's servers.
 * Owns:    nothing; the caller closes the reservation.
 * Never:   listens.
 */
#include "tests/support/port.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>

uint16_t
port_reserve(int *reserved)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int on = 1;

	*reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*reserved == -1 ||
	    setsockopt(*reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ==
		-1 ||
	    bind(*reserved, (struct sockaddr *)&name, sizeof(name)) == -1 ||
	    getsockname(*reserved, (struct sockaddr *)&name, &len) == -1) {
		perror("port");
		abort();
	}
	return ntohs(name.sin_port);
}
