/*
 * reply - reads what a next hop answers.
 *
 * Job:     turn bytes into one reply: its code, enhanced code and text.
 * Called:  by client.c with whatever came; by tests, byte by byte.
 * Owns:    the text of the reply that is being read.
 * Never:   reads a socket, holds more than REPLY_MAX bytes, or takes for a
 *          reply what is none (RFC 5321 4.2.1).
 */
#include "relayd/delivery/reply.h"

#include <string.h>

void
reply_init(struct reply *reply)
{
	*reply = (struct reply){ .at = REPLY_AT_START };
	buf_init(&reply->text, REPLY_MAX);
}

void
reply_clear(struct reply *reply)
{
	buf_clear(&reply->text);
}

void
reply_begin(struct reply *reply)
{
	struct buf text = reply->text;

	buf_empty(&text);
	*reply = (struct reply){ .at = REPLY_AT_START, .text = text };
}

void
reply_release(struct reply *reply)
{
	reply_begin(reply);
	buf_release(&reply->text);
}

bool
reply_begun(const struct reply *reply)
{
	return reply->total_len > 0;
}

/* Between lines of one reply the text has a \n. */
static void
begin_line(struct reply *reply)
{
	reply->digits = 0;
	reply->line_code = 0;
	reply->line_len = 0;
	reply->last = false;
	if (reply->line_count++ > 0)
		buf_add_byte(&reply->text, '\n');
	reply->at = REPLY_AT_DIGIT;
}

static enum reply_verdict
feed_digit(struct reply *reply, char byte)
{
	if (byte < '0' || byte > '9')
		return REPLY_BAD;
	reply->line_code = reply->line_code * 10 + (byte - '0');
	if (++reply->digits < 3)
		return REPLY_MORE;
	/* RFC 5321 4.2.1: there is no 1yz in SMTP; all lines say the same. */
	if (reply->line_code < 200 || reply->line_code > 599)
		return REPLY_BAD;
	if (reply->line_count > 1 && reply->line_code != reply->code)
		return REPLY_BAD;
	reply->code = reply->line_code;
	reply->at = REPLY_AT_CODE;
	return REPLY_MORE;
}

/* The length of a code of RFC 3463 section 2 at the head of text, or 0. */
static size_t
enhanced_length(struct span text, char class)
{
	size_t at = 1, digits, dot;

	if (text.len < 5 || text.data[0] != class)
		return 0;
	for (dot = 0; dot < 2; dot++) {
		if (at >= text.len || text.data[at++] != '.')
			return 0;
		for (digits = 0; at < text.len && digits < 3; digits++, at++)
			if (text.data[at] < '0' || text.data[at] > '9')
				break;
		if (digits == 0)
			return 0;
	}
	if (at < text.len && text.data[at] != ' ')
		return 0;
	return at;
}

static char
class_digit(const struct reply *reply)
{
	return (char)('0' + reply->code / 100);
}

static enum reply_verdict
end_line(struct reply *reply)
{
	struct span text = buf_span(&reply->text);
	size_t n;

	if (reply->line_count == 1) {
		n = enhanced_length(text, class_digit(reply));
		if (n > 0 && n < sizeof(reply->enhanced)) {
			memcpy(reply->enhanced, text.data, n);
			reply->enhanced[n] = '\0';
		}
	}
	reply->at = REPLY_AT_START;
	return reply->last ? REPLY_WHOLE : REPLY_MORE;
}

/*
 * A line may end in LF alone, and may be a code and nothing else: both mean
 * one thing only.  Anything else behind the code is no reply.
 */
static enum reply_verdict
feed_separator(struct reply *reply, char byte)
{
	switch (byte) {
	case '-':
		reply->at = REPLY_AT_TEXT;
		return REPLY_MORE;
	case ' ':
		reply->last = true;
		reply->at = REPLY_AT_TEXT;
		return REPLY_MORE;
	case '\r':
		reply->last = true;
		reply->at = REPLY_AT_BARE_CR;
		return REPLY_MORE;
	case '\n':
		reply->last = true;
		return end_line(reply);
	}
	return REPLY_BAD;
}

static enum reply_verdict
feed_text(struct reply *reply, char byte)
{
	if (byte == '\n')
		return end_line(reply);
	if (byte == '\r') {
		reply->at = REPLY_AT_CR;
		return REPLY_MORE;
	}
	buf_add_byte(&reply->text, byte);
	return REPLY_MORE;
}

/* A CR that ended no line is text, to be escaped by whoever shows it. */
static enum reply_verdict
feed_after_cr(struct reply *reply, char byte)
{
	if (byte == '\n')
		return end_line(reply);
	buf_add_byte(&reply->text, '\r');
	reply->at = REPLY_AT_TEXT;
	return feed_text(reply, byte);
}

static enum reply_verdict
feed_byte(struct reply *reply, char byte)
{
	reply->total_len++;
	if (reply->at == REPLY_AT_START)
		begin_line(reply);
	if (++reply->line_len > REPLY_LINE_MAX || reply->total_len > REPLY_MAX)
		return REPLY_BAD;
	switch (reply->at) {
	case REPLY_AT_START:
	case REPLY_AT_DIGIT:
		return feed_digit(reply, byte);
	case REPLY_AT_CODE:
		return feed_separator(reply, byte);
	case REPLY_AT_TEXT:
		return feed_text(reply, byte);
	case REPLY_AT_CR:
		return feed_after_cr(reply, byte);
	case REPLY_AT_BARE_CR:
		return byte == '\n' ? end_line(reply) : REPLY_BAD;
	}
	return REPLY_BAD;
}

/*
 * Only the start of garbage is worth keeping: it will be shown to people.
 * A fault within the first line of a block is shown from that line's start.
 */
static void
keep_fault(struct reply *reply, struct span in, size_t used)
{
	size_t line = used < reply->line_len ? used : reply->line_len;

	buf_empty(&reply->text);
	buf_add(&reply->text,
	    span_head(span_skip(in, used - line), REPLY_LINE_MAX));
	reply->code = 0;
	reply->enhanced[0] = '\0';
}

enum reply_verdict
reply_feed(struct reply *reply, struct span in, size_t *used)
{
	enum reply_verdict verdict = REPLY_MORE;
	size_t i;

	for (i = 0; i < in.len && verdict == REPLY_MORE; i++)
		verdict = feed_byte(reply, in.data[i]);
	*used = i;
	if (verdict == REPLY_BAD)
		keep_fault(reply, in, i);
	return verdict;
}

int
reply_class(const struct reply *reply)
{
	return reply->code / 100;
}

void
reply_line(const struct reply *reply, struct buf *out)
{
	struct span rest = buf_span(&reply->text), line;
	size_t skip = strlen(reply->enhanced);
	bool first = true;

	buf_addf(out, "%d", reply->code);
	while (rest.data != NULL) {
		line = span_cut(&rest, '\n');
		if (!first && skip > 0 &&
		    span_starts(line, span_of(reply->enhanced)) &&
		    (line.len == skip || line.data[skip] == ' '))
			line = span_skip(line, skip);
		line = span_trim(line);
		if (line.len > 0)
			buf_add_byte(out, ' ');
		buf_add(out, line);
		first = false;
	}
}
