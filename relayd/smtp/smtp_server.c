/*
 * smtp_server - the receiving side as a whole.
 *
 * Job:     open the listeners, let clients in within the limits, pass a
 *          reload or a shutdown on to them.
 * Called:  by main.
 * Owns:    endpoints, connections, the limits' table, the counters.
 * Never:   speaks SMTP, save one 421 to whom it turns away.
 */
#include "relayd/smtp/smtp_server.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"
#include "relayd/net/listener.h"
#include "relayd/net/tls.h"
#include "relayd/smtp/answer.h"
#include "relayd/smtp/conn.h"
#include "relayd/smtp/endpoint.h"
#include "relayd/smtp/service.h"

enum {
	TOLD_EVERY = 1000, /* milliseconds between log lines of one flood */
};

struct smtp_server {
	struct service service;
	struct loop *loop; /* borrowed */
	struct conns conns;
	struct endpoint **endpoints; /* owned array of owned */
	size_t endpoint_count;
	struct {
		uint64_t last;  /* when it was logged, monotonic */
		uint64_t since; /* turned away since, not logged */
	} turned_away;
};

static uint64_t
now(void *owner)
{
	const struct loop *loop = owner;

	return loop_now(loop);
}

static int64_t
wall(void *owner)
{
	const struct loop *loop = owner;

	return loop_wall(loop);
}

static uint64_t
draw(const struct smtp_server_needs *needs)
{
	uint64_t number = 0;

	if (needs->random != NULL)
		return needs->random(needs->random_owner);
	while (getrandom(&number, sizeof(number), 0) == -1)
		assert(errno == EINTR);
	return number;
}

struct smtp_server *
smtp_server_new(const struct smtp_server_needs *needs)
{
	struct smtp_server *server = xcalloc(1, sizeof(*server));

	server->loop = needs->loop;
	server->service = (struct service){
		.conf = needs->conf,
		.rules = needs->rules,
		.granted = needs->granted,
		.granted_owner = needs->granted_owner,
		.spool = needs->spool,
		.limits = limits_new(0, draw(needs)),
		.clock_owner = needs->loop,
		.now = now,
		.wall = wall,
		.next_id = draw(needs),
	};
	conns_init(&server->conns, server->loop, &server->service, draw(needs));
	return server;
}

/* A flood must not fill the log: what it repeats is counted. */
static void
log_turned_away(struct smtp_server *server, const char *client,
    const char *limit, size_t max)
{
	uint64_t at = loop_now(server->loop);
	struct log_line line;

	if (server->turned_away.last != 0 &&
	    at - server->turned_away.last < TOLD_EVERY) {
		server->turned_away.since++;
		return;
	}
	log_begin(&line, LEVEL_WARNING, "turned-away");
	log_text(&line, "client", client);
	log_number(&line, "code", 421);
	log_text(&line, "limit", limit);
	log_number(&line, "max", max);
	if (server->turned_away.since > 0)
		log_number(&line, "others", server->turned_away.since);
	log_end(&line);
	server->turned_away.last = at;
	server->turned_away.since = 0;
}

/* Over a limit: one 421 in the clear, if it goes out at once, and the end. */
static void
turn_away(struct smtp_server *server, const struct endpoint *endpoint, int fd,
    const struct ip *ip, enum limits_verdict verdict)
{
	const struct conf_limits *conf = &server->service.conf->limits;
	const struct {
		const char *name, *what;
		size_t max;
	} limits[] = {
		[LIMITS_OK] = { "", "", 0 },
		[LIMITS_ALL] = { "connections", "the relay is full",
		    conf->connections },
		[LIMITS_CLIENT] = { "connections_per_client",
		    "too many connections from your address",
		    conf->connections_per_client },
		[LIMITS_NETWORK] = { "connections_per_network",
		    "too many connections from your network",
		    conf->connections_per_network },
	};
	char client[IP_TEXT_MAX];
	struct buf text, out;

	buf_init(&text, ANSWER_LINE_MAX);
	buf_init(&out, 2 * ANSWER_LINE_MAX);
	buf_addf(&text, "%s: %s (limit %zu, from %s); try again in a minute",
	    server->service.conf->hostname, limits[verdict].what,
	    limits[verdict].max, ip_text(ip, client));
	answer_add(&out, 421, "4.7.0", buf_span(&text));
	if (endpoint->mode != LISTEN_TLS_IMPLICIT) {
		/* Nobody waits for it; a failure changes nothing. */
		ssize_t sent =
		    send(fd, out.data, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		(void)sent;
	}
	close(fd);
	log_turned_away(server, client, limits[verdict].name,
	    limits[verdict].max);
	server->service.counts.refused++;
	buf_clear(&text);
	buf_clear(&out);
}

static void
accepted(struct endpoint *endpoint, int fd, const struct sockaddr *peer,
    socklen_t peer_len)
{
	struct smtp_server *server = endpoint->owner;
	enum limits_verdict verdict;
	struct limits_place place;
	struct ip ip;

	(void)peer_len;
	if (!ip_from_sockaddr(peer, &ip)) {
		close(fd);
		return;
	}
	server->service.counts.connections++;
	verdict = limits_connect(server->service.limits,
	    &server->service.conf->limits, &ip, &place);
	if (verdict != LIMITS_OK)
		turn_away(server, endpoint, fd, &ip, verdict);
	else
		conn_open(&server->conns, endpoint, fd, &place);
}

static void
close_endpoints(struct smtp_server *server, struct endpoint **endpoints,
    size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (endpoints[i] != NULL)
			conns_forget(&server->conns, endpoints[i]);
		endpoint_free(endpoints[i]);
	}
	free(endpoints);
}

/* An endpoint for each listen[], none of them open; NULL with why. */
static struct endpoint **
plan(struct smtp_server *server, const struct conf *conf, struct buf *why)
{
	struct endpoint **planned =
	    xcalloc(conf->listen_count, sizeof(struct endpoint *));
	size_t i;

	for (i = 0; i < conf->listen_count; i++) {
		planned[i] = endpoint_new(conf, &conf->listen[i], why);
		if (planned[i] == NULL) {
			close_endpoints(server, planned, i);
			return NULL;
		}
		planned[i]->accepted = accepted;
		planned[i]->owner = server;
	}
	return planned;
}

bool
smtp_server_listen(struct smtp_server *server, const int *passed,
    size_t passed_count, struct buf *why)
{
	const struct conf *conf = server->service.conf;
	struct endpoint **planned = plan(server, conf, why);
	size_t i;

	assert(server->endpoints == NULL);
	if (planned == NULL)
		return false;
	for (i = 0; i < conf->listen_count; i++) {
		int fd = i < passed_count ? passed[i] : -1;

		if (!endpoint_open(planned[i], server->loop, fd, why)) {
			close_endpoints(server, planned, conf->listen_count);
			return false;
		}
	}
	server->endpoints = planned;
	server->endpoint_count = conf->listen_count;
	return true;
}

/* The open endpoint at the same place that nobody has claimed yet. */
static size_t
find_old(const struct smtp_server *server, const struct endpoint *endpoint,
    const bool *claimed)
{
	size_t i;

	for (i = 0; i < server->endpoint_count; i++)
		if (!claimed[i] &&
		    endpoint_same_place(server->endpoints[i], endpoint))
			break;
	return i;
}

/*
 * Opens what is new of planned.  old[i] says which open endpoint planned[i]
 * stands for, or endpoint_count when it is new.
 */
static bool
open_new(struct smtp_server *server, struct endpoint **planned, size_t count,
    size_t *old, struct buf *why)
{
	bool *claimed = xcalloc(server->endpoint_count, sizeof(*claimed));
	bool fine = true;
	size_t i;

	for (i = 0; i < count && fine; i++) {
		old[i] = find_old(server, planned[i], claimed);
		if (old[i] < server->endpoint_count)
			claimed[old[i]] = true;
		else
			fine = endpoint_open(planned[i], server->loop, -1, why);
	}
	free(claimed);
	return fine;
}

/* From here nothing can fail: old sockets go where planned ones stand. */
static void
replace_endpoints(struct smtp_server *server, struct endpoint **planned,
    size_t count, const size_t *old)
{
	struct endpoint *newer;
	size_t i;

	for (i = 0; i < count; i++) {
		if (old[i] == server->endpoint_count)
			continue;
		newer = planned[i];
		planned[i] = server->endpoints[old[i]];
		server->endpoints[old[i]] = NULL;
		endpoint_take_options(planned[i], newer);
		endpoint_free(newer);
	}
	close_endpoints(server, server->endpoints, server->endpoint_count);
	server->endpoints = planned;
	server->endpoint_count = count;
}

bool
smtp_server_reload(struct smtp_server *server, const struct conf *conf,
    const struct rules *rules, struct buf *why)
{
	struct endpoint **planned = plan(server, conf, why);
	size_t *old;

	if (planned == NULL)
		return false;
	old = xcalloc(conf->listen_count, sizeof(*old));
	if (!open_new(server, planned, conf->listen_count, old, why)) {
		close_endpoints(server, planned, conf->listen_count);
		free(old);
		return false;
	}
	replace_endpoints(server, planned, conf->listen_count, old);
	free(old);
	server->service.conf = conf;
	server->service.rules = rules;
	return true;
}

void
smtp_server_drain(struct smtp_server *server)
{
	server->service.draining = true;
	close_endpoints(server, server->endpoints, server->endpoint_count);
	server->endpoints = NULL;
	server->endpoint_count = 0;
	conns_drain(&server->conns);
}

size_t
smtp_server_sessions(const struct smtp_server *server)
{
	return server->conns.count;
}

uint16_t
smtp_server_port(const struct smtp_server *server, size_t index)
{
	if (index >= server->endpoint_count)
		return 0;
	return listener_port(server->endpoints[index]->listener);
}

static void
release(void *owner)
{
	struct smtp_server *server = owner;

	limits_free(server->service.limits);
	free(server);
}

void
smtp_server_free(struct smtp_server *server)
{
	if (server == NULL)
		return;
	close_endpoints(server, server->endpoints, server->endpoint_count);
	server->endpoints = NULL;
	server->endpoint_count = 0;
	if (server->conns.count == 0) {
		release(server);
		return;
	}
	conns_kill(&server->conns);
	server->conns.none_left = release;
	server->conns.owner = server;
}

void
smtp_server_count(const struct smtp_server *server, struct smtp_counts *counts)
{
	*counts = server->service.counts;
}

int64_t
smtp_server_expires(const struct smtp_server *server)
{
	int64_t first = -1, expires;
	size_t i;

	for (i = 0; i < server->endpoint_count; i++) {
		if (server->endpoints[i]->tls == NULL)
			continue;
		expires = tls_server_expires(server->endpoints[i]->tls);
		if (expires != -1 && (first == -1 || expires < first))
			first = expires;
	}
	return first;
}
