#ifndef UNITEXT_H
#define UNITEXT_H

#include "base/buf.h"
#include "base/span.h"

/*
 * Addresses of other scripts in ASCII: utf-8-addr-xtext of RFC 6533 3, in which
 * a character is \x{HEX}.  What they take is well-formed UTF-8.
 */

/* An address as people write it. */
void unitext_add_address(struct buf *out, struct span address);
/* One that is utf-8-addr-unitext already: what is ASCII in it stays. */
void unitext_add_encoded(struct buf *out, struct span address);

#endif
