/*
 * notice - what a sender is told, as a message.
 *
 * Job:     put words, fields and the original together (RFC 6522) and give
 *          the message to the spool.
 * Called:  by the queue, with the recipients that share a story.
 * Owns:    nothing once the spool has it.
 * Never:   settles a recipient: the caller does, when done() says COMMITTED.
 */
#include "relayd/delivery/notice.h"

#include <stdio.h>
#include <string.h>

#include "relayd/delivery/dsn_fields.h"
#include "relayd/delivery/memo.h"
#include "relayd/delivery/notice_original.h"
#include "relayd/delivery/notice_words.h"
#include "relayd/delivery/qp.h"

enum {
	PART_MAX = 512 << 20, /* see memo.c: nothing grows to it */
	MARK_MAX = 64         /* bytes of a boundary */
};

/* The three parts, before they are put together. */
struct parts {
	struct buf words;
	const char *words_encoding;
	struct buf fields;
	struct notice_original original;
};

/* 8-bit words would have to be converted, and some hops do not take them. */
static void
encode_words(struct parts *parts)
{
	struct buf plain = parts->words;

	parts->words_encoding = "7bit";
	if (!span_eight_bit(buf_span(&plain)))
		return;
	parts->words_encoding = "quoted-printable";
	buf_init(&parts->words, PART_MAX);
	qp_all(buf_span(&plain), &parts->words);
	buf_clear(&plain);
}

static void
parts_make(struct parts *parts, const struct notice *notice,
    const struct conf *conf, struct span to)
{
	buf_init(&parts->words, PART_MAX);
	buf_init(&parts->fields, PART_MAX);
	notice_words_add(notice, conf, to, &parts->words);
	encode_words(parts);
	dsn_fields_add(notice, conf, &parts->fields);
	notice_original_read(notice, &parts->original);
}

static void
parts_clear(struct parts *parts)
{
	buf_clear(&parts->words);
	buf_clear(&parts->fields);
	notice_original_clear(&parts->original);
}

static bool
holds(const struct buf *part, const char *mark)
{
	return part->len > 0 &&
	    memmem(part->data, part->len, mark, strlen(mark)) != NULL;
}

/* A boundary that occurs in no part, whoever wrote it. */
static void
choose_mark(const struct parts *parts, uint64_t id, char mark[MARK_MAX])
{
	char text[SPOOL_ID_LEN + 1];
	unsigned long n = 0;

	spool_id_text(id, text);
	do {
		snprintf(mark, MARK_MAX, "=_relayd_%s_%lu", text, n++);
	} while (holds(&parts->words, mark) || holds(&parts->fields, mark) ||
	    holds(&parts->original.bytes, mark));
}

/* One part: its header, a blank line, its bytes, and a line end if it lacks it. */
static void
add_part(struct buf *out, const char *mark, const char *type,
    const char *encoding, const struct buf *bytes)
{
	buf_addf(out,
	    "--%s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "\r\n",
	    mark, type, encoding);
	buf_add(out, buf_span(bytes));
	if (bytes->len > 0 && !span_ends(buf_span(bytes), SPAN("\n")))
		buf_add(out, SPAN("\r\n"));
	buf_add(out, SPAN("\r\n"));
}

static void
add_parts(struct memo *memo, const struct parts *parts)
{
	const struct notice_original *original = &parts->original;
	struct buf *out = &memo->text;
	bool eight = span_eight_bit(buf_span(&original->bytes));
	char mark[MARK_MAX];

	choose_mark(parts, memo_id(memo), mark);
	buf_addf(out,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    " boundary=\"%s\"\r\n"
	    "Content-Transfer-Encoding: %s\r\n"
	    "\r\n"
	    "This is a delivery report in MIME format (RFC 6522).\r\n"
	    "\r\n",
	    mark, eight ? "8bit" : "7bit");
	add_part(out, mark, "text/plain; charset=utf-8", parts->words_encoding,
	    &parts->words);
	add_part(out, mark, "message/delivery-status", "7bit", &parts->fields);
	if (original->type != NULL)
		add_part(out, mark, original->type, original->encoding,
		    &original->bytes);
	buf_addf(out, "--%s--\r\n", mark);
}

bool
notice_send(const struct notice *notice, const struct conf *conf,
    struct span to, void (*done)(void *owner, enum commit_result result),
    void *owner)
{
	struct parts parts;
	struct memo memo;

	/* RFC 3834 5: auto-replied, for it answers a message. */
	if (!memo_begin(&memo, notice->spool, conf, to,
		notice_words_subject(notice, to), "auto-replied", notice->now))
		return false;
	parts_make(&parts, notice, conf, to);
	add_parts(&memo, &parts);
	parts_clear(&parts);
	return memo_send(&memo, notice->envelope->session, done, owner);
}
