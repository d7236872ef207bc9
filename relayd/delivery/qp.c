/*
 * qp - quoted-printable.
 *
 * Job:     write any bytes as lines of at most 76 printable characters.
 * Called:  by downgrade.c for the 8-bit parts of a message; by what writes
 *          notices.
 * Owns:    nothing.
 * Never:   moves a hard line break (RFC 2045 6.7, rule 4).
 */
#include "relayd/delivery/qp.h"

enum {
	LINE_MAX_QP = 76 /* RFC 2045 6.7, rule 5; a soft break's = included */
};

void
qp_begin(struct qp *qp)
{
	*qp = (struct qp){ .column = 0 };
}

static void
put(struct qp *qp, struct span token, struct buf *out)
{
	if (qp->column + token.len > LINE_MAX_QP - 1) {
		buf_add(out, SPAN("=\r\n"));
		qp->column = 0;
	}
	buf_add(out, token);
	qp->column += token.len;
}

static void
put_quoted(struct qp *qp, char byte, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char c = (unsigned char)byte;
	char token[3] = { '=', digits[c >> 4], digits[c & 15] };

	put(qp, span_make(token, sizeof(token)), out);
}

static bool
plain(char byte)
{
	return byte > 0x20 && byte < 0x7f && byte != '=';
}

/* Rule 3: a blank or tab is itself, but never at the end of a line. */
static void
release_held(struct qp *qp, bool at_end, struct buf *out)
{
	if (qp->held != 0 && at_end)
		put_quoted(qp, qp->held, out);
	else if (qp->held != 0)
		put(qp, span_make(&qp->held, 1), out);
	qp->held = 0;
}

static void
hard_break(struct qp *qp, struct buf *out)
{
	release_held(qp, true, out);
	buf_add(out, SPAN("\r\n"));
	qp->column = 0;
	qp->cr = false;
}

static void
add_byte(struct qp *qp, char byte, struct buf *out)
{
	if (qp->cr && byte == '\n') {
		hard_break(qp, out);
		return;
	}
	if (byte == '\r' && !qp->cr) {
		qp->cr = true;
		return;
	}
	release_held(qp, false, out);
	if (qp->cr)
		put_quoted(qp, '\r', out);
	qp->cr = byte == '\r';
	if (byte == ' ' || byte == '\t')
		qp->held = byte;
	else if (plain(byte))
		put(qp, span_make(&byte, 1), out);
	else if (!qp->cr)
		put_quoted(qp, byte, out);
}

void
qp_add(struct qp *qp, struct span in, struct buf *out)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		add_byte(qp, in.data[i], out);
}

void
qp_end(struct qp *qp, struct buf *out)
{
	release_held(qp, true, out);
	if (qp->cr)
		put_quoted(qp, '\r', out);
	qp->cr = false;
}

void
qp_all(struct span text, struct buf *out)
{
	struct qp qp;

	qp_begin(&qp);
	qp_add(&qp, text, out);
	qp_end(&qp, out);
}
