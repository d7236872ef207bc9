/*
 * session_data - DATA and BDAT: the message itself.
 *
 * Job:     read content into the spool; at its end commit it with its
 *          envelope and our header lines, and answer when the disk has.
 * Called:  by the table of verbs in session.c; read_ and the spool's done.
 * Owns:    a message from 354 until the spool has it.
 * Never:   says 250 before done(COMMITTED); reads on while it waits for that.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/smtp/received.h"
#include "relayd/smtp/session_inside.h"

enum {
	CHUNK_DIGITS = 19,     /* of a BDAT size: RFC 3030 names no limit */
	CHUNK_SLACK = 1 << 20, /* octets beyond twice the limit on size */
};

/* RFC 3030 2: whatever the answer is, the octets come first. */
static void
drop_chunk(struct session *session, uint64_t size,
    void (*refuse)(struct session *session))
{
	session->chunk.left = size;
	session->chunk.dropped = true;
	session->chunk.refuse = refuse;
}

static void
refuse_for_spool(struct session *session)
{
	if (spool_health(session->service->spool) == SPOOL_FULL)
		session_error(session, 452, "4.3.1",
		    "the relay is short of disk space; try again later");
	else
		session_error(session, 451, "4.3.0",
		    "the relay could not store the message; try again later");
	session->service->counts.failed++;
}

static void
refuse_for_rate(struct session *session)
{
	session_error(session, 450, "4.7.1",
	    "other connections from %s have used up its messages of this "
	    "hour; try again later",
	    session->client_text);
}

/* The one way out of a transaction that has failed: all of it is forgotten. */
static void
give_up(struct session *session, void (*refuse)(struct session *session))
{
	refuse(session);
	session_clear(session);
	session_enter_phase(session, PHASE_READY);
}

static bool
begin(struct session *session, enum dot_mode mode)
{
	struct service *service = session->service;

	session->mail = mail_intake_new(service->spool, mode,
	    service->conf->limits.message_size);
	if (session->mail == NULL)
		return false;
	session->block = 0;
	limits_count(service->limits, LIMITS_MESSAGES, &session->client,
	    service_now(service));
	return true;
}

void
session_do_data(struct session *session, struct span args)
{
	if (args.len > 0) {
		session_error(session, 501, "5.5.4", "DATA takes no argument");
		return;
	}
	if (session_over_rate(session)) {
		give_up(session, refuse_for_rate);
		return;
	}
	if (!begin(session, DOT_STUFFED)) {
		give_up(session, refuse_for_spool);
		return;
	}
	session_enter_phase(session, PHASE_BODY);
	session_reply(session, 354, NULL,
	    "send the message; end it with <CRLF>.<CRLF>");
}

static void
refuse_content(struct session *session)
{
	switch (session->mail->fault) {
	case MAIL_TOO_BIG:
		session_error(session, 552, "5.3.4",
		    "the message is larger than the %llu octets taken here",
		    (unsigned long long)session->mail->limit);
		return;
	case MAIL_LOOPS:
		session_error(session, 554, "5.4.6",
		    "over %d Received fields: the message is in a loop",
		    MAIL_RECEIVED_MAX);
		return;
	case MAIL_NO_DISK:
	case MAIL_FINE:
		break;
	}
	refuse_for_spool(session);
}

void
session_note_quirks(struct session *session)
{
	const struct mail_intake *mail = session->mail;
	const struct transaction *transaction = session->transaction;

	if (mail->dot.bare_lf)
		quirks_note(&session->quirks, QUIRK_DATA_BARE_LF);
	if (mail->dot.bare_cr)
		quirks_note(&session->quirks, QUIRK_DATA_BARE_CR);
	if (mail->eight_bit && !transaction->eight_bit)
		quirks_note(&session->quirks, QUIRK_EIGHT_BIT);
	if (transaction->size_given && mail->size > transaction->size)
		quirks_note(&session->quirks, QUIRK_SIZE);
}

/* Our lines above the content. */
static void
make_prefix(struct session *session, struct buf *prefix)
{
	const struct transaction *transaction = session->transaction;
	const struct headers *headers = &session->mail->headers;
	char id[SPOOL_ID_LEN + 1];
	struct received facts = {
		.helo = span_make(session->helo, session->helo_len),
		.client = &session->client,
		.hostname = session->service->conf->hostname,
		.id = id,
		.esmtp = session->esmtp,
		.smtputf8 = transaction->smtputf8,
		.tls = session->tls,
		.sender = address_span(&transaction->sender),
		.sender_has_domain = transaction->sender.kind != ADDRESS_BARE,
		.wall = service_wall(session->service),
	};

	spool_id_text(session->mail->id, id);
	if (transaction->count == 1)
		facts.only_recipient = transaction->recipients[0].address;
	received_add_trace(&facts, prefix);
	if (received_add_missing(&facts, headers, prefix))
		quirks_note(&session->quirks, QUIRK_ADDED);
	/* Nothing of a headless message may merge into our fields. */
	if (headers->headless)
		buf_add(prefix, SPAN("\r\n"));
}

static void
make_envelope(struct session *session, struct envelope *envelope)
{
	struct service *service = session->service;
	const struct transaction *transaction = session->transaction;
	struct rule rule = { 0 };

	*envelope = (struct envelope){
		.sender = address_span(&transaction->sender),
		.session = span_of(session->id),
		.client = span_of(session->client_text),
		.helo = span_make(session->helo, session->helo_len),
		.arrival = service_wall(service),
		.flags = transaction->flags,
		.body = session->mail->eight_bit ? BODY_8BIT : BODY_7BIT,
		.recipient_count = transaction->count,
		.recipients = transaction->recipients,
	};
	if (transaction->envid != NULL)
		envelope->envid = span_of(transaction->envid);
	if (session->mail->headers.dkim)
		envelope->flags |= ENVELOPE_SIGNED;
	if (rules_granted(transaction->rules, &session->client,
		service_wall(service), &rule)) {
		envelope->flags |= ENVELOPE_GRANTED;
		if (rule.owner != NULL)
			envelope->owner = span_of(rule.owner);
	}
}

static void
count_accepted(struct session *session)
{
	struct smtp_counts *counts = &session->service->counts;

	counts->messages++;
	counts->recipients += session->transaction->count;
	counts->bytes += session->mail_size;
	if (session->transaction->grant_line != 0 &&
	    session->service->granted != NULL)
		session->service->granted(session->service->granted_owner,
		    session->transaction->rules,
		    session->transaction->grant_line);
}

/* The spool's answer.  From COMMITTED on the message is ours: RFC 5321 6.1. */
static void
committed(void *owner, enum commit_result result)
{
	struct session *session = owner;
	char id[SPOOL_ID_LEN + 1];

	session->verb = "commit";
	if (result == COMMITTED) {
		count_accepted(session);
		session_log_accepted(session);
		spool_id_text(session->mail_id, id);
		session_reply(session, 250, "2.0.0", "queued as %s", id);
		session_clear(session);
		session_enter_phase(session, PHASE_READY);
	} else {
		give_up(session, refuse_for_spool);
	}
	session->quirks = (struct quirks){ 0 };
	session->progress++;
	if (session->service->draining)
		session_drain(session);
	session->wake(session->owner);
}

/* The message is whole: to the disk with it, or a refusal. */
static void
finish(struct session *session)
{
	struct mail_intake *mail = session->mail;
	struct envelope envelope;
	struct buf prefix;

	session_note_quirks(session);
	session->progress++;
	if (mail->fault != MAIL_FINE) {
		give_up(session, refuse_content);
		return;
	}
	buf_init(&prefix, RECEIVED_MAX);
	make_prefix(session, &prefix);
	assert(!prefix.full);
	make_envelope(session, &envelope);
	session->mail_id = mail->id;
	session->mail_size = mail->size;
	session->mail = NULL;
	session_enter_phase(session, PHASE_COMMIT);
	mail_intake_commit(mail, &envelope, buf_span(&prefix), committed,
	    session);
	buf_clear(&prefix);
}

/* Bytes that a client at the least rate sends before its deadline. */
static uint64_t
block_size(const struct session *session)
{
	return session->service->conf->limits.data_rate *
	    session_seconds(session);
}

/* Counts bytes of data, and a block of them as progress. */
static void
progress(struct session *session, size_t bytes)
{
	session->block += bytes;
	if (session->block >= block_size(session)) {
		session->block = 0;
		session->progress++;
	}
}

static void
cut_endless(struct session *session)
{
	session_error(session, 552, "5.3.4",
	    "the message is far larger than the %llu octets taken here",
	    (unsigned long long)session->service->conf->limits.message_size);
	session_clear(session);
	session_enter_phase(session, PHASE_CLOSE);
}

bool
session_read_body(struct session *session, struct buf *in)
{
	struct span rest = buf_span(in);
	bool end = mail_intake_feed(session->mail, &rest);
	size_t used = in->len - rest.len;

	buf_eat(in, used);
	progress(session, used);
	if (end)
		finish(session);
	else if (mail_intake_endless(session->mail))
		cut_endless(session);
	return used > 0;
}

/* "SIZE" or "SIZE LAST". */
static bool
read_bdat(struct span args, uint64_t *size, bool *last)
{
	struct span number = span_word(&args);
	struct span word = span_word(&args);

	*last = word.len > 0;
	return number.len <= CHUNK_DIGITS &&
	    span_number(number, UINT64_MAX, size) && args.len == 0 &&
	    (word.len == 0 || span_equal_nocase(word, SPAN("LAST")));
}

static void chunk_done(struct session *session);

void
session_do_bdat(struct session *session, struct span args)
{
	uint64_t limit = session->service->conf->limits.message_size;
	uint64_t size;
	bool last;

	if (!read_bdat(args, &size, &last)) {
		/* What follows cannot be told from commands: let it go. */
		session_error(session, 501, "5.5.4",
		    "expected BDAT size, or BDAT size LAST");
		session_clear(session);
		session_enter_phase(session, PHASE_CLOSE);
		return;
	}
	if (size > CHUNK_SLACK && (size - CHUNK_SLACK) / 2 > limit) {
		cut_endless(session);
		return;
	}
	session->chunk.left = size;
	session->chunk.last = last;
	if (session->phase != PHASE_RCPT && session->phase != PHASE_CHUNKS)
		drop_chunk(session, size, session_out_of_order);
	else if (session->mail == NULL && session_over_rate(session))
		drop_chunk(session, size, refuse_for_rate);
	else if (session->mail == NULL && !begin(session, DOT_PLAIN))
		drop_chunk(session, size, refuse_for_spool);
	else
		session_enter_phase(session, PHASE_CHUNK);
	if (session->chunk.left == 0)
		chunk_done(session);
}

/* Octets that nobody wants have been read; now the reply to their BDAT. */
static void
dropped_done(struct session *session)
{
	session->chunk.dropped = false;
	if (session->transaction == NULL)
		session->chunk.refuse(session); /* there is nothing to end */
	else
		give_up(session, session->chunk.refuse);
}

static void
chunk_done(struct session *session)
{
	session->verb = "BDAT";
	session->progress++;
	if (session->chunk.dropped) {
		dropped_done(session);
		return;
	}
	if (session->chunk.last) {
		mail_intake_finish(session->mail);
		finish(session);
	} else if (session->mail->fault != MAIL_FINE) {
		give_up(session, refuse_content);
	} else {
		session_enter_phase(session, PHASE_CHUNKS);
		session_reply(session, 250, "2.0.0", "chunk taken");
	}
}

bool
session_read_chunk(struct session *session, struct buf *in)
{
	struct span octets = buf_span(in);

	if (octets.len > session->chunk.left)
		octets = span_head(octets, (size_t)session->chunk.left);
	session->chunk.left -= octets.len;
	progress(session, octets.len);
	if (!session->chunk.dropped) {
		struct span rest = octets;

		mail_intake_feed(session->mail, &rest);
	}
	buf_eat(in, octets.len);
	if (session->chunk.left == 0)
		chunk_done(session);
	else if (session->mail != NULL && mail_intake_endless(session->mail))
		cut_endless(session);
	return true;
}
