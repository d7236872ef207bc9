/*
 * dns - questions to DNS servers.
 *
 * Job:     carry a question to c-ares and its answer back, within the loop.
 * Called:  by resolve.c.
 * Owns:    the c-ares channel, a watch for each of its sockets, one timer.
 * Never:   blocks; never takes a failure for an answer.
 */
#include "dns.h"

#include <sys/socket.h>

#include <ares.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	CLASS_IN = 1,
	HOPS_MAX = 8,     /* aliases from message to message */
	SERVERS_MAX = 10, /* as dns.servers may hold, conf_mail.c */
	PORT = 53,
	EDNS_SIZE = 1232, /* fits any path unfragmented: RFC 9715 */
};

/* One of c-ares's sockets. */
struct wire {
	LIST_ENTRY(wire) link;
	struct watch watch; /* the fd is c-ares's to close */
	struct dns *dns;    /* borrowed */
};

LIST_HEAD(wires, wire);

struct dns {
	struct loop *loop;    /* borrowed */
	ares_channel channel; /* owned */
	struct wires wires;   /* owned */
	struct watch timer;
	uint64_t patience;        /* milliseconds */
	size_t asked;             /* questions that wait for their answer */
	struct dns_answer answer; /* the one that is being told */
};

struct question {
	struct dns *dns; /* borrowed */
	enum dns_type type;
	int hops;
	uint32_t ttl; /* the least of the aliases followed */
	void (*answered)(void *owner, const struct dns_answer *answer);
	void *owner; /* borrowed */
};

/* ---- c-ares in the loop ---- */

/*
 * Nothing that is asked or asked again from now on times out before that, so
 * the timer may come early but never late; ares_timeout(), which looks
 * at every question, is left to dns_expired().
 */
static void
set_timer(struct dns *dns)
{
	uint64_t latest = loop_now(dns->loop) + dns->patience;

	if (dns->asked == 0)
		dns->timer.deadline = LOOP_NEVER;
	else if (dns->timer.deadline > latest)
		dns->timer.deadline = latest;
}

static void
dns_expired(void *owner)
{
	struct dns *dns = owner;
	struct timeval left;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (dns->asked > 0 && ares_timeout(dns->channel, NULL, &left) != NULL)
		dns->timer.deadline = loop_now(dns->loop) +
		    (uint64_t)left.tv_sec * 1000 +
		    (uint64_t)left.tv_usec / 1000 + 1;
	set_timer(dns);
}

static void
wire_ready(void *owner, short revents)
{
	struct wire *wire = owner;
	struct dns *dns = wire->dns;
	int fd = wire->watch.fd;

	ares_process_fd(dns->channel,
	    (revents & POLLIN) != 0 ? fd : ARES_SOCKET_BAD,
	    (revents & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
	set_timer(dns);
}

static void
free_owner(void *owner)
{
	free(owner);
}

static struct wire *
wire_find(struct dns *dns, int fd)
{
	struct wire *wire;

	LIST_FOREACH(wire, &dns->wires, link)
		if (wire->watch.fd == fd)
			return wire;
	return NULL;
}

/* c-ares says what it wants of a socket; of one it closes, nothing. */
static void
socket_state(void *owner, ares_socket_t fd, int readable, int writable)
{
	struct dns *dns = owner;
	struct wire *wire = wire_find(dns, fd);

	if (!readable && !writable) {
		if (wire == NULL)
			return;
		LIST_REMOVE(wire, link);
		loop_kill(dns->loop, &wire->watch);
		return;
	}
	if (wire == NULL) {
		wire = xcalloc(1, sizeof(*wire));
		wire->dns = dns;
		watch_init(&wire->watch, fd, wire, wire_ready, NULL,
		    free_owner);
		loop_add(dns->loop, &wire->watch);
		LIST_INSERT_HEAD(&dns->wires, wire, link);
	}
	wire->watch.events =
	    (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
}

/* ---- servers ---- */

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353" */
static bool
parse_server(struct span text, struct ares_addr_port_node *server)
{
	struct span address = text, port = { NULL, 0 };
	uint64_t number = PORT;
	struct ip ip;

	if (text.len > 0 && text.data[0] == '[') {
		address = span_head(text, span_find(text, ']'));
		port = span_skip(text, address.len + 1);
		if (address.len == text.len ||
		    (port.len > 0 && port.data[0] != ':'))
			return false;
		address = span_skip(address, 1);
	} else if (span_find(text, ':') == span_find_last(text, ':')) {
		address = span_head(text, span_find(text, ':'));
		port = span_skip(text, address.len);
	}
	if (!ip_parse(address, &ip) ||
	    (port.len > 0 && !span_number(span_skip(port, 1), 65535, &number)))
		return false;
	server->udp_port = server->tcp_port = (int)number;
	if (ip_is_v4(&ip)) {
		server->family = AF_INET;
		memcpy(&server->addr.addr4, ip.bytes + 12, 4);
	} else {
		server->family = AF_INET6;
		memcpy(&server->addr.addr6, ip.bytes, 16);
	}
	return number > 0;
}

static bool
set_servers(ares_channel channel, const char *list, struct buf *why)
{
	struct ares_addr_port_node servers[SERVERS_MAX] = { { .next = NULL } };
	struct span rest = span_of(list), text;
	size_t count = 0;
	int status;

	while (rest.data != NULL) {
		text = span_trim(span_cut(&rest, ','));
		if (count == SERVERS_MAX) {
			buf_addf(why, "more than %d DNS servers", SERVERS_MAX);
			return false;
		}
		if (!parse_server(text, &servers[count])) {
			buf_addf(why, "DNS server \"");
			buf_add_escaped(why, text, 80);
			buf_addf(why, "\" is not address:port");
			return false;
		}
		if (count > 0)
			servers[count - 1].next = &servers[count];
		count++;
	}
	status = ares_set_servers_ports(channel, servers);
	if (status == ARES_SUCCESS)
		return true;
	buf_addf(why, "DNS servers: %s", ares_strerror(status));
	return false;
}

static bool
open_channel(struct dns *dns, int patience, int tries, struct buf *why)
{
	struct ares_options options = {
		.flags =
		    ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = patience,
		.tries = tries,
		.ednspsz = EDNS_SIZE,
		.sock_state_cb = socket_state,
		.sock_state_cb_data = dns,
	};
	int status;

	status = ares_init_options(&dns->channel, &options,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_ROTATE);
	if (status == ARES_SUCCESS)
		return true;
	dns->channel = NULL;
	buf_addf(why, "DNS: %s", ares_strerror(status));
	return false;
}

struct dns *
dns_new(struct loop *loop, const char *servers, int patience, int tries,
    struct buf *why)
{
	struct dns *dns = xcalloc(1, sizeof(*dns));

	ares_library_init(ARES_LIB_INIT_ALL);
	dns->loop = loop;
	dns->patience = (uint64_t)patience;
	LIST_INIT(&dns->wires);
	watch_init(&dns->timer, -1, dns, NULL, dns_expired, free_owner);
	loop_add(loop, &dns->timer);
	if (open_channel(dns, patience, tries, why) &&
	    (servers == NULL || set_servers(dns->channel, servers, why)))
		return dns;
	dns_free(dns);
	return NULL;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	if (dns->channel != NULL)
		ares_destroy(dns->channel);
	ares_library_cleanup();
	loop_kill(dns->loop, &dns->timer); /* its reap frees dns */
}

/* ---- questions ---- */

static void answered(void *owner, int status, int timeouts,
    unsigned char *message, int len);

static void
no_answer(struct dns_answer *answer, const char *error)
{
	answer->status = RESOLVE_FAILED;
	answer->error = error;
	answer->ttl = 0;
	answer->count = 0;
	answer->alias[0] = '\0';
}

static void
read_answer(struct dns_answer *answer, const struct question *question,
    int status, const unsigned char *message, int len)
{
	bool heard = status == ARES_SUCCESS || status == ARES_ENODATA ||
	    status == ARES_ENOTFOUND;

	if (heard && message != NULL && len > 0)
		dns_answer_read(answer, question->type, message, (size_t)len);
	else if (status == ARES_ETIMEOUT)
		no_answer(answer, "no DNS server answered");
	else
		no_answer(answer, ares_strerror(status));
	/* Too long for DNS: nobody can have registered it. */
	if (status == ARES_EBADNAME) {
		answer->status = RESOLVE_NXDOMAIN;
		answer->error = NULL;
	}
	if (answer->alias[0] != '\0' && question->hops == HOPS_MAX)
		no_answer(answer, "too many aliases");
}

static void
ask(struct question *question, const char *name)
{
	ares_query(question->dns->channel, name, CLASS_IN, (int)question->type,
	    answered, question);
}

static void
answered(void *owner, int status, int timeouts, unsigned char *message, int len)
{
	struct question *question = owner;
	struct dns *dns = question->dns;
	struct dns_answer *answer = &dns->answer;
	char alias[RESOLVE_NAME_MAX + 1];

	(void)timeouts;
	if (status == ARES_EDESTRUCTION) {
		free(question);
		return;
	}
	read_answer(answer, question, status, message, len);
	if (answer->ttl < question->ttl)
		question->ttl = answer->ttl;
	if (answer->alias[0] != '\0') {
		question->hops++;
		strcpy(alias, answer->alias);
		ask(question, alias);
		return;
	}
	answer->ttl = question->ttl;
	dns->asked--;
	question->answered(question->owner, answer);
	free(question);
}

void
dns_ask(struct dns *dns, const char *name, enum dns_type type,
    void (*tell)(void *owner, const struct dns_answer *answer), void *owner)
{
	struct question *question = xcalloc(1, sizeof(*question));

	question->dns = dns;
	question->type = type;
	question->ttl = UINT32_MAX;
	question->answered = tell;
	question->owner = owner;
	dns->asked++;
	ask(question, name);
	set_timer(dns);
}
