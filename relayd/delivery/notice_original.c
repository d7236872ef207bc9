/*
 * notice_original - what a notice returns of the message it is about.
 *
 * Job:     read the original or its header, in a form that passes any hop.
 * Called:  by notice.
 * Owns:    the bytes, until notice_original_clear().
 * Never:   returns more than NOTICE_MAX bytes, and never fails a notice: what
 *          cannot be read is left out.
 */
#include "relayd/delivery/notice_original.h"

#include <sys/types.h>

#include <string.h>

#include "relayd/delivery/qp.h"

enum {
	FULL_MAX = 256 << 10,  /* bytes of an original that is returned whole */
	HEADER_MAX = 64 << 10, /* and of a header */
	NOTICE_MAX = 1 << 20,  /* and of a notice that failed */
	LINE_LONGEST = 998,    /* RFC 5322 2.1.1 */
	BYTES_MAX = QP_GROWTH * NOTICE_MAX + QP_HELD
};

static bool
is_about_notice(const struct notice *notice)
{
	return (notice->envelope->flags & ENVELOPE_NOTICE) != 0;
}

/* RFC 3461 4.3: only a failure returns all, and RET=HDRS is the default. */
static bool
wants_all(const struct notice *notice)
{
	return notice->kind == NOTICE_FAILED &&
	    (notice->envelope->flags & ENVELOPE_RET_FULL) != 0 &&
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

/* Lines as RFC 2045 2.7 and 2.8 have them, of 7bit and 8bit alike. */
static bool
has_sound_lines(struct span bytes)
{
	struct span line;

	while (bytes.data != NULL) {
		line = span_cut(&bytes, '\n');
		/* The CR is not of the line. */
		if (line.len > LINE_LONGEST + 1 ||
		    span_find(line, '\0') < line.len)
			return false;
	}
	return true;
}

/* True when it may go as 7bit: RFC 2045 2.7. */
static bool
is_plain(struct span bytes)
{
	return !span_eight_bit(bytes) && has_sound_lines(bytes);
}

static void
encode(struct notice_original *original)
{
	struct buf plain = original->bytes;

	original->encoding = "quoted-printable";
	buf_init(&original->bytes, BYTES_MAX);
	qp_all(buf_span(&plain), &original->bytes);
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
	if (!is_plain(buf_span(&original->bytes)))
		encode(original);
}

/*
 * message/rfc822 must not be encoded (RFC 2046 5.2.1), so what its lines do
 * not allow to pass any hop comes back as its header.  message/global may be
 * (RFC 6532 3.7), and is: 8-bit parts of that kind nobody converts on the way.
 */
static void
make_all(const struct notice *notice, struct notice_original *original)
{
	struct span bytes = buf_span(&original->bytes);
	bool eight = span_eight_bit(bytes);

	if (eight && (notice->envelope->flags & ENVELOPE_SMTPUTF8) != 0) {
		original->type = "message/global";
		encode(original);
	} else if (has_sound_lines(bytes)) {
		original->type = "message/rfc822";
		original->encoding = eight ? "8bit" : "7bit";
	} else {
		make_header(notice, original);
	}
}

/*
 * A notice that failed says to the postmaster what nobody else was told: all
 * of it, or as much as there is room for, in a form that no hop refuses for
 * its 8-bit bytes; the notice may have failed for just that.
 */
static void
make_notice(const struct notice *notice, struct notice_original *original)
{
	struct buf *bytes = &original->bytes;

	if (notice->content->size > NOTICE_MAX)
		buf_cut(bytes, span_find_last(buf_span(bytes), '\n') + 1);
	original->type = "message/rfc822";
	original->encoding = "7bit";
	if (is_plain(buf_span(bytes)))
		return;
	original->type = "text/plain; charset=utf-8";
	encode(original);
}

void
notice_original_read(const struct notice *notice,
    struct notice_original *original)
{
	void (*make)(const struct notice *notice,
	    struct notice_original *original) = make_header;
	size_t max = HEADER_MAX;

	*original = (struct notice_original){ .type = NULL };
	buf_init(&original->bytes, BYTES_MAX);
	if (notice->content == NULL || notice->content->size == 0)
		return;
	if (is_about_notice(notice)) {
		make = make_notice;
		max = NOTICE_MAX;
	} else if (wants_all(notice)) {
		make = make_all;
		max = FULL_MAX;
	}
	if (read_head(notice, max, &original->bytes))
		make(notice, original);
}

void
notice_original_clear(struct notice_original *original)
{
	buf_clear(&original->bytes);
}
