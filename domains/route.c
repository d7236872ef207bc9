/*
 * route - where mail for a domain goes.
 *
 * Job:     read via=, compare routes, and name the destination they lead to.
 * Called:  by the hosted table, by the configuration, by delivery.
 * Owns:    the hops of each struct route.
 * Never:   looks up a name.
 */
#include "domains/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/domain.h"

enum {
	PORT_SMTP = 25,
	PORT_LMTP = 24 /* "any private mail system" */
};

static const char *const tls_names[] = {
	[TLS_OFF] = "off",
	[TLS_MAY] = "may",
	[TLS_REQUIRE] = "require",
	[TLS_VERIFY] = "verify",
};

static bool parse_hop(struct span text, struct hop *hop, size_t *at,
    const char **why);

static void
hop_clear(struct hop *hop)
{
	free(hop->name);
	free(hop->path);
}

bool
route_parse(struct span via, struct route *route, size_t *at, const char **why)
{
	struct span rest = via, part;
	struct hop hops[HOPS_MAX];
	size_t offset;

	*route = (struct route){ .tls = TLS_MAY };
	if (span_equal(via, SPAN("mx"))) {
		route->mx = true;
		return true;
	}
	route->hops = hops;
	while (rest.data != NULL) {
		offset = (size_t)(rest.data - via.data);
		part = span_cut(&rest, ',');
		*at = 0;
		*why = "more than 20 hops; expected at most 20";
		if (route->hop_count == HOPS_MAX ||
		    !parse_hop(part, &hops[route->hop_count], at, why)) {
			*at += offset;
			route->hops = NULL;
			while (route->hop_count > 0)
				hop_clear(&hops[--route->hop_count]);
			return false;
		}
		route->hop_count++;
	}
	route->hops = xcalloc(route->hop_count, sizeof(*route->hops));
	memcpy(route->hops, hops, route->hop_count * sizeof(*route->hops));
	return true;
}

void
route_copy(struct route *to, const struct route *from)
{
	size_t i;

	*to = *from;
	to->hops = NULL;
	if (from->hop_count == 0)
		return;
	to->hops = xcalloc(from->hop_count, sizeof(*to->hops));
	for (i = 0; i < from->hop_count; i++) {
		to->hops[i] = from->hops[i];
		if (from->hops[i].name != NULL)
			to->hops[i].name = xstrdup(from->hops[i].name);
		if (from->hops[i].path != NULL)
			to->hops[i].path = xstrdup(from->hops[i].path);
	}
}

void
route_clear(struct route *route)
{
	size_t i;

	for (i = 0; i < route->hop_count; i++)
		hop_clear(&route->hops[i]);
	free(route->hops);
	*route = (struct route){ .mx = false };
}

static bool
text_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool
hop_equal(const struct hop *a, const struct hop *b)
{
	return a->lmtp == b->lmtp && a->port == b->port &&
	    text_equal(a->name, b->name) && text_equal(a->path, b->path) &&
	    ip_equal(&a->ip, &b->ip);
}

bool
route_equal(const struct route *a, const struct route *b)
{
	size_t i;

	if (a->mx != b->mx || a->tls != b->tls || a->login != b->login ||
	    a->hop_count != b->hop_count)
		return false;
	for (i = 0; i < a->hop_count; i++)
		if (!hop_equal(&a->hops[i], &b->hops[i]))
			return false;
	return true;
}

void
route_destination(const struct route *route, struct span domain,
    struct buf *out)
{
	if (route->mx) {
		buf_add(out, SPAN("mx:"));
		buf_add(out, domain);
	}
	route_hops_text(route, out);
	buf_addf(out, " tls=%s", tls_level_name(route->tls));
	if (route->login)
		buf_add(out, SPAN(" login"));
}

void
route_hops_text(const struct route *route, struct buf *out)
{
	char text[IP_TEXT_MAX];
	const struct hop *hop;
	size_t i;

	for (i = 0; i < route->hop_count; i++) {
		hop = &route->hops[i];
		if (i > 0)
			buf_add_byte(out, ',');
		if (hop->lmtp)
			buf_add(out, SPAN("lmtp:"));
		if (hop->path != NULL)
			buf_addf(out, "unix:%s", hop->path);
		else if (hop->name != NULL)
			buf_addf(out, "%s:%u", hop->name, hop->port);
		else
			buf_addf(out, "[%s]:%u", ip_text(&hop->ip, text),
			    hop->port);
	}
}

const char *
tls_level_name(enum tls_level level)
{
	return tls_names[level];
}

bool
tls_level_parse(struct span name, enum tls_level *level)
{
	unsigned i;

	for (i = 0; i < sizeof(tls_names) / sizeof(tls_names[0]); i++) {
		if (span_equal(name, span_of(tls_names[i]))) {
			*level = (enum tls_level)i;
			return true;
		}
	}
	return false;
}

/* Nothing, or ":" and a port. */
static bool
parse_port(struct span text, struct hop *hop, const char **why)
{
	uint64_t port = hop->port;

	if (text.len > 0 &&
	    (text.data[0] != ':' ||
		!span_number(span_skip(text, 1), 65535, &port) || port == 0)) {
		*why = hop->lmtp ?
		    "not a port; expected :1 to :65535, or nothing for :24" :
		    "not a port; expected :1 to :65535, or nothing for :25";
		return false;
	}
	hop->port = (uint16_t)port;
	return true;
}

static bool
parse_address_hop(struct span text, struct hop *hop, size_t *at,
    const char **why)
{
	size_t close = span_find(text, ']');

	*why = "not an address in brackets; expected [192.0.2.1] or "
	       "[2001:db8::1]";
	if (close == text.len ||
	    !ip_parse(span_head(span_skip(text, 1), close - 1), &hop->ip))
		return false;
	*at = close + 1;
	return parse_port(span_skip(text, close + 1), hop, why);
}

static bool
ends_in_number(struct span name)
{
	size_t dot = span_find_last(name, '.');
	uint64_t number;

	return span_number(dot < name.len ? span_skip(name, dot + 1) : name,
	    UINT64_MAX, &number);
}

/* By name or address: what follows lmtp:, or all of it. */
static bool
parse_host(struct span text, struct hop *hop, size_t *at, const char **why)
{
	size_t colon = span_find(text, ':');
	char name[DOMAIN_MAX + 1];
	struct ip ip;

	*why = "an empty hop; expected host, host:port, [address] or "
	       "[address]:port";
	if (text.len == 0)
		return false;
	if (text.data[0] == '[')
		return parse_address_hop(text, hop, at, why);
	*why = "a v6 address without brackets; expected [2001:db8::1]";
	if (ip_parse(text, &ip) && !ip_is_v4(&ip))
		return false;
	/* No name ends in a number, so a v4 address needs no brackets. */
	if (ip_parse(span_head(text, colon), &hop->ip)) {
		*at = colon;
		return parse_port(span_skip(text, colon), hop, why);
	}
	if (!domain_normalise(span_head(text, colon), name, why))
		return false;
	*why = "not an address, and no host name ends in a number; expected "
	       "an address or a host name";
	if (ends_in_number(span_of(name)))
		return false;
	*at = colon;
	if (!parse_port(span_skip(text, colon), hop, why))
		return false;
	*at = 0;
	hop->name = xstrdup(name);
	return true;
}

/* The path stands in names of destinations, which have no blanks. */
static bool
parse_path(struct span text, struct hop *hop, size_t *at, const char **why)
{
	size_t i;

	*why = "not the path of a socket; expected lmtp:unix:/path of "
	       "printable ASCII without blanks, at most 107 bytes";
	if (text.len < 2 || text.data[0] != '/' || text.len > HOP_PATH_MAX)
		return false;
	for (i = 0; i < text.len; i++) {
		if (text.data[i] <= ' ' || text.data[i] > '~') {
			*at = i;
			return false;
		}
	}
	hop->path = xstrndup(text.data, text.len);
	hop->port = 0;
	return true;
}

static bool
parse_lmtp_hop(struct span text, struct hop *hop, size_t *at, const char **why)
{
	*hop = (struct hop){ .lmtp = true, .port = PORT_LMTP };
	if (span_starts(text, SPAN("unix:"))) {
		if (parse_path(span_skip(text, 5), hop, at, why))
			return true;
		*at += 5;
		return false;
	}
	if (!parse_host(text, hop, at, why))
		return false;
	if (hop->port != PORT_SMTP)
		return true;
	hop_clear(hop);
	*at = 0;
	*why = "RFC 2033 keeps LMTP off port 25; expected another port, or "
	       "nothing for :24";
	return false;
}

static bool
parse_hop(struct span text, struct hop *hop, size_t *at, const char **why)
{
	const struct span lmtp = SPAN("lmtp:");

	if (span_starts(text, lmtp)) {
		if (parse_lmtp_hop(span_skip(text, lmtp.len), hop, at, why))
			return true;
		*at += lmtp.len;
		return false;
	}
	*hop = (struct hop){ .port = PORT_SMTP };
	return parse_host(text, hop, at, why);
}
