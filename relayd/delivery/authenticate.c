/*
 * authenticate - the client's side of AUTH, for a provider's smarthost.
 *
 * Job:     say user and password as the next hop wants to hear them.
 * Called:  by greet.c, then by the table of steps in steps.c.
 * Owns:    nothing of its own.
 * Never:   says a password to a host that TLS has not verified, or logs it.
 */
#include "relayd/delivery/authenticate.h"

#include <gnutls/gnutls.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/delivery/login.h"

enum step
authenticate(struct client *client)
{
	/* The configuration demands tls=verify; this is the lock behind it. */
	if (!stream_is_tls(client->stream) ||
	    client->needs.tls_level != TLS_VERIFY)
		return steps_fail(client, "4.7.0",
		    "no password goes out without verified TLS");
	if (client->offers.auth_plain)
		return AUTH_PLAIN;
	if (client->offers.auth_login)
		return AUTH_LOGIN;
	return steps_fail(client, "4.7.0",
	    "delivery.outside_login is set and the next hop offers neither "
	    "AUTH PLAIN nor AUTH LOGIN");
}

/* Appends bytes as base64 (RFC 4648) and CRLF, and wipes what was between. */
static void
say_base64(struct client *client, const void *bytes, size_t len)
{
	gnutls_datum_t plain = { (unsigned char *)(uintptr_t)bytes,
		(unsigned)len };
	gnutls_datum_t coded;
	int result = gnutls_base64_encode2(&plain, &coded);

	/* Nothing but memory can fail. */
	assert(result >= 0);
	buf_add(&client->out, span_make((const char *)coded.data, coded.size));
	buf_add(&client->out, SPAN("\r\n"));
	gnutls_memset(coded.data, 0, coded.size);
	gnutls_free(coded.data);
}

void
authenticate_ask_plain(struct client *client)
{
	const struct login *login = client->needs.login;
	char message[2 * LOGIN_TEXT_MAX + 2];
	size_t user = strlen(login->user), password = strlen(login->password);

	/* RFC 4616 2: for nobody else, user, password. */
	message[0] = '\0';
	memcpy(message + 1, login->user, user + 1);
	memcpy(message + user + 2, login->password, password);
	buf_add(&client->out, SPAN("AUTH PLAIN "));
	say_base64(client, message, user + password + 2);
	gnutls_memset(message, 0, sizeof(message));
}

void
authenticate_ask_login(struct client *client)
{
	buf_add(&client->out, SPAN("AUTH LOGIN\r\n"));
}

void
authenticate_ask_user(struct client *client)
{
	const char *user = client->needs.login->user;

	say_base64(client, user, strlen(user));
}

void
authenticate_ask_password(struct client *client)
{
	const char *password = client->needs.login->password;

	say_base64(client, password, strlen(password));
}

/* 334 asks for the next of the two (RFC 4954 4). */
enum step
authenticate_hear_challenge(struct client *client, const struct reply *reply)
{
	if (reply->code == 334)
		return client->step == AUTH_LOGIN ? AUTH_USER : AUTH_PASSWORD;
	return authenticate_hear_end(client, reply);
}

/*
 * RFC 4954 6.  A password that is not taken is our trouble, not the sender's:
 * the mail waits until somebody has set it right.
 */
enum step
authenticate_hear_end(struct client *client, const struct reply *reply)
{
	if (reply->code == 235 && client->step != AUTH_LOGIN &&
	    client->step != AUTH_USER)
		return READY;
	if (reply_class(reply) == 2 || reply_class(reply) == 3)
		return steps_garbage(client, reply);
	return steps_refused(client, OUTCOME_LATER, reply);
}
