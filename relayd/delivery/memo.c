/*
 * memo - a message that relayd itself writes.
 *
 * Job:     the header that all of them have, and the way into the spool.
 * Called:  by notice and summary.
 * Owns:    the text, until the spool has it.
 * Never:   has a sender: nothing is ever sent back about it (RFC 5321 4.5.5).
 */
#include "relayd/delivery/memo.h"

#include <assert.h>
#include <string.h>

#include "domains/address.h"
#include "relayd/delivery/fold.h"
#include "relayd/delivery/mail_date.h"

enum {
	/*
	 * Nothing in an envelope of ENVELOPE_MAX bytes grows to this; memory is
	 * taken as it is needed.
	 */
	TEXT_MAX = 512 << 20,
	HEADER_MAX = 4096, /* one field */
	BLOCK = 64 << 10   /* bytes that the spool is given at a time */
};

_Static_assert(sizeof(((struct memo *)0)->to) > ADDRESS_MAX &&
	sizeof(((struct memo *)0)->domain) > DOMAIN_MAX,
    "any address fits a memo");

/* The postmaster is right by construction; an owner= or a sender was parsed. */
static void
set_addressee(struct memo *memo, const struct conf *conf, struct span to)
{
	struct address address;
	const char *why;

	if (address_parse(to, &address, &why) != PATH_OK ||
	    address.domain[0] == '\0') {
		enum path_verdict verdict =
		    address_parse(span_of(conf->postmaster), &address, &why);

		assert(verdict == PATH_OK);
	}
	memcpy(memo->to, address.text, address.text_len);
	memo->to[address.text_len] = '\0';
	memcpy(memo->domain, address.domain, strlen(address.domain) + 1);
	memo->utf8 = address.utf8;
}

static void add_field(struct memo *memo, const char *name, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

static void
add_field(struct memo *memo, const char *name, const char *format, ...)
{
	struct buf value;
	va_list args;

	buf_init(&value, HEADER_MAX);
	va_start(args, format);
	buf_vaddf(&value, format, args);
	va_end(args);
	fold_field(&memo->text, name, buf_span(&value), FOLD_UTF8);
	buf_clear(&value);
}

bool
memo_begin(struct memo *memo, struct spool *spool, const struct conf *conf,
    struct span to, const char *subject, const char *auto_submitted,
    int64_t now)
{
	char id[SPOOL_ID_LEN + 1];

	*memo = (struct memo){ .now = now };
	memo->intake = spool_begin(spool);
	if (memo->intake == NULL)
		return false;
	buf_init(&memo->text, TEXT_MAX);
	set_addressee(memo, conf, to);
	spool_id_text(memo_id(memo), id);
	add_field(memo, "From", "Mail Delivery System <%s>", conf->postmaster);
	add_field(memo, "To", "<%s>", memo->to);
	add_field(memo, "Subject", "%s", subject);
	buf_add(&memo->text, SPAN("Date: "));
	mail_date_add(&memo->text, now);
	buf_add(&memo->text, SPAN("\r\n"));
	add_field(memo, "Message-ID", "<%s.relayd@%s>", id, conf->hostname);
	add_field(memo, "Auto-Submitted", "%s", auto_submitted);
	add_field(memo, "MIME-Version", "1.0");
	return true;
}

uint64_t
memo_id(const struct memo *memo)
{
	return intake_id(memo->intake);
}

static bool
has_dot_lines(struct span text)
{
	return span_starts(text, SPAN(".")) ||
	    (text.len > 0 && memmem(text.data, text.len, "\r\n.", 3) != NULL);
}

/* In blocks, as a session would: a large one goes to a file as it comes. */
static bool
add_all(struct intake *intake, struct span text)
{
	while (text.len > 0) {
		if (!intake_add(intake, span_head(text, BLOCK)))
			return false;
		text = span_skip(text, BLOCK);
	}
	return true;
}

bool
memo_send(struct memo *memo, struct span session,
    void (*done)(void *owner, enum commit_result result), void *owner)
{
	struct span text = buf_span(&memo->text);
	struct recipient recipient = {
		.address = span_of(memo->to),
		.domain = span_of(memo->domain),
	};
	struct envelope envelope = {
		.session = session,
		.arrival = memo->now,
		.flags = ENVELOPE_NOTICE,
		.body = span_eight_bit(text) ? BODY_8BIT : BODY_7BIT,
		.recipient_count = 1,
		.recipients = &recipient,
	};
	bool good = add_all(memo->intake, text);

	assert(!memo->text.full);
	if (memo->utf8)
		envelope.flags |= ENVELOPE_SMTPUTF8;
	if (good)
		intake_commit(memo->intake, &envelope, (struct span){ NULL, 0 },
		    has_dot_lines(text), done, owner);
	else
		intake_cancel(memo->intake);
	memo->intake = NULL;
	buf_clear(&memo->text);
	return good;
}
