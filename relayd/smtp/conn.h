#ifndef CONN_H
#define CONN_H

#include <sys/queue.h>

#include <stddef.h>

#include "domains/ip.h"
#include "relayd/net/loop.h"
#include "relayd/smtp/endpoint.h"
#include "relayd/smtp/service.h"
#include "relayd/smtp/shares.h"

/*
 * A client's connection: a socket, a session and a watch between them.
 */
struct conn;

/* All that are open. */
struct conns {
	LIST_HEAD(conn_list, conn) list;
	size_t count;
	struct loop *loop;       /* borrowed */
	struct service *service; /* borrowed; outlives them */
	struct shares shares;    /* of a turn, for each client */
	/* The last one has been reaped; may be NULL. */
	void (*none_left)(void *owner);
	void *owner;
};

/* seed: of a hash of addresses. */
void conns_init(struct conns *conns, struct loop *loop, struct service *service,
    uint64_t seed);

/* Takes fd, which was counted in service->limits at place; given back there. */
void conn_open(struct conns *conns, struct endpoint *endpoint, int fd,
    const struct limits_place *place);

/* Sessions between transactions end now, the others after theirs. */
void conns_drain(struct conns *conns);
/* The endpoint is going: nobody may look at it any more. */
void conns_forget(struct conns *conns, const struct endpoint *endpoint);
/* Ends them all; the loop reaps them. */
void conns_kill(struct conns *conns);

#endif
