/*
 * fuzz_dot - any bytes behind DATA: they end where CRLF.CRLF is and nowhere
 * else, and what was before it comes out as a plain reading of RFC 5321 says.
 *
 * The first byte of the input says in pieces of how many bytes the rest
 * comes.  What is checked: the reader in one go, the reader in pieces, and a
 * second reader that looks at all bytes at once agree.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "domains/base/buf.h"
#include "relayd/smtp/dot.h"

enum {
	TEXT_MAX = 1 << 16
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the reader makes of it; returns how many bytes it used. */
static size_t
read_dot(struct span all, size_t step, struct buf *out, bool *end)
{
	enum dot_verdict verdict = DOT_MORE;
	struct span in, piece;
	size_t used = 0, given;
	struct dot dot;

	dot_init(&dot, DOT_STUFFED);
	while (used < all.len && verdict != DOT_END) {
		in = span_head(span_skip(all, used), step);
		given = in.len;
		while ((verdict = dot_next(&dot, &in, &piece)) == DOT_PIECE) {
			assert(piece.len > 0);
			buf_add(out, piece);
		}
		used += given - in.len;
		assert(verdict == DOT_END || in.len == 0);
	}
	*end = verdict == DOT_END;
	buf_addf(out, "%d%d", dot.bare_lf, dot.bare_cr);
	if (*end)
		buf_addf(out, "%d", dot.dot_lines);
	return used;
}

/* Line ends of every kind, and what stands between them. */
static void
add_line(struct span line, bool closed, struct buf *out, bool *bare_lf,
    bool *bare_cr)
{
	size_t i;

	for (i = 0; i < line.len; i++) {
		if (line.data[i] != '\r' && line.data[i] != '\n') {
			buf_add_byte(out, line.data[i]);
			continue;
		}
		*bare_cr = *bare_cr || line.data[i] == '\r';
		*bare_lf = *bare_lf || line.data[i] == '\n';
		buf_add(out, SPAN("\r\n"));
	}
	if (closed)
		buf_add(out, SPAN("\r\n"));
}

static bool
a_line_begins_with_a_dot(struct span text)
{
	if (span_starts(text, SPAN(".")))
		return true;
	return text.len > 0 && memmem(text.data, text.len, "\r\n.", 3) != NULL;
}

/* The second reader: lines are what stands between CRLFs, and only that. */
static size_t
read_lines(struct span all, struct buf *out)
{
	bool bare_lf = false, bare_cr = false;
	struct span rest = all, line;
	const char *crlf;

	while ((crlf = rest.len == 0 ?
		       NULL :
		       memmem(rest.data, rest.len, "\r\n", 2)) != NULL) {
		line = span_head(rest, (size_t)(crlf - rest.data));
		rest = span_skip(rest, line.len + 2);
		if (span_equal(line, SPAN("."))) {
			bool dots = a_line_begins_with_a_dot(buf_span(out));

			buf_addf(out, "%d%d%d", bare_lf, bare_cr, dots);
			return all.len - rest.len;
		}
		if (span_starts(line, SPAN(".")))
			line = span_skip(line, 1);
		add_line(line, true, out, &bare_lf, &bare_cr);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	bool end, end_pieces;
	struct buf whole, pieces, lines;
	size_t used;

	if (size < 2)
		return 0;
	rest = span_skip(rest, 1);
	buf_init(&whole, TEXT_MAX);
	buf_init(&pieces, TEXT_MAX);
	buf_init(&lines, TEXT_MAX);
	used = read_dot(rest, rest.len, &whole, &end);
	assert(
	    read_dot(rest, (size_t)data[0] + 1, &pieces, &end_pieces) == used);
	/* In pieces a line end may still be awaited, as in one go. */
	assert(end == end_pieces);
	assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	assert(read_lines(rest, &lines) == (end ? used : 0));
	if (end)
		assert(span_equal(buf_span(&whole), buf_span(&lines)));
	buf_clear(&whole);
	buf_clear(&pieces);
	buf_clear(&lines);
	return 0;
}
