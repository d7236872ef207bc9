#ifndef QP_H
#define QP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Quoted-printable (RFC 2045 6.7) of text that comes in blocks with CRLF line
 * ends: the result is the same wherever it is cut.
 */
struct qp {
	size_t column; /* of the line that is being written */
	char held;     /* a blank or tab that may end the line; or 0 */
	bool cr;       /* a CR that may begin CRLF */
};

enum {
	QP_GROWTH =
	    4,        /* no byte becomes more than this, soft breaks included */
	QP_HELD = 16, /* and this much may have been held before */
};

/* A line begins. */
void qp_begin(struct qp *qp);
void qp_add(struct qp *qp, struct span in, struct buf *out);
/* No more comes: what was held is written. */
void qp_end(struct qp *qp, struct buf *out);
/* The three, of a text that is whole. */
void qp_all(struct span text, struct buf *out);

#endif
