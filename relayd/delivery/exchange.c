/*
 * exchange - a message handed to a next hop: RSET, MAIL, RCPT, DATA, content.
 *
 * Job:     the steps from READY to READY; with PIPELINING those of a
 *          transaction are asked together and heard one by one.
 * Called:  by the table of steps in steps.c.
 * Owns:    nothing of its own: transaction and content of the client.
 * Never:   takes for delivered what was not answered by one well-formed 2xx
 *          to the final dot; for LMTP by one for each recipient.
 */
#include "relayd/delivery/exchange.h"

#include <errno.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	SURVEY_BLOCK = 16 << 10,
	TURN_BUDGET = 256 << 10, /* bytes of content in one turn */
	BODY_BLOCK = 16 << 10,   /* progress that earns a new deadline */
};

void
exchange_begin(struct client *client)
{
	const struct handover *handover = &client->handover;

	client->heard = false;
	if (handover->count == 0) {
		steps_enter(client, SKIPPED);
		return;
	}
	client->started++;
	if (handover->convert)
		steps_enter(client, SURVEY);
	else
		steps_enter(client, client->open ? RSET : MAIL);
}

enum step
exchange_go_skipped(struct client *client)
{
	(void)client;
	return READY;
}

void
exchange_ask_survey(struct client *client)
{
	client->downgrade = downgrade_new();
	client->surveyed = 0;
}

/* Our disk, not the next hop: it is left without a bad word about it. */
static enum step
cannot_read(struct client *client, int error)
{
	struct buf text;

	client->handover.job->unread = true;
	buf_init(&text, OUTCOME_TEXT_MAX);
	buf_addf(&text, "the message cannot be read: %s", strerror(error));
	handover_decide(&client->handover, OUTCOME_LATER, 0, "4.3.0",
	    buf_span(&text));
	buf_clear(&text);
	return steps_leave(client);
}

enum step
exchange_go_survey(struct client *client)
{
	const struct client_job *job = client->handover.job;
	char block[SURVEY_BLOCK];
	size_t budget = TURN_BUDGET;
	const char *why;
	ssize_t got;

	while (client->surveyed < job->content.size && budget > 0) {
		got = content_read(job->spool, &job->content, client->surveyed,
		    block, sizeof(block));
		if (got <= 0)
			return cannot_read(client, got == -1 ? errno : EIO);
		downgrade_survey(client->downgrade,
		    span_make(block, (size_t)got));
		client->surveyed += (uint64_t)got;
		budget -= (size_t)got < budget ? (size_t)got : budget;
	}
	if (client->surveyed < job->content.size) {
		client->watch.again = true;
		return SURVEY;
	}
	why = downgrade_surveyed(client->downgrade);
	if (why == NULL)
		return client->open ? RSET : MAIL;
	handover_decide(&client->handover, OUTCOME_FAILED, 0, "5.6.3",
	    span_of(why));
	return READY;
}

/* RFC 2920 3.1: all up to DATA in one group; the replies come in order. */
static void
ask_ahead(struct client *client)
{
	size_t i;

	for (i = 0; i < client->handover.count; i++)
		handover_ask_rcpt(&client->handover, &client->out);
	exchange_ask_data(client);
	client->ahead = client->handover.count + 1;
}

void
exchange_ask_mail(struct client *client)
{
	client->open = true;
	handover_ask_mail(&client->handover, &client->out);
	if (client->offers.pipelining)
		ask_ahead(client);
}

void
exchange_ask_rset(struct client *client)
{
	buf_add(&client->out, SPAN("RSET\r\n"));
	if (!client->offers.pipelining)
		return;
	exchange_ask_mail(client);
	client->ahead++;
}

enum step
exchange_hear_rset(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) != 2)
		return steps_garbage(client, reply);
	return MAIL;
}

enum step
exchange_hear_mail(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	/* RFC 3207 4: it wants the TLS that has just failed: another time. */
	if (reply->code == 530 && client->clear_only)
		return steps_refused(client, OUTCOME_LATER, reply);
	handover_hear_mail(&client->handover, reply);
	if (client->handover.refused && !client->offers.pipelining)
		return READY;
	return RCPT;
}

void
exchange_ask_rcpt(struct client *client)
{
	handover_ask_rcpt(&client->handover, &client->out);
}

enum step
exchange_hear_rcpt(struct client *client, const struct reply *reply)
{
	struct handover *handover = &client->handover;

	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	handover_hear_rcpt(handover, reply);
	if (handover->heard < handover->count)
		return RCPT;
	if (handover->accepted > 0 || client->offers.pipelining)
		return DATA;
	return READY;
}

void
exchange_ask_data(struct client *client)
{
	buf_add(&client->out, SPAN("DATA\r\n"));
}

enum step
exchange_hear_data(struct client *client, const struct reply *reply)
{
	if (reply->code == 354 && client->handover.accepted > 0)
		return BODY;
	/* RFC 2033 4.2: that was to be 503; the lone dot would hear nothing. */
	if (reply->code == 354)
		return client->host.lmtp ? steps_leave(client) : VOID;
	if (reply_class(reply) < 4) /* 2yz answers RCPT, not DATA */
		return steps_garbage(client, reply);
	handover_hear_all(&client->handover, reply);
	return READY;
}

void
exchange_ask_body(struct client *client)
{
	const struct client_job *job = client->handover.job;

	body_begin(&client->body, job->spool, &job->content, client->downgrade);
	client->body_mark = 0;
}

/* RFC 5321 4.5.3.2.5: a time-out for each block, not for each byte. */
static void
note_progress(struct client *client)
{
	if (client->body.moved - client->body_mark < BODY_BLOCK)
		return;
	client->body_mark = client->body.moved;
	client->watch.deadline =
	    loop_now(client->needs.loop) + steps_patience(client, BODY);
}

enum step
exchange_go_body(struct client *client)
{
	/* It says something already: no dot until we have heard it out. */
	if (reply_begun(&client->reply))
		return BODY;
	switch (body_send(&client->body, client->stream, &client->out,
	    TURN_BUDGET)) {
	case BODY_GONE_OUT:
		client->handover.job->sent_dot = true;
		return DOT;
	case BODY_WAITING:
	case BODY_MORE:
		note_progress(client);
		break;
	case BODY_BROKEN:
		client->broken = true;
		break;
	case BODY_UNREADABLE:
		return cannot_read(client, client->body.error);
	}
	return BODY;
}

/* RFC 2033 4.2: with LMTP each recipient that was taken has its own reply. */
static void
hear_message(struct client *client, const struct reply *reply)
{
	if (client->host.lmtp)
		handover_hear_one(&client->handover, reply);
	else
		handover_hear_all(&client->handover, reply);
}

/*
 * A reply before the dot: the next hop has seen enough.  What it says counts,
 * but the two of us are no longer in step.
 */
enum step
exchange_hear_early(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) < 4)
		return steps_garbage(client, reply);
	hear_message(client, reply);
	return steps_leave(client);
}

/*
 * A yes with a no right behind it, and not 421.  LMTP: there it may be about
 * somebody who was refused before the dot.
 */
static bool
contradicted(const struct client *client, const struct reply *reply)
{
	struct span rest = buf_span(&client->in);

	return !client->host.lmtp && reply_class(reply) == 2 && rest.len > 0 &&
	    (rest.data[0] == '4' || rest.data[0] == '5') &&
	    !span_starts(rest, SPAN("421"));
}

enum step
exchange_hear_dot(struct client *client, const struct reply *reply)
{
	/* 220 and 221 answer something else, which nobody asked. */
	if (reply_class(reply) == 3 || reply->code == 220 || reply->code == 221)
		return steps_garbage(client, reply);
	if (contradicted(client, reply))
		return steps_fail(client, "4.5.0",
		    "the final dot was answered both yes and no");
	hear_message(client, reply);
	client->open = reply_class(reply) != 2;
	return handover_undecided(&client->handover) ? DOT : READY;
}

/* RFC 2920 3.1: 354 though no recipient is left: an empty message ends it. */
void
exchange_ask_void(struct client *client)
{
	buf_add(&client->out, SPAN(".\r\n"));
}

enum step
exchange_hear_void(struct client *client, const struct reply *reply)
{
	(void)client;
	(void)reply;
	return READY;
}
