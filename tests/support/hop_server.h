#ifndef HOP_SERVER_H
#define HOP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "tests/support/hop_session.h"

/*
 * A next hop on a socket: many connections of hop_session, one poll(2) loop.
 */
struct hop_server;

/* Port 0: the kernel chooses.  NULL with the reason in why. */
struct hop_server *hop_server_new(const char *address, uint16_t port,
    const struct hop_events *events, struct buf *why);
uint16_t hop_server_port(const struct hop_server *server);
/*
 * Serves until stop() says true; it is asked each time control_fd is
 * readable, and has to read it.
 */
void hop_server_run(struct hop_server *server, int control_fd,
    bool (*stop)(void *owner), void *owner);
/* Drops all connections. */
void hop_server_free(struct hop_server *server);

#endif
