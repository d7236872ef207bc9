#ifndef WIRES_H
#define WIRES_H

#include "base/buf.h"
#include "domains/route.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/core.h"

/*
 * What every connection needs, by level of TLS and login.  A client that connects still
 * borrows the trust from it; one that is connected does not.
 */
/* NULL with the reason in why. */
struct wires *wires_new(struct core *core, const struct conf *conf,
    struct buf *why);
void wires_free(struct wires *wires);
const struct client_needs *wires_needs(const struct wires *wires,
    enum tls_level tls);
/* With tls=verify and the login for outside, which there is. */
const struct client_needs *wires_logged_in(const struct wires *wires);

#endif
