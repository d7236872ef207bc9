#ifndef ANSWER_H
#define ANSWER_H

#include "base/buf.h"
#include "base/span.h"

enum {
	ANSWER_LINE_MAX = 512 /* RFC 5321 4.5.3.1.5, CRLF included */
};

/*
 * Appends one reply: a line for each line of text (separated by LF), folded
 * into more where one would pass ANSWER_LINE_MAX.  Each line carries code
 * and, unless NULL, the enhanced code (RFC 2034 4).  Bytes that are not
 * printable ASCII are escaped: they came from somebody else.
 */
void answer_add(struct buf *out, int code, const char *enhanced,
    struct span text);

#endif
