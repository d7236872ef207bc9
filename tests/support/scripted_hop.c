/*
 * scripted_hop - a next hop that misbehaves on command.
 *
 * Job:     listen, and keep all that its connections were given.
 * Called:  by tests; by the loop of a test.
 * Owns:    its listener and what it heard.
 * Never:   uses a clock but the loop's.
 */
#include "tests/support/scripted_hop.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/scripted_connection.h"

enum {
	HEARD_MAX = 64 << 20,
};

static void
give_up(bool good)
{
	if (!good)
		abort();
}

static void
hop_ready(void *owner, short revents)
{
	struct scripted_hop *hop = owner;
	int fd;

	(void)revents;
	while ((fd = accept4(hop->watch.fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1)
		scripted_connection_new(hop, fd);
}

static void
hop_reap(void *owner)
{
	struct scripted_hop *hop = owner;

	close(hop->watch.fd);
}

struct scripted_hop *
scripted_hop_new(struct loop *loop)
{
	struct scripted_hop *hop = xcalloc(1, sizeof(*hop));
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(name);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	hop->offers = "PIPELINING,SIZE 1000000,8BITMIME,SMTPUTF8,DSN";
	hop->loop = loop;
	buf_init(&hop->heard, HEARD_MAX);
	give_up(fd != -1 &&
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	    listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, (struct sockaddr *)&name, &len) == 0);
	hop->port = ntohs(name.sin_port);
	watch_init(&hop->watch, fd, hop, hop_ready, NULL, hop_reap);
	hop->watch.events = POLLIN;
	loop_add(loop, &hop->watch);
	return hop;
}

void
scripted_hop_strike(struct scripted_hop *hop, const char *text)
{
	scripted_connection_strike(hop->latest, text);
}

void
scripted_hop_hide(struct scripted_hop *hop)
{
	loop_kill(hop->loop, &hop->watch);
}

void
scripted_hop_free(struct scripted_hop *hop)
{
	if (hop == NULL)
		return;
	while (hop->message_count > 0)
		scripted_message_clear(&hop->messages[--hop->message_count]);
	free(hop->messages);
	buf_clear(&hop->heard);
	free(hop);
}
