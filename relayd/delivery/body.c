/*
 * body - a message's content on its way to a next hop.
 *
 * Job:     read the content from the spool and put it on the wire, with our
 *          own dots and our own end.
 * Called:  by the client's step BODY, whenever the socket takes more.
 * Owns:    its place in the content.
 * Never:   sends the final dot after content that could not be read whole.
 */
#include "relayd/delivery/body.h"

#include <errno.h>

enum {
	BLOCK = 16 << 10, /* read and stuffed at a time */
	/*
	 * Up to here content is read into memory and leaves with its dot in
	 * one write; beyond, cork, sendfile, dot and uncork are cheaper.
	 */
	BY_FILE_FROM = 64 << 10,
	OUT_HIGH = 64 << 10, /* what waits for the socket */
};

void
body_begin(struct body *body, struct spool *spool,
    const struct content *content, struct downgrade *downgrade)
{
	*body = (struct body){
		.spool = spool,
		.content = content,
		.downgrade = downgrade,
		.by_file = downgrade == NULL && !content->has_dot_lines &&
		    content->size > BY_FILE_FROM,
	};
	stuff_begin(&body->stuff);
}

/* Reading less than was promised is a failure, whatever the disk says. */
static bool
unreadable(struct body *body, ssize_t got)
{
	body->error = got == -1 ? errno : EIO;
	return false;
}

static void
end(struct body *body, struct buf *out)
{
	stuff_end(&body->stuff, out);
	body->ended = true;
}

/* Lines that need nothing done are read where they leave from. */
static bool
fill_plain(struct body *body, struct buf *out)
{
	struct span tail;
	size_t room, start = out->len;
	ssize_t got;
	char *to;

	to = buf_room(out, BLOCK, &room);
	if (to == NULL)
		return true;
	got = content_read(body->spool, body->content, body->at, to, room);
	if (got <= 0)
		return unreadable(body, got);
	buf_grew(out, (size_t)got);
	body->at += (uint64_t)got;
	tail = span_skip(buf_span(out), start);
	if (tail.len > 1)
		body->stuff.last = tail.data[tail.len - 2];
	else
		body->stuff.last = body->stuff.before;
	body->stuff.before = tail.data[tail.len - 1];
	return true;
}

static bool
fill_changed(struct body *body, struct buf *out)
{
	char block[BLOCK];
	struct buf seven_bit;
	struct span in;
	ssize_t got;

	got = content_read(body->spool, body->content, body->at, block,
	    sizeof(block));
	if (got <= 0)
		return unreadable(body, got);
	body->at += (uint64_t)got;
	in = span_make(block, (size_t)got);
	if (body->downgrade == NULL) {
		stuff_add(&body->stuff, in, out);
		return true;
	}
	buf_init(&seven_bit, DOWNGRADE_GROWTH * BLOCK + DOWNGRADE_HELD);
	downgrade_feed(body->downgrade, in, &seven_bit);
	if (body->at == body->content->size)
		downgrade_end(body->downgrade, &seven_bit);
	stuff_add(&body->stuff, buf_span(&seven_bit), out);
	buf_clear(&seven_bit);
	return true;
}

bool
body_fill(struct body *body, struct buf *out)
{
	bool good = true;

	if (body->ended)
		return true;
	if (body->at < body->content->size) {
		if (body->content->has_dot_lines || body->downgrade != NULL)
			good = fill_changed(body, out);
		else
			good = fill_plain(body, out);
	}
	if (good && body->at == body->content->size)
		end(body, out);
	if (good && out->full) {
		body->error = EMSGSIZE;
		return false;
	}
	return good;
}

/* What was sent by file has not been seen: do its last bytes end a line? */
static bool
look_at_tail(struct body *body)
{
	char tail[2];
	ssize_t got;

	got = content_read(body->spool, body->content, body->content->size - 2,
	    tail, sizeof(tail));
	if (got != (ssize_t)sizeof(tail))
		return unreadable(body, got);
	body->stuff.last = tail[0];
	body->stuff.before = tail[1];
	return true;
}

static enum body_verdict
verdict_of(enum io io)
{
	if (io == IO_WAIT)
		return BODY_WAITING;
	return io == IO_OK ? BODY_MORE : BODY_BROKEN;
}

/* sendfile(2) has failed: was it the disk or the socket? */
static enum body_verdict
blame(struct body *body)
{
	ssize_t got;
	char byte;

	got = content_read(body->spool, body->content, body->at, &byte, 1);
	if (got == 1)
		return BODY_BROKEN;
	unreadable(body, got);
	return BODY_UNREADABLE;
}

/* BODY_MORE: this much went; the files are behind us when at is the size. */
static enum body_verdict
send_pieces(struct body *body, struct stream *stream, size_t budget)
{
	const struct content *content = body->content;
	uint64_t start = 0, from, left, before;
	enum io io;
	size_t i;

	for (i = 0; i < body->piece; i++)
		start += content->pieces[i].len;
	while (body->piece < content->piece_count) {
		from = content->pieces[body->piece].at + (body->at - start);
		left = content->pieces[body->piece].len - (body->at - start);
		before = left;
		io = stream_sendfile(stream, content->pieces[body->piece].fd,
		    &from, &left, budget);
		body->at += before - left;
		body->moved += before - left;
		if (io == IO_ERROR)
			return blame(body);
		if (io != IO_OK || left > 0)
			return verdict_of(io);
		start += content->pieces[body->piece].len;
		body->piece++;
	}
	return BODY_MORE;
}

static enum body_verdict
send_files(struct body *body, struct stream *stream, struct buf *out,
    size_t budget)
{
	enum body_verdict verdict;

	if (!body->corked)
		stream_cork(stream, true);
	body->corked = true;
	verdict = send_pieces(body, stream, budget);
	if (verdict != BODY_MORE || body->at < body->content->size)
		return verdict;
	if (!look_at_tail(body))
		return BODY_UNREADABLE;
	end(body, out);
	return BODY_MORE;
}

static enum body_verdict
write_out(struct body *body, struct stream *stream, struct buf *out)
{
	size_t before = out->len;
	enum io io = stream_write(stream, out);

	body->moved += before - out->len;
	return verdict_of(io);
}

static enum body_verdict
send_blocks(struct body *body, struct stream *stream, struct buf *out,
    size_t budget)
{
	enum body_verdict verdict = BODY_MORE;
	uint64_t start = body->moved;

	do {
		while (!body->ended && out->len < OUT_HIGH)
			if (!body_fill(body, out))
				return BODY_UNREADABLE;
		verdict = write_out(body, stream, out);
	} while (verdict == BODY_MORE && !body->ended &&
	    body->moved - start < budget);
	return verdict;
}

enum body_verdict
body_send(struct body *body, struct stream *stream, struct buf *out,
    size_t budget)
{
	enum body_verdict verdict;

	/* Under TLS the bytes pass through memory anyway. */
	if (body->by_file && body->at == 0 && stream_is_tls(stream))
		body->by_file = false;
	if (!body->by_file)
		verdict = send_blocks(body, stream, out, budget);
	else if (!body->ended)
		verdict = send_files(body, stream, out, budget);
	else
		verdict = BODY_MORE;
	if (body->by_file && body->ended && verdict == BODY_MORE)
		verdict = write_out(body, stream, out);
	if (verdict != BODY_MORE || !body->ended || out->len > 0)
		return verdict;
	if (body->corked)
		stream_cork(stream, false);
	return BODY_GONE_OUT;
}
