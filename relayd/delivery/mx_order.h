#ifndef MX_ORDER_H
#define MX_ORDER_H

#include "relayd/net/resolve.h"

/*
 * Puts MX records in the order in which they are tried (RFC 5321 5.1): by
 * preference, those of the same one at random.
 */
void mx_order(struct mx *records, size_t count, uint64_t (*random)(void *owner),
    void *owner);
/*
 * How many of these, in order, are better than us: our own name cuts the list
 * wherever it stands, with all of its preference and worse.
 */
size_t mx_better(const struct mx *records, size_t count, const char *us);

#endif
