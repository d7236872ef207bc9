#ifndef SCRIPTED_CONNECTION_H
#define SCRIPTED_CONNECTION_H

#include "tests/support/scripted_hop.h"

/* The inside of a scripted next hop: nobody but scripted_hop.c includes this. */
struct connection;

/* Takes fd; the connection lives in the hop's loop and is hop->latest. */
void scripted_connection_new(struct scripted_hop *hop, int fd);
/* Says text and resets it, now. */
void scripted_connection_strike(struct connection *connection,
    const char *text);

#endif
