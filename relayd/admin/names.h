#ifndef NAMES_H
#define NAMES_H

#include "domains/rules.h"
#include "relayd/net/loop.h"
#include "relayd/net/resolve.h"

/*
 * Keeps the addresses behind names on the allowlist fresh: looked up ahead,
 * again when their TTL is over, the last good answer kept while DNS fails.
 * A session therefore never waits for DNS to learn whether it is granted.
 */
struct names;

/* All three are borrowed.  Begins to look up every name of rules. */
struct names *names_new(struct loop *loop, struct resolver *resolver,
    struct rules *rules);
/* Other rules from now on: everything is looked up anew. */
void names_reload(struct names *names, struct rules *rules);
void names_free(struct names *names);

#endif
