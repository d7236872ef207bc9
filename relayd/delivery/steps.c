/*
 * steps - what a client says and hears, in the order of RFC 5321.
 *
 * Job:     one table: what we ask, how we hear the answer, how long we wait;
 *          and the ends that a session can come to.
 * Called:  by client.c, which moves the bytes.
 * Owns:    the order of the steps; greet.c, authenticate.c and exchange.c are
 *          the steps.
 * Never:   reads or writes the socket, or calls the owner.
 */
#include "relayd/delivery/steps.h"

#include <stdarg.h>

#include "base/xalloc.h"
#include "relayd/delivery/authenticate.h"
#include "relayd/delivery/exchange.h"
#include "relayd/delivery/greet.h"

static void ask_quit(struct client *client);
static enum step hear_unasked(struct client *, const struct reply *);
static enum step hear_quit(struct client *, const struct reply *);

/*
 * The time-outs are those of RFC 5321 4.5.3.2, which names none for EHLO,
 * HELO, STARTTLS, AUTH, RSET and QUIT: theirs, and those of TLS and of idleness,
 * are ours.  CONNECT has the configured one.
 */
static const struct step_row steps[] = {
	/* clang-format off */
	[CONNECT]   = { "connection", NULL,                NULL,                greet_go_connect,    0 },
	[BANNER]    = { "greeting",   NULL,                greet_hear_banner,   NULL,                300 },
	[EHLO]      = { "EHLO",       greet_ask_ehlo,      greet_hear_ehlo,     NULL,                300 },
	[HELO]      = { "HELO",       greet_ask_helo,      greet_hear_helo,     NULL,                300 },
	[STARTTLS]  = { "STARTTLS",   greet_ask_starttls,  greet_hear_starttls, NULL,                120 },
	[HANDSHAKE] = { "handshake",  greet_ask_handshake, NULL,                greet_go_handshake,  60 },
	[AUTH_PLAIN]    = { "AUTH PLAIN", authenticate_ask_plain,    authenticate_hear_end,       NULL, 120 },
	[AUTH_LOGIN]    = { "AUTH LOGIN", authenticate_ask_login,    authenticate_hear_challenge, NULL, 120 },
	[AUTH_USER]     = { "AUTH user",  authenticate_ask_user,     authenticate_hear_challenge, NULL, 120 },
	[AUTH_PASSWORD] = { "AUTH password", authenticate_ask_password, authenticate_hear_end,    NULL, 120 },
	[READY]     = { "idleness",   NULL,                hear_unasked,        NULL,                300 },
	[SURVEY]    = { "survey",     exchange_ask_survey, hear_unasked,        exchange_go_survey,  300 },
	[SKIPPED]   = { "nothing",    NULL,                hear_unasked,        exchange_go_skipped, 300 },
	[RSET]      = { "RSET",       exchange_ask_rset,   exchange_hear_rset,  NULL,                300 },
	[MAIL]      = { "MAIL FROM",  exchange_ask_mail,   exchange_hear_mail,  NULL,                300 },
	[RCPT]      = { "RCPT TO",    exchange_ask_rcpt,   exchange_hear_rcpt,  NULL,                300 },
	[DATA]      = { "DATA",       exchange_ask_data,   exchange_hear_data,  NULL,                120 },
	[BODY]      = { "content",    exchange_ask_body,   exchange_hear_early, exchange_go_body,    180 },
	[DOT]       = { "final dot",  NULL,                exchange_hear_dot,   NULL,                600 },
	[VOID]      = { "lone dot",   exchange_ask_void,   exchange_hear_void,  NULL,                600 },
	[QUIT]      = { "QUIT",       ask_quit,            hear_quit,           NULL,                20 },
	[GONE]      = { "end",        NULL,                NULL,                NULL,                300 },
	/* clang-format on */
};

const struct step_row *
steps_row(enum step step)
{
	return &steps[step];
}

uint64_t
steps_patience(const struct client *client, enum step step)
{
	if (steps[step].seconds == 0)
		return (uint64_t)client->needs.connect_seconds * 1000;
	return (uint64_t)steps[step].seconds * 10 *
	    client->needs.timeout_percent;
}

void
steps_enter(struct client *client, enum step step)
{
	client->step = step;
	client->watch.deadline =
	    loop_now(client->needs.loop) + steps_patience(client, step);
	client->unasked = false;
	if (client->ahead > 0) {
		client->ahead--;
	} else if (steps[step].ask != NULL) {
		client->unasked = steps[step].go == NULL &&
		    (client->in.len > 0 || reply_begun(&client->reply));
		steps[step].ask(client);
	}
}

enum step
steps_hear(struct client *client, const struct reply *reply)
{
	/* RFC 5321 3.8 and 4.2.3: 421 may answer anything, and ends it. */
	if (reply->code == 421 && client->step != QUIT && client->step != READY)
		return steps_refused(client, OUTCOME_LATER, reply);
	/* Whose reply it is nobody knows: it is not this step's. */
	if (client->unasked && client->step != QUIT)
		return steps_garbage(client, reply);
	if (client->step >= MAIL && client->step <= VOID)
		client->heard = true;
	assert(steps[client->step].hear != NULL);
	return steps[client->step].hear(client, reply);
}

/* ---- ends ---- */

enum step
steps_fail(struct client *client, const char *enhanced, const char *format, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, REPLY_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	outcome_set(&client->why, OUTCOME_LATER, 0, enhanced, buf_span(&text),
	    client->remote);
	buf_clear(&text);
	return GONE;
}

enum step
steps_refused(struct client *client, enum outcome_kind kind,
    const struct reply *reply)
{
	struct buf line;

	buf_init(&line, REPLY_MAX + ENHANCED_MAX);
	reply_line(reply, &line);
	outcome_set(&client->why, kind, reply->code, reply->enhanced,
	    buf_span(&line), client->remote);
	buf_clear(&line);
	return GONE;
}

enum step
steps_leave(struct client *client)
{
	outcome_clear(&client->why);
	return GONE;
}

/* It has failed; where TLS is to blame it begins anew without. */
static enum step
or_in_the_clear(struct client *client)
{
	enum step next = GONE;

	if (greet_blames_tls(client)) {
		next = greet_tls_failed(client, client->why.text);
		if (next != GONE)
			outcome_clear(&client->why);
	}
	return next;
}

/* A refusal that stands in the wrong place may be another recipient's. */
static bool
doubt(struct client *client)
{
	return client->handover.job != NULL &&
	    handover_doubt(&client->handover);
}

enum step
steps_surplus(struct client *client)
{
	char first = client->in.data[0];

	/*
	 * Behind a refusal errors mean little, and 421 is no answer; but a yes
	 * or a 354 belongs to what we take for refused.
	 */
	if ((first == '2' || first == '3') && doubt(client))
		return steps_fail(client, "4.5.0",
		    "more replies than commands");
	return steps_lost(client, "more replies than commands");
}

enum step
steps_garbage(struct client *client, const struct reply *reply)
{
	struct span text = buf_span(&reply->text);
	const char *name = steps[client->step].name;

	/* Up to DATA: a reply is missing, or there was one too many. */
	if (reply->code != 0 && client->step <= DATA)
		doubt(client);
	if (reply->code == 0)
		steps_fail(client, "4.5.0", "no SMTP reply to %s: %.*s", name,
		    (int)text.len, text.len == 0 ? "" : text.data);
	else
		steps_fail(client, "4.5.0", "unexpected reply %d to %s: %.*s",
		    reply->code, name, (int)text.len,
		    text.len == 0 ? "" : text.data);
	/* Words under TLS, whatever they are, are none about TLS. */
	return client->step == STARTTLS ? or_in_the_clear(client) : GONE;
}

enum step
steps_lost(struct client *client, const char *error)
{
	const char *name = steps[client->step].name;

	/* Idle connections that have served may end: nobody is hurt. */
	if (client->step == READY && client->started > 0)
		return steps_leave(client);
	if (error == NULL)
		steps_fail(client, "4.4.2",
		    "the next hop closed the connection at %s", name);
	else
		steps_fail(client, "4.4.2", "connection lost at %s: %s", name,
		    error);
	return or_in_the_clear(client);
}

enum step
steps_late(struct client *client)
{
	switch ((int)client->step) {
	case CONNECT:
		return steps_fail(client, "4.4.1", "connection timed out");
	case HANDSHAKE:
		return greet_tls_failed(client, "TLS: the handshake timed out");
	case READY:
	case QUIT:
		return steps_leave(client);
	}
	steps_fail(client, "4.4.2", "timed out at %s",
	    steps[client->step].name);
	return or_in_the_clear(client);
}

/* Where what we send is content, or nobody listens, there is no QUIT. */
bool
steps_polite(const struct client *client)
{
	return !client->broken && client->out.len == 0 && client->ahead == 0 &&
	    client->step != CONNECT && client->step != HANDSHAKE &&
	    client->step != DATA && client->step != BODY &&
	    client->step != QUIT;
}

/* ---- steps that are nobody else's ---- */

static enum step
hear_unasked(struct client *client, const struct reply *reply)
{
	/* Most often 421: it was idle for too long, or is shutting down. */
	if (client->step == READY && client->started > 0)
		return steps_leave(client);
	return steps_refused(client, OUTCOME_LATER, reply);
}

static void
ask_quit(struct client *client)
{
	buf_add(&client->out, SPAN("QUIT\r\n"));
}

static enum step
hear_quit(struct client *client, const struct reply *reply)
{
	(void)reply;
	return steps_leave(client);
}
