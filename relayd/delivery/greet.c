/*
 * greet - from a socket to a session: connection, greeting, EHLO, TLS.
 *
 * Job:     the steps up to READY.
 * Called:  by the table of steps in steps.c.
 * Owns:    nothing of its own: offers and stream of the client.
 * Never:   keeps what was heard before TLS (RFC 3207 4.2), nor goes on in
 *          the clear where TLS is required.
 */
#include "relayd/delivery/greet.h"

#include <errno.h>
#include <string.h>

#include "relayd/admin/log.h"
#include "relayd/delivery/authenticate.h"
#include "relayd/delivery/dial.h"

bool
greet_blames_tls(const struct client *client)
{
	return client->needs.tls_level == TLS_MAY &&
	    (client->step == STARTTLS ||
		(client->step == EHLO && stream_is_tls(client->stream)));
}

enum step
greet_tls_failed(struct client *client, const char *error)
{
	log_say(LEVEL_DEBUG, "tls-failed", "%s: %s", client->remote, error);
	if (client->needs.tls_level != TLS_MAY)
		return steps_fail(client, "4.7.5", "%s", error);
	/* RFC 7435 4: opportunistic; better in the clear than not at all. */
	client->clear_only = true;
	return greet_connect(client);
}

enum step
greet_connect(struct client *client)
{
	int fd;

	/* Nothing that an earlier connection heard is kept (RFC 3207 4.2). */
	stream_free(client->stream);
	client->stream = NULL;
	client->watch.fd = -1;
	client->watch.again = false;
	client->broken = false;
	buf_empty(&client->in);
	buf_empty(&client->out);
	reply_begin(&client->reply);
	client->ahead = 0;
	client->offers = (struct offers){ .pipelining = false };
	fd = dial_begin(&client->host, client->needs.local_address);
	if (fd == -1)
		return steps_fail(client, "4.4.1", "connect: %s",
		    strerror(errno));
	client->stream = stream_new(fd);
	client->watch.fd = fd;
	return CONNECT;
}

enum step
greet_go_connect(struct client *client)
{
	int error;

	switch (dial_state(client->watch.fd, &error)) {
	case DIAL_WAITING:
		break;
	case DIAL_DONE:
		return BANNER;
	case DIAL_FAILED:
		return steps_fail(client, "4.4.1", "connect: %s",
		    strerror(error));
	}
	return CONNECT;
}

/*
 * RFC 5321 3.1 (554) and RFC 7504 3 (521, 556): this host takes no mail, for
 * good.  Other 5yz greetings are often a list that we are on for a while, or
 * a host in trouble: they wait.
 */
static enum outcome_kind
greeting_kind(const struct reply *reply)
{
	if (reply->code == 521 || reply->code == 554 || reply->code == 556)
		return OUTCOME_FAILED;
	return OUTCOME_LATER;
}

enum step
greet_hear_banner(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	if (reply_class(reply) != 2)
		return steps_refused(client, greeting_kind(reply), reply);
	return EHLO;
}

void
greet_ask_ehlo(struct client *client)
{
	/* RFC 2033 4.1 */
	buf_addf(&client->out, "%s %s\r\n", client->host.lmtp ? "LHLO" : "EHLO",
	    client->needs.hostname);
}

void
greet_ask_helo(struct client *client)
{
	buf_addf(&client->out, "HELO %s\r\n", client->needs.hostname);
}

static void
log_connected(struct client *client)
{
	struct tls_facts facts;
	struct log_line line;

	log_begin(&line, LEVEL_DEBUG, "connected");
	if (line.wanted) {
		log_text(&line, "remote", client->remote);
		if (stream_is_tls(client->stream)) {
			stream_tls_facts(client->stream, &facts);
			log_text(&line, "tls", facts.version);
			log_text(&line, "cipher", facts.cipher);
			log_text(&line, "verified",
			    facts.verified ? "yes" : "no");
		}
	}
	log_end(&line);
}

/* What goes over a Unix socket never leaves the machine. */
static enum tls_level
wanted_tls(const struct client *client)
{
	return client->host.path[0] != '\0' ? TLS_OFF : client->needs.tls_level;
}

/* EHLO or HELO is done: TLS first, where it is wanted and can be had. */
static enum step
greeted(struct client *client)
{
	enum tls_level level = wanted_tls(client);
	bool secure = stream_is_tls(client->stream);

	if (!secure && level != TLS_OFF && !client->clear_only &&
	    client->offers.starttls && client->needs.tls != NULL)
		return STARTTLS;
	if (!secure && level >= TLS_REQUIRE)
		return steps_fail(client, "4.7.4",
		    "TLS is required (tls=%s) and the next hop offers none",
		    tls_level_name(level));
	log_connected(client);
	return client->needs.login == NULL ? READY : authenticate(client);
}

enum step
greet_hear_ehlo(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	/* RFC 5321 3.2; LMTP has no HELO (RFC 2033 4.1). */
	if (reply_class(reply) == 5 && greeting_kind(reply) == OUTCOME_LATER &&
	    !client->host.lmtp)
		return HELO;
	if (reply_class(reply) != 2)
		return steps_refused(client, greeting_kind(reply), reply);
	offers_read(&client->offers, reply);
	return greeted(client);
}

enum step
greet_hear_helo(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	if (reply_class(reply) != 2)
		return steps_refused(client, greeting_kind(reply), reply);
	client->offers = (struct offers){ .pipelining = false };
	return greeted(client);
}

void
greet_ask_starttls(struct client *client)
{
	buf_add(&client->out, SPAN("STARTTLS\r\n"));
}

enum step
greet_hear_starttls(struct client *client, const struct reply *reply)
{
	if (reply_class(reply) == 3)
		return steps_garbage(client, reply);
	if (reply_class(reply) != 2) {
		if (client->needs.tls_level >= TLS_REQUIRE)
			return steps_refused(client, OUTCOME_LATER, reply);
		client->clear_only = true;
		return greeted(client);
	}
	/* RFC 3207 4.2, and its erratum: what came with the 220 is forged. */
	if (client->in.len > 0)
		return greet_tls_failed(client,
		    "TLS: there were bytes behind the reply to STARTTLS");
	return HANDSHAKE;
}

void
greet_ask_handshake(struct client *client)
{
	bool named = client->host.name[0] != '\0';
	struct tls_expect expect = {
		.verify = client->needs.tls_level == TLS_VERIFY,
		.name = named ? client->host.name : NULL,
		.ip = &client->host.ip,
	};

	client->offers = (struct offers){ .pipelining = false };
	stream_tls_client(client->stream, client->needs.tls, &expect);
}

enum step
greet_go_handshake(struct client *client)
{
	enum io io = stream_handshake(client->stream);

	if (io == IO_WAIT)
		return HANDSHAKE;
	if (io == IO_OK)
		return EHLO;
	if (io == IO_EOF)
		return greet_tls_failed(client, "TLS: connection closed");
	return greet_tls_failed(client, stream_error(client->stream));
}
