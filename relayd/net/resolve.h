#ifndef RESOLVE_H
#define RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/ip.h"
#include "loop.h"

/*
 * Names to addresses and mail exchangers, by c-ares inside the loop, with a
 * cache that keeps answers for their TTL.  Every answer from outside is
 * bounded and checked here.  No search list; never /etc/hosts for MX.
 */
struct resolver;

enum resolve_status {
	RESOLVE_OK,       /* at least one record */
	RESOLVE_NODATA,   /* the name exists, no record of this type */
	RESOLVE_NXDOMAIN, /* the name does not exist */
	RESOLVE_FAILED, /* SERVFAIL, time-out, refused, garbled: temporary, always */
};

enum {
	RESOLVE_MX_MAX = 100,
	RESOLVE_ADDRESS_MAX = 20,
	RESOLVE_NAME_MAX = 255
};

struct mx {
	uint16_t preference;
	char
	    host[RESOLVE_NAME_MAX + 1]; /* domain.h's form; "" is the null MX */
};

struct mx_answer {
	enum resolve_status status;
	size_t count;
	const struct mx *
	    records; /* borrowed for the call; by preference, equals not shuffled */
	const char *error; /* static text, for RESOLVE_FAILED */
};

struct address_answer {
	enum resolve_status
	    status; /* OK when A or AAAA gave something; FAILED when one family failed and the other gave nothing */
	size_t count;
	const struct ip *
	    addresses; /* borrowed for the call; v6 and v4 alternating, v6 first */
	uint32_t ttl; /* seconds, the least */
	bool half;    /* OK, but of A and AAAA one failed: there may be more */
	const char *error;
};

/*
 * servers: "127.0.0.1:5353,[::1]:53" or NULL for resolv.conf.  Standard
 * names (localhost) are not special.  NULL with the reason in why.
 */
struct resolver *resolver_new(struct loop *loop, const char *servers,
    struct buf *why);
/*
 * The same with another patience than 5 seconds and 3 tries: a server that is
 * silent for patience milliseconds is asked again, or another is.
 */
struct resolver *resolver_new_patient(struct loop *loop, const char *servers,
    int patience, int tries, struct buf *why);
/* Queries under way end without a call.  Not from within done(). */
void resolver_free(struct resolver *resolver);

/*
 * Asks; done runs later, never from within the call (a cached answer comes at the end of the turn).
 * The query may be cancelled until done has begun.
 */
struct query;
struct query *resolve_mx(struct resolver *resolver, const char *domain,
    void (*done)(void *owner, const struct mx_answer *answer), void *owner);
struct query *resolve_address(struct resolver *resolver, const char *host,
    void (*done)(void *owner, const struct address_answer *answer),
    void *owner);
void query_cancel(struct query *query);
/*
 * While DNS fails, or is silent for 1.8 seconds, the last good answer will do
 * for this query, for a day beyond its TTL (RFC 8767): the status is then OK.  It stands in no line
 * behind other names.  To be said at once after asking.
 */
void query_take_stale(struct query *query);

/* How DNS does; times are monotonic ms, 0: never. */
struct resolver_counts {
	uint64_t asked, failed; /* questions that were put to DNS */
	uint64_t answered_at, failed_at;
	const char *error; /* of the last failure; static, or NULL */
};
void resolver_count(const struct resolver *resolver,
    struct resolver_counts *counts);

/* For tests and the virtual clock: a resolver that asks these two instead of DNS. */
struct resolver_backend {
	void *owner;
	void (*mx)(void *owner, const char *domain, struct query *query);
	void (*address)(void *owner, const char *host, struct query *query);
};
struct resolver *resolver_new_with(struct loop *loop,
    const struct resolver_backend *backend);
/*
 * The backend's answer to a query, exactly one; may be called at once or
 * later, also for a query that was cancelled (its owner will not hear).
 */
void query_answer_mx(struct query *query, const struct mx_answer *answer);
void query_answer_address(struct query *query,
    const struct address_answer *answer);

#endif
