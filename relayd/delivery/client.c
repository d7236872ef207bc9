/*
 * client - one connection to one next hop.
 *
 * Job:     move bytes between the socket and the session, and tell the owner
 *          what came of it.
 * Called:  by the destinations, who have messages; by the loop.
 * Owns:    the connection, its buffers, and itself: it is freed by reap(); and
 *          the count of those that wait for the reply to QUIT.
 * Never:   calls the owner from within a call of the owner's, and never
 *          decides what a reply means (steps.c does).
 */
#include "relayd/delivery/client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/log.h"
#include "relayd/delivery/exchange.h"
#include "relayd/delivery/greet.h"
#include "relayd/delivery/login.h"
#include "relayd/delivery/steps.h"

enum {
	IN_MAX = 16 << 10,
	TURN_BUDGET = 64 << 10, /* bytes heard in one turn */
	QUITTING_MAX = 100,
};

/*
 * How many wait for the reply to QUIT, of all that there are: their owners have
 * gone, and nobody else counts them.  A next hop that takes one message a
 * connection and is silent then must not use up the descriptors.
 */
static size_t quitting;

static void client_ready(void *owner, short revents);
static void client_expired(void *owner);
static void client_reap(void *owner);
static void move(struct client *client, enum step next);
static void watch_for(struct client *client);
static void flush(struct client *client);

/* ---- for the owner ---- */

static void
name_remote(struct client *client)
{
	const struct host *host = &client->host;
	char ip[IP_TEXT_MAX];

	if (host->path[0] != '\0') {
		snprintf(client->remote, sizeof(client->remote), "unix:%s",
		    host->path);
		return;
	}
	ip_text(&host->ip, ip);
	snprintf(client->remote, sizeof(client->remote), "%s%s[%s]:%u",
	    host->name, host->name[0] == '\0' ? "" : " ", ip,
	    (unsigned)host->port);
}

struct client *
client_new(const struct client_needs *needs, const struct host *host,
    const struct client_events *events)
{
	struct client *client = xcalloc(1, sizeof(*client));

	client->needs = *needs;
	client->needs.hostname = xstrdup(needs->hostname);
	login_hold(client->needs.login);
	if (needs->local_address != NULL)
		client->needs.local_address = xstrdup(needs->local_address);
	client->events = *events;
	client->host = *host;
	name_remote(client);
	buf_init(&client->in, IN_MAX);
	buf_init(&client->out, CLIENT_OUT_MAX);
	reply_init(&client->reply);
	watch_init(&client->watch, -1, client, client_ready, client_expired,
	    client_reap);
	steps_enter(client, greet_connect(client));
	/* Failed already?  The owner hears of it in the next turn. */
	if (client->step == GONE)
		client->watch.deadline = loop_now(needs->loop);
	watch_for(client);
	loop_add(needs->loop, &client->watch);
	return client;
}

/* What was begun from outside goes out at once; what failed is told later. */
static void
start(struct client *client)
{
	if (client->inside)
		return;
	flush(client);
	if (client->broken)
		client->watch.deadline = loop_now(client->needs.loop);
	if (steps_row(client->step)->go != NULL)
		client->watch.again = true;
	watch_for(client);
}

/* What this job goes over, for the log. */
static void
note_tls(const struct client *client, struct client_job *job)
{
	struct tls_facts facts;

	job->tls[0] = '\0';
	if (!stream_is_tls(client->stream))
		return;
	stream_tls_facts(client->stream, &facts);
	snprintf(job->tls, sizeof(job->tls), "%s/%s", facts.version,
	    facts.cipher);
	job->verified = facts.verified;
}

void
client_send(struct client *client, struct client_job *job)
{
	assert(client->step == READY && client->handover.job == NULL);
	handover_begin(&client->handover, job, &client->offers, client->remote);
	note_tls(client, job);
	exchange_begin(client);
	start(client);
}

/* RFC 5321 4.1.1.10: no end without QUIT; here nobody waits for its reply. */
static void
say_quit(struct client *client)
{
	if (client->stream == NULL || !steps_polite(client))
		return;
	buf_add(&client->out, SPAN("QUIT\r\n"));
	stream_write(client->stream, &client->out);
}

void
client_quit(struct client *client)
{
	client->detached = true;
	if (client->leaving || client->watch.dead)
		return;
	if (client->step != READY || client->broken) {
		client_abort(client);
		return;
	}
	if (quitting >= QUITTING_MAX) {
		say_quit(client);
		client_abort(client);
		return;
	}
	client->quitting = true;
	quitting++;
	steps_enter(client, QUIT);
	start(client);
}

void
client_abort(struct client *client)
{
	client->detached = true;
	client->handover.job = NULL;
	loop_kill(client->needs.loop, &client->watch);
}

/* ---- ends ---- */

static void
client_reap(void *owner)
{
	struct client *client = owner;

	quitting -= client->quitting;
	stream_free(client->stream);
	downgrade_free(client->downgrade);
	buf_clear(&client->in);
	buf_clear(&client->out);
	reply_clear(&client->reply);
	outcome_clear(&client->why);
	login_free(client->needs.login);
	free((char *)(uintptr_t)client->needs.hostname);
	free((char *)(uintptr_t)client->needs.local_address);
	free(client);
}

/* Gives the job back; undecided recipients learn why it ended. */
static void
return_job(struct client *client)
{
	const struct outcome *why = &client->why;
	struct client_job *job = client->handover.job;
	const char *text = why->text == NULL ? "connection ended" : why->text;

	handover_decide(&client->handover, OUTCOME_LATER, why->code,
	    why->enhanced, span_of(text));
	handover_end(&client->handover);
	job->stale = client->started > 1 && !client->heard;
	client->events.done(client->events.owner, job, false);
}

static void
leave(struct client *client)
{
	say_quit(client);
	client->leaving = true;
	if (client->why.kind != OUTCOME_NONE && client->started == 0)
		log_say(LEVEL_DEBUG, "connect-failed", "%s: %s", client->remote,
		    client->why.text);
	if (client->handover.job != NULL)
		return_job(client);
	if (!client->detached)
		client->events.closed(client->events.owner, &client->why);
	loop_kill(client->needs.loop, &client->watch);
}

/* ---- turns ---- */

/* Nothing is to be done: an idle connection holds no buffers. */
static void
rest(struct client *client)
{
	struct client_job *job = client->handover.job;

	downgrade_free(client->downgrade);
	client->downgrade = NULL;
	buf_release(&client->out);
	reply_release(&client->reply);
	if (job == NULL) {
		client->events.ready(client->events.owner);
		return;
	}
	handover_end(&client->handover);
	client->events.done(client->events.owner, job, true);
}

/* May this connection serve another job? */
static bool
worn_out(const struct client *client)
{
	const struct offers *offers = &client->offers;

	/* RFC 9422 4.3 counts over the session: the next has other domains. */
	if (offers->domain_max > 0 && client->started > 0)
		return true;
	/* RFC 9422 4.1 */
	return offers->mail_max > 0 && client->started >= offers->mail_max;
}

/* At READY, or is there a reason to leave instead? */
static enum step
be_ready(struct client *client)
{
	client->step = READY;
	if (client->in.len > 0)
		return steps_surplus(client);
	return worn_out(client) ? steps_leave(client) : READY;
}

static void
move(struct client *client, enum step next)
{
	if (next == READY)
		next = be_ready(client);
	if (next == GONE) {
		leave(client);
		return;
	}
	steps_enter(client, next);
	if (next == READY)
		rest(client);
}

/* Steps that need no reply go on as far as they can. */
static void
go_on(struct client *client)
{
	const struct step_row *step;
	enum step next;

	while (!client->watch.dead && !client->broken) {
		step = steps_row(client->step);
		if (step->go == NULL)
			return;
		next = step->go(client);
		if (next == client->step)
			return;
		move(client, next);
	}
}

static void
hear_one(struct client *client)
{
	enum reply_verdict verdict;
	enum step next;
	size_t used;

	verdict = reply_feed(&client->reply, buf_span(&client->in), &used);
	buf_eat(&client->in, used);
	if (verdict == REPLY_MORE)
		return;
	if (verdict == REPLY_WHOLE)
		next = steps_hear(client, &client->reply);
	else
		next = steps_garbage(client, &client->reply);
	reply_begin(&client->reply);
	move(client, next);
}

/* True where replies are read: bytes of TLS are not ours to look at. */
static bool
hearing(const struct client *client)
{
	return !client->watch.dead && client->step != CONNECT &&
	    client->step != HANDSHAKE;
}

static void
hear(struct client *client)
{
	bool more = false;
	enum io io;

	if (!hearing(client))
		return;
	io = stream_read(client->stream, &client->in, TURN_BUDGET, &more);
	if (more)
		client->watch.again = true;
	while (hearing(client) && client->in.len > 0)
		hear_one(client);
	if (!hearing(client))
		return;
	if (io == IO_EOF)
		move(client, steps_lost(client, NULL));
	else if (io == IO_ERROR)
		move(client, steps_lost(client, stream_error(client->stream)));
}

static void
flush(struct client *client)
{
	if (client->watch.dead || client->step == BODY ||
	    client->stream == NULL || client->out.len == 0)
		return;
	if (stream_write(client->stream, &client->out) == IO_ERROR)
		client->broken = true;
}

/*
 * Nothing can be written any more, but the next hop may have said why before
 * it hung up: that is heard first.
 */
static void
last_words(struct client *client)
{
	char error[256];

	snprintf(error, sizeof(error), "%s", stream_error(client->stream));
	buf_empty(&client->out);
	hear(client);
	/* Unless that made it begin anew, in the clear. */
	if (!client->watch.dead && client->broken)
		move(client, steps_lost(client, error));
}

static void
watch_for(struct client *client)
{
	struct watch *watch = &client->watch;

	switch ((int)client->step) {
	case CONNECT:
		watch->events = POLLOUT;
		return;
	case HANDSHAKE:
		watch->events = stream_wants(client->stream);
		return;
	}
	watch->events = POLLIN;
	if (client->step == BODY ? !reply_begun(&client->reply) :
				   client->out.len > 0)
		watch->events |= POLLOUT;
}

static void
finish_turn(struct client *client)
{
	go_on(client);
	flush(client);
	if (client->broken && !client->watch.dead)
		last_words(client);
	client->inside = false;
	if (!client->watch.dead)
		watch_for(client);
}

static void
client_ready(void *owner, short revents)
{
	struct client *client = owner;

	client->inside = true;
	client->watch.again = false;
	/* First: what comes before the final dot is no answer to it. */
	if ((revents & POLLIN) != 0 || client->step == BODY)
		hear(client);
	finish_turn(client);
}

static void
client_expired(void *owner)
{
	struct client *client = owner;

	client->inside = true;
	if (client->step == GONE)
		leave(client);
	else if (!client->broken)
		move(client, steps_late(client));
	finish_turn(client);
}
