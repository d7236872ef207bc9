#ifndef STUFF_H
#define STUFF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Dot-stuffing (RFC 5321 4.5.2) of content that comes in blocks: the result
 * is the same wherever it is cut.
 */
struct stuff {
	char before; /* the byte before the next one */
	char last;   /* the byte before that one */
};

/* The next byte begins a line. */
void stuff_begin(struct stuff *stuff);
/* Appends in to out, a dot put before each one that begins a line. */
void stuff_add(struct stuff *stuff, struct span in, struct buf *out);
/* Appends what ends a message: CRLF where none stands there, dot, CRLF. */
void stuff_end(struct stuff *stuff, struct buf *out);

#endif
