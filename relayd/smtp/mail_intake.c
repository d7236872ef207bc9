/*
 * mail_intake - the content of a message between the client and the spool.
 *
 * Job:     pass content on in large pieces while counting its size, looking
 *          at its header and noticing 8-bit bytes.
 * Called:  by session_data.c.
 * Owns:    the spool's intake until it is committed or dropped.
 * Never:   keeps content itself; never stops reading early because of a
 *          fault, for the client waits for a reply at the end.
 */
#include "relayd/smtp/mail_intake.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	ENDLESS_SLACK = 1 << 20 /* bytes read beyond twice the limit */
};

struct mail_intake *
mail_intake_new(struct spool *spool, enum dot_mode mode, uint64_t limit)
{
	struct intake *intake = spool_begin(spool);
	struct mail_intake *mail;

	if (intake == NULL)
		return NULL;
	mail = xcalloc(1, sizeof(*mail));
	mail->intake = intake;
	mail->id = intake_id(intake);
	mail->limit = limit;
	dot_init(&mail->dot, mode);
	headers_init(&mail->headers);
	return mail;
}

/* From the first fault on nothing is kept. */
static void
fail(struct mail_intake *mail, enum mail_fault fault)
{
	mail->fault = fault;
	intake_cancel(mail->intake);
	mail->intake = NULL;
}

/* Eight bytes at a time: the whole of every 7-bit message passes here. */
static bool
eight_bit(struct span piece)
{
	uint64_t word, all = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= piece.len; i += sizeof(word)) {
		memcpy(&word, piece.data + i, sizeof(word));
		all |= word;
	}
	for (; i < piece.len; i++)
		all |= (unsigned char)piece.data[i];
	return (all & 0x8080808080808080u) != 0;
}

static void
take(struct mail_intake *mail, struct span piece)
{
	mail->size += piece.len; /* bounded by mail_intake_endless() */
	if (mail->fault != MAIL_FINE)
		return;
	if (mail->size > mail->limit) {
		fail(mail, MAIL_TOO_BIG);
		return;
	}
	if (!headers_done(&mail->headers)) {
		headers_feed(&mail->headers, piece);
		if (mail->headers.received > MAIL_RECEIVED_MAX) {
			fail(mail, MAIL_LOOPS);
			return;
		}
	}
	if (!mail->eight_bit)
		mail->eight_bit = eight_bit(piece);
	if (!intake_add(mail->intake, piece))
		fail(mail, MAIL_NO_DISK);
}

bool
mail_intake_feed(struct mail_intake *mail, struct span *in)
{
	enum dot_verdict verdict;
	struct span piece;

	while ((verdict = dot_next(&mail->dot, in, &piece)) == DOT_PIECE)
		take(mail, piece);
	return verdict == DOT_END;
}

void
mail_intake_finish(struct mail_intake *mail)
{
	struct span piece;

	if (dot_finish(&mail->dot, &piece))
		take(mail, piece);
}

bool
mail_intake_endless(const struct mail_intake *mail)
{
	return mail->size / 2 > mail->limit &&
	    mail->size - mail->limit > ENDLESS_SLACK;
}

void
mail_intake_commit(struct mail_intake *mail, const struct envelope *envelope,
    struct span prefix, void (*done)(void *owner, enum commit_result result),
    void *owner)
{
	assert(mail->fault == MAIL_FINE);
	/* No line of ours begins with a dot. */
	intake_commit(mail->intake, envelope, prefix, mail->dot.dot_lines, done,
	    owner);
	mail->intake = NULL;
	mail_intake_free(mail);
}

void
mail_intake_free(struct mail_intake *mail)
{
	if (mail == NULL)
		return;
	if (mail->intake != NULL)
		intake_cancel(mail->intake);
	free(mail);
}
