#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/admin/conf.h"
#include "relayd/net/loop.h"

struct tls_server;
struct listener;

/*
 * One entry of listen[]: a listening socket with its certificate and its
 * options.  Embedded by nobody; shown since connections read its options.
 */
struct endpoint {
	char *address; /* owned */
	uint16_t port; /* as configured; 0: from the kernel */
	enum listen_tls mode;
	bool accept_bare_lf;
	struct tls_server *tls;    /* owned; NULL without TLS */
	struct listener *listener; /* owned; NULL before it is opened */
	/* Takes a new client's fd. */
	void (*accepted)(struct endpoint *endpoint, int fd,
	    const struct sockaddr *peer, socklen_t peer_len);
	void *owner; /* borrowed */
};

/*
 * Loads the certificate and keeps the options; opens nothing.  NULL with the
 * reason in why.
 */
struct endpoint *endpoint_new(const struct conf *conf,
    const struct conf_listen *listen, struct buf *why);
/* Opens the socket, or takes one that was passed (not -1). */
bool endpoint_open(struct endpoint *endpoint, struct loop *loop, int passed,
    struct buf *why);
/* Is this where listen[] says? */
bool endpoint_same_place(const struct endpoint *a, const struct endpoint *b);
/* Moves options and certificate of newer here. */
void endpoint_take_options(struct endpoint *endpoint, struct endpoint *newer);
void endpoint_free(struct endpoint *endpoint);

#endif
