#ifndef CONN_H
#define CONN_H

#include <sys/queue.h>

#include <stddef.h>

#include "domains/ip.h"
#include "relayd/net/loop.h"
#include "relayd/smtp/endpoint.h"
#include "relayd/smtp/service.h"

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
	/* The last one has been reaped; may be NULL. */
	void (*none_left)(void *owner);
	void *owner;
};

void conns_init(struct conns *conns, struct loop *loop,
    struct service *service);

/* Takes fd, which has been counted in service->limits; it is given back there. */
void conn_open(struct conns *conns, struct endpoint *endpoint, int fd,
    const struct ip *ip);

/* Sessions between transactions end now, the others after theirs. */
void conns_drain(struct conns *conns);
/* The endpoint is going: nobody may look at it any more. */
void conns_forget(struct conns *conns, const struct endpoint *endpoint);
/* Ends them all; the loop reaps them. */
void conns_kill(struct conns *conns);

#endif
