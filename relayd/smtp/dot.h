#ifndef DOT_H
#define DOT_H

#include <stdbool.h>

#include "base/span.h"

/*
 * The reader of message data: takes dot stuffing off, brings every line end
 * to CRLF and finds the one end of the data, CRLF.CRLF (RFC 5321 4.1.1.4 and
 * 4.5.2).  Pure, and it can stop at any byte.
 */
enum dot_mode {
	DOT_STUFFED, /* DATA: a dot ends it, stuffed dots are taken off */
	DOT_PLAIN,   /* BDAT: dots mean nothing, the end is counted elsewhere */
};

struct dot {
	int at; /* enum dot_at, private */
	enum dot_mode mode;
	bool owed;      /* a CRLF is due before the next byte, private */
	bool dot_lines; /* some line that came out begins with a dot */
	bool bare_lf;   /* seen, and made CRLF */
	bool bare_cr;
};

enum dot_verdict {
	DOT_PIECE, /* *piece is content; ask again */
	DOT_MORE,  /* *in is used up */
	DOT_END,   /* the data has ended; *in is what stands behind it */
};

void dot_init(struct dot *dot, enum dot_mode mode);

/*
 * The next piece of content out of *in, which moves on.  *piece borrows from
 * *in or is a static CRLF; it is never empty.  Ask until it is not DOT_PIECE.
 */
enum dot_verdict dot_next(struct dot *dot, struct span *in, struct span *piece);

/*
 * DOT_PLAIN only: there are no more bytes.  True when *piece must be added so
 * that the content ends in CRLF.
 */
bool dot_finish(struct dot *dot, struct span *piece);

#endif
