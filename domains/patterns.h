#ifndef PATTERNS_H
#define PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"
#include "base/buf.h"
#include "base/span.h"

/*
 * The value of from= and to=: addresses of which one must match.
 *
 *     user@dom  one address         *@dom  or  dom   everyone there
 *     user@.dom  *@.dom  or  .dom   below dom at any depth, not dom itself
 *     <>        the null sender (from= only)
 *
 * dom may be an address literal.  Local parts compare unquoted and without
 * regard to ASCII case.
 */
struct pattern;

struct patterns {
	size_t count;         /* 0: not given; everything matches */
	struct pattern *list; /* owned */
};

/*
 * False with a static text in *why and the offset of the fault in *at.
 * null_allowed: <> is one of the patterns.
 */
bool patterns_parse(struct span value, bool null_allowed,
    struct patterns *patterns, size_t *at, const char **why);
bool patterns_match(const struct patterns *patterns,
    const struct address *address);
/* Appends them as patterns_parse() takes them. */
void patterns_text(const struct patterns *patterns, struct buf *out);
void patterns_clear(struct patterns *patterns);

#endif
