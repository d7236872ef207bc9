#ifndef LISTENER_H
#define LISTENER_H

#include <sys/socket.h>

#include <stdint.h>

#include "base/buf.h"
#include "loop.h"

/*
 * A listening socket.  It accepts a bounded number of connections a turn
 * and hands each to its owner.  Out of descriptors (EMFILE, ENFILE): it answers
 * newcomers 421 with a spare descriptor and rests a moment; nothing spins.
 */
struct listener;

/*
 * Opens sockets for address ("*", "127.0.0.1", "::1") and port; "*" is one
 * v6 socket that takes v4 too, or v4 alone where the host has no v6.  accepted() owns fd (non-blocking,
 * close-on-exec).  NULL with address, port and errno text in why.
 */
struct listener *listener_open(struct loop *loop, const char *address,
    uint16_t port,
    void (*accepted)(void *owner, int fd, const struct sockaddr *peer,
	socklen_t peer_len),
    void *owner, struct buf *why);
/* The same for a socket that was passed in (socket activation). */
struct listener *listener_adopt(struct loop *loop, int fd,
    void (*accepted)(void *owner, int fd, const struct sockaddr *peer,
	socklen_t peer_len),
    void *owner);
/*
 * What newcomers hear when there is no descriptor for them; borrowed.  By
 * default a 421; an empty span where TLS begins at once.
 */
void listener_refusal(struct listener *listener, struct span text);
/* Backpressure: a resting listener is not polled. */
void listener_rest(struct listener *listener, bool resting);
uint16_t listener_port(const struct listener *listener);
/* No more calls.  The port is free at once; NULL is fine. */
void listener_close(struct listener *listener);

#endif
