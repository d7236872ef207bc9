/*
 * dns_server - a DNS server that follows a script.
 *
 * Job:     answer questions of the resolver under test, well or badly.
 * Called:  by the loop.
 * Owns:    a UDP socket, a TCP one on the same port, and its connections.
 * Never:   talks to anybody but loopback.
 */
#include "tests/support/dns_server.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/dns_message.h"

enum {
	ASKED_MAX = 5000,
	MESSAGE_MAX = 65535,
	BIND_TRIES = 50,
};

struct asked {
	char name[256];
	unsigned type;
};

struct dns_server {
	struct watch udp;
	struct watch tcp;
	struct loop *loop;            /* borrowed */
	const struct dns_rule *rules; /* borrowed */
	struct asked *asked;          /* owned */
	size_t asked_count;
	int to_reap; /* watches */
	char address[32];
};

struct connection {
	struct watch watch;
	struct dns_server *server;
};

/* ---- questions ---- */

/* The question of a message, written down; NULL when it is none. */
static const struct asked *
note(struct dns_server *server, const unsigned char *message, size_t len)
{
	struct asked *asked = &server->asked[server->asked_count];
	size_t at = 12, used = 0, label;

	ck_assert_uint_lt(server->asked_count, ASKED_MAX);
	while (at < len && (label = message[at++]) > 0) {
		if (at + label > len || used + label + 1 > 255)
			return NULL;
		if (used > 0)
			asked->name[used++] = '.';
		memcpy(asked->name + used, message + at, label);
		used += label;
		at += label;
	}
	if (at + 4 > len)
		return NULL;
	asked->name[used] = '\0';
	asked->type = (unsigned)message[at] << 8 | message[at + 1];
	server->asked_count++;
	return asked;
}

static const struct dns_rule *
find(const struct dns_server *server, const struct asked *asked)
{
	static const struct dns_rule refuse = { .say = DNS_SAY_REFUSED };
	const struct dns_rule *rule;

	for (rule = server->rules; rule->name != NULL; rule++)
		if (strcmp(rule->name, asked->name) == 0 &&
		    (rule->type == 0 || rule->type == asked->type))
			return rule;
	return &refuse;
}

/* The RCODE that each word has; the rest are NOERROR. */
static unsigned
rcode_of(enum dns_say say)
{
	static const unsigned rcodes[] = {
		[DNS_SAY_NO_NAME] = DNS_RCODE_NXDOMAIN,
		[DNS_SAY_SERVFAIL] = DNS_RCODE_SERVFAIL,
		[DNS_SAY_REFUSED] = DNS_RCODE_REFUSED,
		[DNS_SAY_NOTIMP] = DNS_RCODE_NOTIMP,
		[DNS_SAY_FORMERR] = DNS_RCODE_FORMERR,
		[DNS_SAY_YXDOMAIN] = 6,
		[DNS_SAY_OTHER_ID] = 0,
	};

	return rcodes[say];
}

static bool
cut_short(enum dns_say say, bool tcp)
{
	return !tcp && (say == DNS_SAY_BY_TCP || say == DNS_SAY_CUT_SHORT);
}

/* Fills out; false for silence. */
static bool
answer(struct dns_server *server, const unsigned char *message, size_t len,
    bool tcp, struct buf *out)
{
	const struct asked *asked = note(server, message, len);
	const struct dns_rule *rule;
	uint16_t id;

	ck_assert_ptr_nonnull(asked);
	rule = find(server, asked);
	id = (uint16_t)(message[0] << 8 | message[1]);
	if (rule->say == DNS_SAY_OTHER_ID)
		id ^= 1;
	if (rule->say == DNS_SAY_NOTHING ||
	    (tcp && rule->say == DNS_SAY_CUT_SHORT))
		return false;
	dns_message_begin(out, id,
	    DNS_FLAGS_GOOD | rcode_of(rule->say) |
		(cut_short(rule->say, tcp) ? DNS_FLAG_TRUNCATED : 0),
	    asked->name, asked->type);
	if (rule->answer != NULL && !cut_short(rule->say, tcp))
		dns_message_add(out, DNS_ANSWER, rule->answer);
	if (rule->say == DNS_SAY_NO_DATA || rule->say == DNS_SAY_NO_NAME)
		dns_message_add(out, DNS_AUTHORITY, "test 60 SOA 60");
	if (rule->say == DNS_SAY_REFERRAL)
		dns_message_add(out, DNS_AUTHORITY, "test 60 NS ns.test");
	if (rule->say == DNS_SAY_GARBAGE)
		buf_cut(out, out->len - 3);
	return true;
}

static void
udp_ready(void *owner, short revents)
{
	struct dns_server *server = owner;
	unsigned char message[4096];
	struct sockaddr_in peer;
	socklen_t peer_len = sizeof(peer);
	struct buf out;
	ssize_t len;

	(void)revents;
	buf_init(&out, MESSAGE_MAX);
	while ((len = recvfrom(server->udp.fd, message, sizeof(message), 0,
		    (struct sockaddr *)&peer, &peer_len)) > 0)
		if (answer(server, message, (size_t)len, false, &out))
			sendto(server->udp.fd, out.data, out.len, 0,
			    (struct sockaddr *)&peer, peer_len);
	buf_clear(&out);
}

/* ---- TCP: one question a connection is enough ---- */

static void
connection_ready(void *owner, short revents)
{
	struct connection *connection = owner;
	unsigned char message[4096];
	unsigned char size[2];
	struct buf out;
	ssize_t len;

	(void)revents;
	buf_init(&out, MESSAGE_MAX);
	len = recv(connection->watch.fd, message, sizeof(message), 0);
	if (len > 2 &&
	    answer(connection->server, message + 2, (size_t)len - 2, true,
		&out)) {
		size[0] = (unsigned char)(out.len >> 8);
		size[1] = (unsigned char)out.len;
		send(connection->watch.fd, size, 2, MSG_NOSIGNAL | MSG_MORE);
		send(connection->watch.fd, out.data, out.len, MSG_NOSIGNAL);
	} else {
		loop_kill(connection->server->loop, &connection->watch);
	}
	buf_clear(&out);
}

static void
connection_reap(void *owner)
{
	struct connection *connection = owner;

	close(connection->watch.fd);
	free(connection);
}

static void
tcp_ready(void *owner, short revents)
{
	struct dns_server *server = owner;
	struct connection *connection;
	int fd;

	(void)revents;
	fd = accept4(server->tcp.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	connection = xcalloc(1, sizeof(*connection));
	connection->server = server;
	watch_init(&connection->watch, fd, connection, connection_ready, NULL,
	    connection_reap);
	connection->watch.events = POLLIN;
	loop_add(server->loop, &connection->watch);
}

/* ---- the server ---- */

static int
bind_socket(int type, uint16_t *port)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(here);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	if (bind(fd, (struct sockaddr *)&here, len) == -1) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&here, &len);
	*port = ntohs(here.sin_port);
	return fd;
}

/* One port that both have free. */
static uint16_t
bind_both(int *udp, int *tcp)
{
	uint16_t port;
	int i;

	for (i = 0; i < BIND_TRIES; i++) {
		port = 0;
		*udp = bind_socket(SOCK_DGRAM, &port);
		*tcp = bind_socket(SOCK_STREAM, &port);
		if (*tcp != -1 && listen(*tcp, 50) == 0)
			return port;
		close(*udp);
	}
	ck_abort_msg("no port is free");
	return 0;
}

static void
server_reap(void *owner)
{
	struct dns_server *server = owner;

	if (--server->to_reap > 0)
		return;
	close(server->udp.fd);
	close(server->tcp.fd);
	free(server->asked);
	free(server);
}

struct dns_server *
dns_server_new(struct loop *loop, const struct dns_rule *rules)
{
	struct dns_server *server = xcalloc(1, sizeof(*server));
	int udp, tcp;
	uint16_t port = bind_both(&udp, &tcp);

	snprintf(server->address, sizeof(server->address), "127.0.0.1:%u",
	    port);
	server->loop = loop;
	server->rules = rules;
	server->asked = xcalloc(ASKED_MAX, sizeof(*server->asked));
	server->to_reap = 2;
	watch_init(&server->udp, udp, server, udp_ready, NULL, server_reap);
	watch_init(&server->tcp, tcp, server, tcp_ready, NULL, server_reap);
	server->udp.events = server->tcp.events = POLLIN;
	loop_add(loop, &server->udp);
	loop_add(loop, &server->tcp);
	return server;
}

const char *
dns_server_address(const struct dns_server *server)
{
	return server->address;
}

size_t
dns_server_asked(const struct dns_server *server, const char *name)
{
	size_t count = 0, i;

	for (i = 0; i < server->asked_count; i++)
		if (name == NULL || strcmp(server->asked[i].name, name) == 0)
			count++;
	return count;
}

void
dns_server_free(struct dns_server *server)
{
	loop_kill(server->loop, &server->udp);
	loop_kill(server->loop, &server->tcp);
}
