#ifndef EXPIRY_H
#define EXPIRY_H

#include "relayd/relay.h"

/*
 * Grants that are about to end: each is logged 14, 3 and 1 days ahead, and
 * told once by mail to its owner= and to the postmaster.  Looked for at the start,
 * after each reload and every hour.
 */
struct expiry;

struct expiry *expiry_new(struct relay *relay);
/* Other rules are in force. */
void expiry_look(struct expiry *expiry);
void expiry_free(struct expiry *expiry);

#endif
