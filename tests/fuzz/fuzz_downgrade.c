/*
 * fuzz_downgrade - any message is made 7-bit, or there is a reason not to.
 *
 * The first byte of the input says in pieces of how many bytes the rest
 * comes.  What is checked: pieces change nothing, what comes out is bounded
 * and needs no second conversion, and a message that is 7-bit passes as it is.
 */
#include <assert.h>
#include <stdint.h>

#include "domains/base/buf.h"
#include "relayd/delivery/downgrade.h"

enum {
	TEXT_MAX = 1 << 22
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As the spool keeps it: lines end in CRLF, and CR and LF are nowhere else. */
static void
normalise(struct span in, struct buf *out)
{
	size_t i;

	for (i = 0; i < in.len; i++) {
		if (in.data[i] == '\r' || in.data[i] == '\n')
			buf_add(out, SPAN("\r\n"));
		else
			buf_add_byte(out, in.data[i]);
		if (in.data[i] == '\r' && i + 1 < in.len &&
		    in.data[i + 1] == '\n')
			i++;
	}
}

/* NULL, and what comes out; or the reason. */
static const char *
convert(struct span in, size_t piece, struct buf *out)
{
	struct downgrade *downgrade = downgrade_new();
	struct span rest;
	const char *why;

	for (rest = in; rest.len > 0; rest = span_skip(rest, piece))
		downgrade_survey(downgrade, span_head(rest, piece));
	why = downgrade_surveyed(downgrade);
	if (why == NULL) {
		for (rest = in; rest.len > 0; rest = span_skip(rest, piece))
			downgrade_feed(downgrade, span_head(rest, piece), out);
		downgrade_end(downgrade, out);
	}
	downgrade_free(downgrade);
	return why;
}

static void
check(struct span in, size_t piece)
{
	struct buf whole, pieces, again;
	const char *why;

	buf_init(&whole, TEXT_MAX);
	buf_init(&pieces, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	why = convert(in, in.len, &whole);
	assert(convert(in, piece, &pieces) == why);
	assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	assert(whole.len <= in.len * DOWNGRADE_GROWTH + DOWNGRADE_HELD);
	if (!span_eight_bit(in))
		assert(why == NULL);
	if (why == NULL) {
		assert(convert(buf_span(&whole), whole.len, &again) == NULL);
		assert(span_equal(buf_span(&whole), buf_span(&again)));
	}
	buf_clear(&whole);
	buf_clear(&pieces);
	buf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct buf content;

	if (size < 2)
		return 0;
	buf_init(&content, TEXT_MAX);
	normalise(span_skip(rest, 1), &content);
	check(buf_span(&content), (size_t)data[0] + 1);
	buf_clear(&content);
	return 0;
}
