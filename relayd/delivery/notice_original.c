/*
 * notice_original - what a notice returns of the message it is about.
 *
 * Job:     read the original or its header, in a form that passes any hop.
 * Called:  by notice.
 * Owns:    the bytes, until notice_original_clear().
 * Never:   returns more than FULL_MAX bytes, and never fails a notice: what
 *          cannot be read is left out.
 */
#include "relayd/delivery/notice_original.h"

#include <sys/types.h>

#include <string.h>

#include "relayd/delivery/qp.h"

enum {
	FULL_MAX = 256 << 10,  /* bytes of an original that is returned whole */
	HEADER_MAX = 64 << 10, /* and of a header */
	LINE_LONGEST = 998,    /* RFC 5322 2.1.1 */
	BYTES_MAX = QP_GROWTH * FULL_MAX + QP_HELD
};

/*
 * RFC 3461 4.3: only a failure returns all, and RET=HDRS is the default.  A
 * notice that failed says to the postmaster what nobody else was told.
 */
static bool
wants_all(const struct notice *notice)
{
	return notice->kind == NOTICE_FAILED &&
	    (notice->envelope->flags & (ENVELOPE_RET_FULL | ENVELOPE_NOTICE)) !=
	    0 &&
	    notice->content->size <= FULL_MAX;
}

/* The first max bytes, or all.  False: the disk does not give them. */
static bool
read_head(const struct notice *notice, size_t max, struct buf *out)
{
	uint64_t size = notice->content->size;
	size_t want, room;
	ssize_t got;
	char *data;

	if (size < max)
		max = (size_t)size;
	while (out->len < max) {
		want = max - out->len;
		data = buf_room(out, want, &room);
		if (data == NULL)
			return false;
		got = content_read(notice->spool, notice->content, out->len,
		    data, want < room ? want : room);
		if (got <= 0)
			return false;
		buf_grew(out, (size_t)got);
	}
	return true;
}

/* Up to the blank line; of a header that is longer, its whole lines. */
static size_t
header_len(struct span bytes)
{
	const char *end = memmem(bytes.data, bytes.len, "\r\n\r\n", 4);
	size_t len;

	if (end != NULL)
		return (size_t)(end - bytes.data) + 2;
	len = span_find_last(bytes, '\n');
	return len == bytes.len ? len : len + 1;
}

/* True when it may go as 7bit: RFC 2045 2.7. */
static bool
is_plain(struct span bytes)
{
	struct span line;

	while (bytes.data != NULL) {
		line = span_cut(&bytes, '\n');
		if (line.len > LINE_LONGEST || span_eight_bit(line) ||
		    span_find(line, '\0') < line.len)
			return false;
	}
	return true;
}

static void
encode(struct buf *bytes)
{
	struct buf plain = *bytes;
	struct qp qp;

	buf_init(bytes, BYTES_MAX);
	qp_begin(&qp);
	qp_add(&qp, buf_span(&plain), bytes);
	qp_end(&qp, bytes);
	buf_clear(&plain);
}

/*
 * A header that is not plain is encoded, which text/ and, by RFC 6533 5,
 * message/global-headers allow.
 */
static void
make_header(const struct notice *notice, struct notice_original *original)
{
	bool utf8 = (notice->envelope->flags & ENVELOPE_SMTPUTF8) != 0;

	buf_cut(&original->bytes, header_len(buf_span(&original->bytes)));
	utf8 = utf8 && span_eight_bit(buf_span(&original->bytes));
	original->type =
	    utf8 ? "message/global-headers" : "text/rfc822-headers";
	original->encoding = "7bit";
	if (!is_plain(buf_span(&original->bytes))) {
		original->encoding = "quoted-printable";
		encode(&original->bytes);
	}
}

/* message/rfc822 must not be encoded (RFC 2046 5.2.1). */
static void
make_all(const struct notice *notice, struct notice_original *original)
{
	bool eight = span_eight_bit(buf_span(&original->bytes));

	original->encoding = eight ? "8bit" : "7bit";
	original->type = "message/rfc822";
	if (eight && (notice->envelope->flags & ENVELOPE_SMTPUTF8) != 0)
		original->type = "message/global";
}

void
notice_original_read(const struct notice *notice,
    struct notice_original *original)
{
	bool all;

	*original = (struct notice_original){ .type = NULL };
	buf_init(&original->bytes, BYTES_MAX);
	if (notice->content == NULL || notice->content->size == 0)
		return;
	all = wants_all(notice);
	if (!read_head(notice, all ? FULL_MAX : HEADER_MAX, &original->bytes))
		return;
	if (all)
		make_all(notice, original);
	else
		make_header(notice, original);
}

void
notice_original_clear(struct notice_original *original)
{
	buf_clear(&original->bytes);
}
