/*
 * handover - one message for some recipients, as commands and verdicts.
 *
 * Job:     compose MAIL and RCPT with the parameters that this next hop
 *          takes, and give each recipient the reply that is about it.
 * Called:  by the client's steps.
 * Owns:    its place among the recipients; fills in the job's outcomes.
 * Never:   touches a socket; never lets a stored text begin a command of
 *          its own.
 */
#include "relayd/delivery/handover.h"

#include <string.h>

#include "base/xalloc.h"
#include "domains/address.h"
#include "relayd/delivery/wishes.h"

enum {
	/* A header longer than this is taken to be 8-bit. */
	HEADER_LOOKED_AT = 1 << 20,
	BLOCK = 16 << 10,
};

/* ---- what can be decided without asking ---- */

/*
 * A text that goes into a command line.  Those of the envelope were checked
 * when they came in; a damaged disk or a mistake of ours must still not make
 * two commands of one.
 */
static bool
sendable(struct span text, size_t max)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return false;
	return text.len <= max;
}

/* Is there a byte above 0x7f in the header (up to the first empty line)? */
static bool
header_eight_bit(const struct client_job *job)
{
	char block[BLOCK + 3] = { 0 }; /* the last bytes of the block before */
	uint64_t at = 0;
	struct span seen;
	const char *end;
	ssize_t got;

	while (at < HEADER_LOOKED_AT) {
		got = content_read(job->spool, &job->content, at, block + 3,
		    BLOCK);
		/* Unreadable is found out, and told, when it is sent. */
		if (got <= 0)
			return false;
		seen = span_make(block, (size_t)got + 3);
		end = memmem(seen.data, seen.len, "\r\n\r\n", 4);
		if (end != NULL)
			seen.len = (size_t)(end - seen.data);
		if (span_eight_bit(seen))
			return true;
		if (end != NULL)
			return false;
		memcpy(block, block + got, 3);
		at += (uint64_t)got;
	}
	return true;
}

static const struct recipient *
recipient_at(const struct handover *handover, size_t index)
{
	const struct client_job *job = handover->job;

	return &job->envelope->recipients[job->recipients[index]];
}

static void
decide_one(struct handover *handover, size_t index, enum outcome_kind kind,
    const char *enhanced, struct span text)
{
	outcome_set(&handover->job->outcomes[index], kind, 0, enhanced, text,
	    NULL);
}

/* RFC 1870 6.1: what the next hop said it will not take is not sent to it. */
static void
check_size(struct handover *handover)
{
	const struct offers *offers = handover->offers;
	struct buf text;

	if (!offers->size || offers->size_max == 0 ||
	    handover->job->content.size <= offers->size_max)
		return;
	buf_init(&text, OUTCOME_TEXT_MAX);
	buf_addf(&text,
	    "the message has %llu bytes, the next hop %s takes %llu",
	    (unsigned long long)handover->job->content.size, handover->remote,
	    (unsigned long long)offers->size_max);
	handover_decide(handover, OUTCOME_FAILED, 0, "5.3.4", buf_span(&text));
	buf_clear(&text);
}

/* RFC 6152 3: 8-bit content is converted, or returned; signed is returned. */
static void
check_eight_bit(struct handover *handover)
{
	const struct envelope *envelope = handover->job->envelope;

	if (envelope->body != BODY_8BIT || handover->offers->eight_bit_mime)
		return;
	handover->convert = true;
	if ((envelope->flags & ENVELOPE_SIGNED) != 0)
		handover_decide(handover, OUTCOME_FAILED, 0, "5.6.3",
		    SPAN("the next hop takes no 8-bit content, and a signed "
			 "message must not be converted"));
}

/* RFC 6531 3.2 and 3.5: who needs SMTPUTF8 where it is not offered? */
static void
check_smtputf8(struct handover *handover)
{
	struct client_job *job = handover->job;
	const struct envelope *envelope = job->envelope;
	bool marked = (envelope->flags & ENVELOPE_SMTPUTF8) != 0;
	size_t i;

	if (handover->offers->smtputf8) {
		handover->smtputf8 = marked;
		for (i = 0; i < job->recipient_count; i++)
			if (span_eight_bit(recipient_at(handover, i)->address))
				handover->smtputf8 = true;
		handover->smtputf8 |= span_eight_bit(envelope->sender);
		return;
	}
	if (span_eight_bit(envelope->sender) ||
	    (marked && envelope->body == BODY_8BIT && header_eight_bit(job)))
		handover_decide(handover, OUTCOME_FAILED, 0, "5.6.7",
		    SPAN("the message needs SMTPUTF8, which the next hop does "
			 "not offer"));
	for (i = 0; i < job->recipient_count; i++)
		if (job->outcomes[i].kind == OUTCOME_NONE &&
		    span_eight_bit(recipient_at(handover, i)->address))
			decide_one(handover, i, OUTCOME_FAILED, "5.6.7",
			    SPAN("the address needs SMTPUTF8, which the next "
				 "hop does not offer"));
}

static void
check_addresses(struct handover *handover)
{
	struct client_job *job = handover->job;
	size_t i;

	if (!sendable(job->envelope->sender, ADDRESS_MAX))
		handover_decide(handover, OUTCOME_FAILED, 0, "5.1.7",
		    SPAN("the sender's address cannot be sent"));
	for (i = 0; i < job->recipient_count; i++)
		if (job->outcomes[i].kind == OUTCOME_NONE &&
		    (!sendable(recipient_at(handover, i)->address,
			 ADDRESS_MAX) ||
			recipient_at(handover, i)->address.len == 0))
			decide_one(handover, i, OUTCOME_FAILED, "5.1.3",
			    SPAN("the recipient's address cannot be sent"));
}

/* Would this recipient's domain be one too many?  RFC 9422 4.3 */
static bool
is_domain_too_many(const struct handover *handover, size_t index,
    size_t *domains)
{
	struct span domain = recipient_at(handover, index)->domain;
	size_t i;

	if (handover->offers->domain_max == 0)
		return false;
	for (i = 0; i < index; i++)
		if (handover->job->outcomes[i].kind == OUTCOME_NONE &&
		    span_equal(recipient_at(handover, i)->domain, domain))
			return false;
	if (*domains == handover->offers->domain_max)
		return true;
	++*domains;
	return false;
}

/* RFC 5321 4.5.3.1.8 and RFC 9422 4.2: the others go in the next transaction. */
static void
count_recipients(struct handover *handover)
{
	struct client_job *job = handover->job;
	size_t max = handover->offers->rcpt_max, domains = 0, i;

	if (max == 0 || max > HANDOVER_RCPTS)
		max = HANDOVER_RCPTS;
	for (i = 0; i < job->recipient_count; i++) {
		if (job->outcomes[i].kind != OUTCOME_NONE)
			continue;
		if (handover->count < max &&
		    !is_domain_too_many(handover, i, &domains))
			handover->count++;
		else
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 452,
			    "4.5.3", SPAN("next transaction"), NULL);
	}
}

void
handover_begin(struct handover *handover, struct client_job *job,
    const struct offers *offers, const char *remote)
{
	size_t i;

	*handover = (struct handover){
		.job = job,
		.offers = offers,
		.remote = remote,
	};
	job->sent_dot = false;
	job->stale = false;
	job->unread = false;
	for (i = 0; i < job->recipient_count; i++)
		outcome_clear(&job->outcomes[i]);
	check_addresses(handover);
	check_size(handover);
	check_smtputf8(handover);
	check_eight_bit(handover);
	count_recipients(handover);
}

/* ---- commands ---- */

void
handover_ask_mail(struct handover *handover, struct buf *out)
{
	const struct envelope *envelope = handover->job->envelope;
	const struct offers *offers = handover->offers;

	buf_addf(out, "MAIL FROM:<%.*s>", SPAN_ARG(envelope->sender));
	/* Converted content has another size, which nobody knows yet. */
	if (offers->size && !handover->convert)
		buf_addf(out, " SIZE=%llu",
		    (unsigned long long)handover->job->content.size);
	if (offers->eight_bit_mime && envelope->body == BODY_8BIT)
		buf_add(out, SPAN(" BODY=8BITMIME"));
	if (handover->smtputf8)
		buf_add(out, SPAN(" SMTPUTF8"));
	if (offers->dsn)
		wishes_add_mail(out, envelope);
	buf_add(out, SPAN("\r\n"));
}

/* The next recipient, from *at on, that nothing has been decided about. */
static size_t
next_undecided(const struct handover *handover, size_t *at)
{
	while (handover->job->outcomes[*at].kind != OUTCOME_NONE)
		(*at)++;
	return (*at)++;
}

void
handover_ask_rcpt(struct handover *handover, struct buf *out)
{
	const struct recipient *recipient;

	assert(handover->asked < handover->count);
	handover->asked++;
	recipient =
	    recipient_at(handover, next_undecided(handover, &handover->ask_at));
	buf_addf(out, "RCPT TO:<%.*s>", SPAN_ARG(recipient->address));
	if (handover->offers->dsn)
		wishes_add_rcpt(out, recipient, handover->smtputf8);
	buf_add(out, SPAN("\r\n"));
}

/* ---- verdicts ---- */

static void
decide_by_reply(struct handover *handover, size_t index, enum outcome_kind kind,
    const struct reply *reply)
{
	struct outcome *outcome = &handover->job->outcomes[index];
	struct buf line;

	buf_init(&line, REPLY_MAX + ENHANCED_MAX);
	reply_line(reply, &line);
	outcome_set(outcome, kind, reply->code, reply->enhanced,
	    buf_span(&line), handover->remote);
	outcome->passed_on_dsn =
	    kind == OUTCOME_DELIVERED && handover->offers->dsn;
	buf_clear(&line);
}

static enum outcome_kind
kind_of(const struct reply *reply)
{
	switch (reply_class(reply)) {
	case 2:
		return OUTCOME_DELIVERED;
	case 5:
		return OUTCOME_FAILED;
	}
	return OUTCOME_LATER;
}

void
handover_hear_mail(struct handover *handover, const struct reply *reply)
{
	if (reply_class(reply) == 2)
		return;
	handover->refused = true;
	handover_hear_all(handover, reply);
}

/*
 * RFC 5321 4.5.3.1.10: 552 for too many recipients means 452.  It cannot be
 * that before one was taken, nor where the enhanced code says something else
 * (5.2.2, a full mailbox).
 */
static bool
too_many(const struct handover *handover, const struct reply *reply)
{
	return reply->code == 552 && handover->accepted > 0 &&
	    (reply->enhanced[0] == '\0' ||
		strcmp(reply->enhanced, "5.5.3") == 0);
}

void
handover_hear_rcpt(struct handover *handover, const struct reply *reply)
{
	size_t index;

	assert(handover->heard < handover->asked);
	handover->heard++;
	if (handover->refused)
		return;
	index = next_undecided(handover, &handover->hear_at);
	if (reply_class(reply) == 2) {
		handover->accepted++;
	} else if (too_many(handover, reply)) {
		decide_by_reply(handover, index, OUTCOME_LATER, reply);
		handover->job->outcomes[index].code = 452;
		strcpy(handover->job->outcomes[index].enhanced, "4.5.3");
	} else {
		decide_by_reply(handover, index, kind_of(reply), reply);
	}
}

void
handover_hear_all(struct handover *handover, const struct reply *reply)
{
	size_t i;

	for (i = 0; i < handover->job->recipient_count; i++)
		if (handover->job->outcomes[i].kind == OUTCOME_NONE)
			decide_by_reply(handover, i, kind_of(reply), reply);
}

bool
handover_doubt(struct handover *handover)
{
	struct client_job *job = handover->job;
	bool any = false;
	size_t i;

	for (i = 0; i < job->recipient_count; i++) {
		/* Without a code it was our own decision. */
		if (job->outcomes[i].kind != OUTCOME_FAILED ||
		    job->outcomes[i].code == 0)
			continue;
		outcome_clear(&job->outcomes[i]);
		any = true;
	}
	return any;
}

/* The first that nothing has been decided about, or recipient_count. */
static size_t
first_undecided(const struct handover *handover)
{
	const struct client_job *job = handover->job;
	size_t i;

	for (i = 0; i < job->recipient_count; i++)
		if (job->outcomes[i].kind == OUTCOME_NONE)
			break;
	return i;
}

void
handover_hear_one(struct handover *handover, const struct reply *reply)
{
	size_t index = first_undecided(handover);

	if (index == handover->job->recipient_count)
		return;
	decide_by_reply(handover, index, kind_of(reply), reply);
	handover->job->outcomes[index].final =
	    kind_of(reply) == OUTCOME_DELIVERED;
}

bool
handover_undecided(const struct handover *handover)
{
	return first_undecided(handover) < handover->job->recipient_count;
}

void
handover_decide(struct handover *handover, enum outcome_kind kind, int code,
    const char *enhanced, struct span text)
{
	size_t i;

	for (i = 0; i < handover->job->recipient_count; i++)
		if (handover->job->outcomes[i].kind == OUTCOME_NONE)
			outcome_set(&handover->job->outcomes[i], kind, code,
			    enhanced, text,
			    code == 0 ? NULL : handover->remote);
}

struct client_job *
handover_end(struct handover *handover)
{
	struct client_job *job = handover->job;
	size_t i;

	for (i = 0; i < job->recipient_count; i++)
		assert(job->outcomes[i].kind != OUTCOME_NONE);
	handover->job = NULL;
	return job;
}
