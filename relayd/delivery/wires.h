#ifndef WIRES_H
#define WIRES_H

#include "base/buf.h"
#include "domains/route.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/core.h"

/*
 * What every connection needs, by level of TLS.  Clients borrow it, so an old
 * one is kept until delivery ends: reloads are rare and it is small.
 */
/* NULL with the reason in why.  Takes over older, which stays valid. */
struct wires *wires_new(struct core *core, const struct conf *conf,
    struct wires *older, struct buf *why);
void wires_free(struct wires *wires);
const struct client_needs *wires_needs(const struct wires *wires,
    enum tls_level tls);

#endif
