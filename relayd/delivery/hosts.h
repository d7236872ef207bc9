#ifndef HOSTS_H
#define HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/domain.h"
#include "domains/ip.h"
#include "domains/route.h"
#include "outcome.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"

/*
 * From a route to the addresses to try, in order: hops as configured, or the
 * MX of a domain (RFC 5321 5.1): by preference, equals shuffled, implicit MX
 * only on a true "no MX", null MX (RFC 7505) 5.1.10, hosts that are ourselves and
 * all of worse or equal preference cut off (5.4.6 when none is left).
 */
enum {
	HOSTS_MAX = 20
};

struct host {
	char name[DOMAIN_MAX +
	    1]; /* for TLS and the log; "" for an address hop */
	struct ip ip;
	uint16_t port;
	bool lmtp;                   /* RFC 2033 instead of SMTP */
	char path[HOP_PATH_MAX + 1]; /* a Unix socket; "": ip and port */
};

struct hosts_answer {
	/* OUTCOME_NONE: hosts[] is good; else LATER or FAILED with the reason. */
	struct outcome outcome;
	size_t count;
	struct host hosts[HOSTS_MAX];
};

struct hosts_needs {
	struct loop *loop;
	struct resolver *resolver;
	/* Our own name: an MX of that name is ourselves.  For the call only. */
	const char *hostname;
	/* Is this address one of ours? NULL: loopback, unspecified, and every interface's. */
	bool (*ourselves)(void *owner, const struct ip *ip);
	void *ourselves_owner;
	uint64_t (*random)(void *owner);
	void *random_owner;
};

/* A search that is under way; done runs later, never from within the call. */
struct hosts_search;
/*
 * domain is the recipient's (for MX); hosted: the campus owns it, so
 * NXDOMAIN is temporary.  A domain that is an address literal goes to that address, port 25.
 */
struct hosts_search *hosts_find(const struct hosts_needs *needs,
    const struct route *route, struct span domain, bool hosted,
    void (*done)(void *owner, const struct hosts_answer *answer), void *owner);
void hosts_cancel(struct hosts_search *search);

#endif
