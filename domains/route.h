#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "ip.h"

/* How much TLS a next hop must speak: the tls= option. */
enum tls_level {
	TLS_OFF,
	TLS_MAY,     /* the default: try, fall back to clear */
	TLS_REQUIRE, /* encrypted or deferred */
	TLS_VERIFY,  /* also the certificate and the name */
};

enum {
	HOPS_MAX = 20,
	HOP_PATH_MAX = 107,            /* what sockaddr_un holds */
	ROUTE_DESTINATION_MAX = 16384, /* HOPS_MAX hops with ports */
};

/* A host by name, by address, or a socket of this machine. */
struct hop {
	bool lmtp;    /* RFC 2033 instead of SMTP */
	char *name;   /* owned; host name (domain.h's form) or NULL */
	char *path;   /* owned; of a Unix socket, then lmtp; or NULL */
	struct ip ip; /* used when name and path are NULL */
	uint16_t port;
};

/* Where mail for a domain goes: its MX, or hops tried in order. */
struct route {
	bool mx; /* MX of the recipient's own domain; no hops then */
	size_t hop_count;
	struct hop *hops; /* owned */
	enum tls_level tls;
	bool login; /* user and password are said (delivery.outside_login) */
};

/*
 * Reads the value of via= (or delivery.outside): "mx", or hops separated by
 * commas: host, host:port, [address], [address]:port (v4 also without brackets),
 * each with lmtp: in front for LMTP (port 24 then, never 25: RFC 2033 5), or
 * lmtp:unix:/path.  False with a static
 * text in *why and the offset of the fault in *at.
 */
bool route_parse(struct span via, struct route *route, size_t *at,
    const char **why);
/* A copy with hops of its own. */
void route_copy(struct route *to, const struct route *from);
void route_clear(struct route *route);
bool route_equal(const struct route *a, const struct route *b);

/*
 * Appends the name of the destination that mail for domain goes to by this
 * route: "mx:campus.test tls=may", "mx1.campus.test:25,[192.0.2.1]:2525 tls=verify".
 * Two recipients share a destination exactly when these are equal.
 */
void route_destination(const struct route *route, struct span domain,
    struct buf *out);
/* Appends the hops as via= has them. */
void route_hops_text(const struct route *route, struct buf *out);
const char *tls_level_name(enum tls_level level);
/* Reads off, may, require, verify; false for anything else. */
bool tls_level_parse(struct span name, enum tls_level *level);

#endif
