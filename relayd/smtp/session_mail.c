/*
 * session_mail - MAIL and RCPT: who sends, and to whom.
 *
 * Job:     read the path and its parameters, weigh them against the limits
 *          and the rules, and answer.
 * Called:  by the table of verbs in session.c.
 * Owns:    nothing: what is accepted goes into the transaction.
 * Never:   shows the rules anything but the one canonical form of an address.
 */
#include <string.h>

#include "base/xalloc.h"
#include "relayd/smtp/session_inside.h"

/* Cuts "FROM" and ":" off the head of *args, with blanks as devices put them. */
static bool
skip_keyword(struct span *args, struct span keyword)
{
	struct span rest;

	if (!span_starts_nocase(*args, keyword))
		return false;
	rest = span_trim(span_skip(*args, keyword.len));
	if (rest.len == 0 || rest.data[0] != ':')
		return false;
	*args = span_skip(rest, 1);
	return true;
}

/* The status of a path that does not parse, RFC 3463 3.2. */
static const char *
path_status(enum path_verdict verdict, bool sender)
{
	if (verdict == PATH_BAD_DOMAIN)
		return sender ? "5.1.8" : "5.1.2";
	return sender ? "5.1.7" : "5.1.3";
}

/* Reads the path at the head of *args and leaves the parameters in it. */
static bool
read_path(struct session *session, struct span *args, bool sender,
    struct address *address)
{
	enum path_verdict verdict;
	unsigned quirks = 0;
	const char *why = "";
	size_t used = 0;

	verdict = path_parse(*args, address, &used, &quirks, &why);
	if (verdict != PATH_OK) {
		session_error(session, 501, path_status(verdict, sender),
		    "bad %s address: %s", sender ? "sender" : "recipient", why);
		return false;
	}
	quirks_note_path(&session->quirks, quirks);
	*args = span_skip(*args, used);
	return true;
}

static void
refuse_parameter(struct session *session, const struct params_fault *fault)
{
	struct buf word;

	buf_init(&word, COMMAND_MAX);
	buf_add_escaped(&word, fault->word, 80);
	session_error(session, fault->code, fault->enhanced, "parameter %s: %s",
	    buf_text(&word), fault->why);
	buf_clear(&word);
}

/* RFC 6531 3.5: such an address needs the parameter, and gets 553. */
static bool
refuse_utf8(struct session *session)
{
	session_error(session, 553, "5.6.7",
	    "an address beyond ASCII needs the SMTPUTF8 parameter of MAIL");
	return false;
}

/* Has the spool a place for it?  RFC 1870 6.2, RFC 3463 3.4. */
static bool
spool_ready(struct session *session)
{
	switch (spool_health(session->service->spool)) {
	case SPOOL_FINE:
		return true;
	case SPOOL_FULL:
		session_error(session, 452, "4.3.1",
		    "the relay is short of disk space; try again later");
		return false;
	case SPOOL_BAD:
		break;
	}
	session_error(session, 451, "4.3.0",
	    "the relay cannot store mail now; try again later");
	return false;
}

/* May this client have one more of it this hour?  source: who says how many. */
static bool
within_rate(struct session *session, enum limits_rate rate, size_t max,
    const char *what, const char *source)
{
	struct service *service = session->service;
	unsigned wait = 0;

	if (limits_allow(service->limits, rate, &session->client, max,
		service_now(service), &wait))
		return true;
	session_error(session, 450, "4.7.1",
	    "more than %zu %s an hour from %s (%s); try again in %u minutes",
	    max, what, session->client_text, source, (wait + 59) / 60);
	return false;
}

/* Granted hosts take their rate= from the grant; all others have one limit. */
static bool
within_message_rate(struct session *session, const struct address *sender)
{
	struct service *service = session->service;
	uint32_t granted = rules_grant_rate(service->rules, &session->client,
	    sender, service_wall(service));

	if (granted != 0)
		return within_rate(session, LIMITS_MESSAGES, granted,
		    "messages", "rate= of its grant");
	return within_rate(session, LIMITS_MESSAGES,
	    service->conf->limits.messages_per_client_hour, "messages",
	    "messages_per_client_hour");
}

bool
session_over_rate(const struct session *session)
{
	const struct service *service = session->service;
	uint32_t granted = rules_grant_rate(service->rules, &session->client,
	    &session->transaction->sender, service_wall(service));
	size_t max = granted != 0 ?
	    granted :
	    service->conf->limits.messages_per_client_hour;
	unsigned wait;

	return !limits_allow(service->limits, LIMITS_MESSAGES, &session->client,
	    max, service_now(service), &wait);
}

/* Everything that may stand against a transaction but its recipients. */
static bool
mail_allowed(struct session *session, const struct address *sender,
    const struct mail_params *params)
{
	const struct conf_limits *limits = &session->service->conf->limits;

	if (sender->utf8 && !params->smtputf8)
		return refuse_utf8(session);
	if (params->size > limits->message_size) {
		session_error(session, 552, "5.3.4",
		    "the message is larger than the %llu octets taken here",
		    (unsigned long long)limits->message_size);
		return false;
	}
	return spool_ready(session) && within_message_rate(session, sender);
}

void
session_do_mail(struct session *session, struct span args)
{
	struct params_fault fault;
	struct mail_params params;
	struct address sender;

	if (!skip_keyword(&args, SPAN("FROM"))) {
		session_error(session, 501, "5.5.4",
		    "expected MAIL FROM:<address>");
		return;
	}
	if (!read_path(session, &args, true, &sender))
		return;
	if (!params_mail(args, &params, &fault)) {
		refuse_parameter(session, &fault);
		return;
	}
	if (!mail_allowed(session, &sender, &params))
		return;
	session->transaction = transaction_new(&sender, &params,
	    session->service->rules, service_now(session->service),
	    &session->service->envelope_bytes);
	session_enter_phase(session, PHASE_MAIL);
	session_reply(session, 250, "2.1.0", "sender ok");
}

/* <postmaster> without a domain: RFC 5321 4.5.1; the rules say to whom. */
static void
make_postmaster(const struct session *session, struct address *recipient)
{
	const char *why;
	enum path_verdict verdict;

	verdict = address_parse(span_of(session->service->conf->postmaster),
	    recipient, &why);
	assert(verdict == PATH_OK); /* conf_load() has checked it */
}

static bool
decided(struct session *session, struct address *recipient,
    struct decision *decision)
{
	struct service *service = session->service;
	struct refusal refusal;

	rules_decide(session->transaction->rules, &session->client,
	    &session->transaction->sender, recipient, service_wall(service),
	    decision);
	if (decision->verdict == ACCEPT) {
		if (decision->to_postmaster)
			make_postmaster(session, recipient);
		return true;
	}
	if (strcmp(decision->enhanced, "5.1.1") == 0)
		session->unknown++;
	refusal = (struct refusal){ decision->code, decision->enhanced,
		&decision->rule, recipient };
	session_refuse(session, &refusal, "%s", decision->text);
	return false;
}

/* Is there room for one recipient more?  RFC 5321 4.5.3.1.10: 452, not 552. */
static bool
room_for_one(struct session *session, const struct address *recipient)
{
	const struct conf_limits *limits = &session->service->conf->limits;
	struct refusal refusal = { 452, "4.5.3", NULL, recipient };
	size_t max = limits->recipients_per_message;

	if (max == 0 || max > ENVELOPE_RECIPIENTS_MAX)
		max = ENVELOPE_RECIPIENTS_MAX;
	if (session->transaction->count >= max) {
		session_refuse(session, &refusal,
		    "too many recipients (limit %zu); send the rest in another "
		    "transaction",
		    max);
		return false;
	}
	if (session->service->envelope_bytes >= SERVICE_ENVELOPES_MAX) {
		refusal.enhanced = "4.3.1";
		session_refuse(session, &refusal,
		    "too many recipients wait for their messages; try again "
		    "later");
		return false;
	}
	return within_rate(session, LIMITS_RECIPIENTS,
	    limits->recipients_per_client_hour, "recipients",
	    "recipients_per_client_hour");
}

/* The path is read: parameters, rules, limits, in this order. */
static bool
rcpt_allowed(struct session *session, struct span args,
    struct address *recipient, struct rcpt_params *params,
    struct decision *decision)
{
	struct params_fault fault;

	if (recipient->kind == ADDRESS_NULL) {
		session_error(session, 501, "5.1.3",
		    "a recipient cannot be empty");
		return false;
	}
	if (recipient->utf8 && !session->transaction->smtputf8)
		return refuse_utf8(session);
	params->utf8 = session->transaction->smtputf8;
	if (!params_rcpt(args, params, &fault)) {
		refuse_parameter(session, &fault);
		return false;
	}
	return decided(session, recipient, decision);
}

void
session_do_rcpt(struct session *session, struct span args)
{
	struct decision decision;
	struct rcpt_params params;
	struct address recipient;

	if (!skip_keyword(&args, SPAN("TO"))) {
		session_error(session, 501, "5.5.4",
		    "expected RCPT TO:<address>");
		return;
	}
	if (!read_path(session, &args, false, &recipient) ||
	    !rcpt_allowed(session, args, &recipient, &params, &decision))
		return;
	if (!transaction_has(session->transaction, &recipient)) {
		if (!room_for_one(session, &recipient))
			return;
		transaction_add(session->transaction, &recipient, &params,
		    &decision);
		limits_count(session->service->limits, LIMITS_RECIPIENTS,
		    &session->client, service_now(session->service));
	}
	session_enter_phase(session, PHASE_RCPT);
	session_reply(session, 250, "2.1.5", "recipient ok");
}
