#ifndef DESK_WIRE_H
#define DESK_WIRE_H

#include <stdbool.h>

#include "base/buf.h"
#include "relayd/admin/conf.h"
#include "tests/support/desk.h"

/*
 * A desk behind a connection: the same sessions as desk.h has, but what they
 * hear and say goes through conn.c, a stream and a socket, in the clear or
 * under TLS.  One connection at a time; nothing blocks.
 */
struct desk_wire;

/*
 * LISTEN_TLS_STARTTLS begins in the clear; the client shakes hands as soon
 * as it is told to begin.
 */
struct desk_wire *desk_wire_new(struct desk *desk,
    const struct desk_options *options, enum listen_tls mode);
/* Before desk_free(). */
void desk_wire_free(struct desk_wire *wire);

/* A new connection in the place of the old one: desk_connect() for wires. */
void desk_wire_connect(struct desk_wire *wire);
/* Under TLS, one record. */
void desk_wire_send(struct desk_wire *wire, struct span bytes);
/* The end of the connection, before the desk is used without the wire. */
void desk_wire_hang_up(struct desk_wire *wire);
/* Appends what was said until all is still; false once it is closed. */
bool desk_wire_receive(struct desk_wire *wire, struct buf *out);

#endif
