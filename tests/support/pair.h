#ifndef PAIR_H
#define PAIR_H

#include "relayd/net/stream.h"

/* Two connected streams, over TCP on loopback. */
struct pair {
	struct stream *near;
	struct stream *far;
	int near_fd; /* of near */
	int far_fd;
	struct tls_server *server; /* owned; of pair_cover() */
	struct tls_client *client;
};

enum {
	PAIR_WAIT_MS = 5000, /* for what should take no time */
};

/* Two connected non-blocking sockets. */
void pair_sockets(int ends[2]);
void pair_open(struct pair *pair);
/* The same with buffers of the kernel's least size. */
void pair_open_narrow(struct pair *pair);
/* TLS between them, over a certificate made on the spot. */
void pair_cover(struct pair *pair);
/* Frees the ends that are left (NULL: it was freed). */
void pair_close(struct pair *pair);
/* Waits until fd can be read or written; false after PAIR_WAIT_MS. */
bool pair_wait(int fd, short events);
/* Shakes hands on both ends until one fails or both are done: near's, far's word. */
void pair_handshake(struct pair *pair, enum io *near, enum io *far);

#endif
