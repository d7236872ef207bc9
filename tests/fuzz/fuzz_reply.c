/*
 * fuzz_reply - whatever a next hop says, it is read as replies or as none,
 * and what was read of it is bounded and safe to show.
 *
 * The first byte of the input says in pieces of how many bytes the rest
 * comes.  What is checked: pieces change nothing, and a whole reply has a
 * code, a class and one line.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "relayd/delivery/offers.h"
#include "relayd/delivery/outcome.h"
#include "relayd/delivery/reply.h"

enum {
	STORY_MAX = 1 << 22
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
show(const struct reply *reply, struct buf *story)
{
	struct outcome outcome = { .kind = OUTCOME_NONE };
	struct offers offers;
	struct buf line;
	const char *at;

	assert(reply->code >= 200 && reply->code <= 599);
	assert(reply_class(reply) == reply->code / 100);
	assert(reply->enhanced[0] == '\0' ||
	    reply->enhanced[0] - '0' == reply_class(reply));
	buf_init(&line, REPLY_MAX + ENHANCED_MAX);
	reply_line(reply, &line);
	assert(line.len >= 3 && memchr(line.data, '\n', line.len) == NULL);
	outcome_set(&outcome, OUTCOME_LATER, reply->code, reply->enhanced,
	    buf_span(&line), NULL);
	for (at = outcome.text; *at != '\0'; at++)
		assert((unsigned char)*at >= ' ' && *at != '\x7f');
	offers_read(&offers, reply);
	buf_addf(story, "%d %s %d%d%d%d%d %llu %zu %zu %s\n", reply->code,
	    reply->enhanced, offers.pipelining, offers.starttls,
	    offers.eight_bit_mime, offers.smtputf8, offers.dsn,
	    (unsigned long long)offers.size_max, offers.rcpt_max,
	    offers.mail_max, outcome.text);
	outcome_clear(&outcome);
	buf_clear(&line);
}

/* All of it, in pieces; what was heard of it is the story. */
static void
hear(struct span rest, size_t piece, struct buf *story)
{
	enum reply_verdict verdict = REPLY_MORE;
	struct reply reply;
	size_t used;

	reply_init(&reply);
	while (rest.len > 0 && verdict != REPLY_BAD) {
		verdict = reply_feed(&reply, span_head(rest, piece), &used);
		assert(used <= rest.len && used <= piece);
		assert(used > 0 || verdict == REPLY_BAD);
		assert(reply.text.len <= REPLY_MAX);
		rest = span_skip(rest, used);
		if (verdict == REPLY_MORE)
			continue;
		if (verdict == REPLY_WHOLE)
			show(&reply, story);
		else
			buf_add(story, SPAN("none\n"));
		reply_begin(&reply);
	}
	reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size);
	struct buf whole, pieces;

	if (size < 2)
		return 0;
	rest = span_skip(rest, 1);
	buf_init(&whole, STORY_MAX);
	buf_init(&pieces, STORY_MAX);
	hear(rest, rest.len, &whole);
	hear(rest, (size_t)data[0] + 1, &pieces);
	assert(span_equal(buf_span(&whole), buf_span(&pieces)));
	buf_clear(&whole);
	buf_clear(&pieces);
	return 0;
}
