#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stddef.h>

#include "relayd/net/loop.h"

/*
 * A DNS server in the test's own loop, on UDP and TCP of one port, that does
 * what its script says.
 */
struct dns_server;

enum dns_say {
	DNS_SAY,         /* the answer */
	DNS_SAY_NO_DATA, /* NOERROR, nothing, a SOA */
	DNS_SAY_NO_NAME, /* NXDOMAIN, a SOA */
	DNS_SAY_BARE,    /* NOERROR, nothing at all */
	DNS_SAY_REFERRAL,
	DNS_SAY_SERVFAIL,
	DNS_SAY_REFUSED,
	DNS_SAY_NOTIMP,
	DNS_SAY_FORMERR,
	DNS_SAY_YXDOMAIN,  /* an RCODE that nobody expects */
	DNS_SAY_NOTHING,   /* silence */
	DNS_SAY_GARBAGE,   /* the answer's records are broken */
	DNS_SAY_BY_TCP,    /* truncated by UDP, the answer by TCP */
	DNS_SAY_CUT_SHORT, /* truncated by UDP, and TCP is closed */
	DNS_SAY_OTHER_ID,  /* a forger who does not know the ID, then nothing */
};

struct dns_rule {
	const char *name;
	unsigned type; /* 0: any */
	enum dns_say say;
	const char *answer; /* dns_message.h's records, for DNS_SAY* */
};

/*
 * rules are borrowed; one with name NULL ends them.  The first that fits is
 * taken; what fits none is REFUSED.
 */
struct dns_server *dns_server_new(struct loop *loop,
    const struct dns_rule *rules);
/* "127.0.0.1:PORT"; borrowed. */
const char *dns_server_address(const struct dns_server *server);
/* How many questions came, by UDP or TCP; name NULL: all. */
size_t dns_server_asked(const struct dns_server *server, const char *name);
/* Taken down and freed with the loop's next reap. */
void dns_server_free(struct dns_server *server);

#endif
