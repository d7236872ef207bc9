/*
 * session_greet - the commands that are not about a message.
 *
 * Job:     banner, EHLO, HELO, STARTTLS, RSET, NOOP, VRFY, HELP, QUIT, and
 *          the clients of other protocols.
 * Called:  by the table of verbs in session.c.
 * Owns:    the table of extensions.
 * Never:   refuses a HELO name, whatever it is (RFC 5321 4.1.4).
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/smtp/session_inside.h"

enum {
	HELO_MAX = 512, /* bytes of its argument that are kept */
	EHLO_MAX = 2048 /* bytes of the reply to EHLO */
};

static bool
always(const struct session *session)
{
	(void)session;
	return true;
}

/* RFC 3207 4.2: not again once TLS runs. */
static bool
offers_starttls(const struct session *session)
{
	return session->offers_starttls && session->tls == NULL;
}

static bool
limits_recipients(const struct session *session)
{
	return session->service->conf->limits.recipients_per_message != 0;
}

static void
add_size(const struct session *session, struct buf *out)
{
	buf_addf(out, " %llu",
	    (unsigned long long)session->service->conf->limits.message_size);
}

static void
add_limits(const struct session *session, struct buf *out)
{
	buf_addf(out, " RCPTMAX=%zu",
	    session->service->conf->limits.recipients_per_message);
}

/* What EHLO offers, and where. */
static const struct {
	const char *keyword;
	bool (*offered)(const struct session *session);
	void (*add_value)(const struct session *session, struct buf *out);
} extensions[] = {
	/* clang-format off */
	{ "PIPELINING",          always,            NULL },       /* RFC 2920 */
	{ "SIZE",                always,            add_size },   /* RFC 1870 */
	{ "8BITMIME",            always,            NULL },       /* RFC 6152 */
	{ "SMTPUTF8",            always,            NULL },       /* RFC 6531 */
	{ "CHUNKING",            always,            NULL },       /* RFC 3030 */
	{ "DSN",                 always,            NULL },       /* RFC 3461 */
	{ "ENHANCEDSTATUSCODES", always,            NULL },       /* RFC 2034 */
	{ "STARTTLS",            offers_starttls,   NULL },       /* RFC 3207 */
	{ "LIMITS",              limits_recipients, add_limits }, /* RFC 9422 */
	/* clang-format on */
};

void
session_banner(struct session *session)
{
	/* One line: old devices do not read more. */
	session_reply(session, 220, NULL, "%s ESMTP relayd",
	    session->service->conf->hostname);
}

/* What the client gives up itself ends with a line, too. */
static void
abandon(struct session *session)
{
	if (session->transaction != NULL && session->transaction->count > 0)
		session_log_aborted(session, "given up");
	session_clear(session);
}

/* RFC 5321 4.1.4: EHLO and HELO also do what RSET does. */
static void
greeted(struct session *session, struct span name, bool esmtp)
{
	abandon(session);
	free(session->helo);
	name = span_head(name, HELO_MAX);
	session->helo = xstrndup(name.data, name.len);
	session->helo_len = name.len;
	session->esmtp = esmtp;
	if (name.len == 0)
		quirks_note(&session->quirks, QUIRK_NO_NAME);
	session_enter_phase(session, PHASE_READY);
}

void
session_do_ehlo(struct session *session, struct span args)
{
	struct buf text;
	size_t i;

	greeted(session, args, true);
	buf_init(&text, EHLO_MAX);
	buf_addf(&text, "%s greets [%s]", session->service->conf->hostname,
	    session->client_text);
	for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		if (!extensions[i].offered(session))
			continue;
		buf_addf(&text, "\n%s", extensions[i].keyword);
		if (extensions[i].add_value != NULL)
			extensions[i].add_value(session, &text);
	}
	session_reply(session, 250, NULL, "%s", buf_text(&text));
	buf_clear(&text);
}

void
session_do_helo(struct session *session, struct span args)
{
	greeted(session, args, false);
	session_reply(session, 250, NULL, "%s greets [%s]",
	    session->service->conf->hostname, session->client_text);
}

void
session_do_starttls(struct session *session, struct span args)
{
	if (session->tls != NULL) {
		session_error(session, 554, "5.5.1", "TLS is active already");
	} else if (!session->offers_starttls) {
		session_error(session, 502, "5.5.1",
		    "STARTTLS is not offered here");
	} else if (args.len > 0) {
		session_error(session, 501, "5.5.4",
		    "STARTTLS takes no argument");
	} else if (session->pipelined) {
		/* RFC 3207 4.2: it came in the clear, from who knows whom. */
		session_error(session, 554, "5.5.0",
		    "nothing may be sent behind STARTTLS before TLS begins");
		session_enter_phase(session, PHASE_CLOSE);
	} else {
		session_reply(session, 220, "2.0.0", "begin TLS");
		session->tls_due = true;
	}
}

void
session_do_rset(struct session *session, struct span args)
{
	(void)args;
	abandon(session);
	session_enter_phase(session,
	    session->phase == PHASE_GREET ? PHASE_GREET : PHASE_READY);
	session_reply(session, 250, "2.0.0", "ok");
}

void
session_do_noop(struct session *session, struct span args)
{
	(void)args;
	session_reply(session, 250, "2.0.0", "ok");
}

void
session_do_vrfy(struct session *session, struct span args)
{
	(void)args; /* RFC 5321 3.5.3 */
	session_reply(session, 252, "2.5.2",
	    "cannot VRFY; send the message and see");
}

void
session_do_expn(struct session *session, struct span args)
{
	(void)args;
	session_error(session, 502, "5.5.1", "there are no lists here");
}

void
session_do_help(struct session *session, struct span args)
{
	const char *contact = session->service->conf->contact;

	(void)args;
	session_reply(session, 214, "2.0.0",
	    "relayd: EHLO HELO STARTTLS MAIL RCPT DATA BDAT RSET NOOP VRFY "
	    "HELP QUIT\n"
	    "nobody logs in; who may send where is decided by address%s%s",
	    contact == NULL ? "" : "\n", contact == NULL ? "" : contact);
}

void
session_do_auth(struct session *session, struct span args)
{
	(void)args;
	session_error(session, 502, "5.5.1",
	    "nobody logs in here; switch authentication off");
}

void
session_do_quit(struct session *session, struct span args)
{
	(void)args;
	session_reply(session, 221, "2.0.0", "%s closing connection",
	    session->service->conf->hostname);
	session->said_quit = !session->pipelined;
	abandon(session);
	session_enter_phase(session, PHASE_CLOSE);
}

void
session_do_foreign(struct session *session, struct span args)
{
	(void)args;
	session_error(session, 554, "5.5.1", "this is an SMTP server");
	session_clear(session);
	session_enter_phase(session, PHASE_CLOSE);
}

void
session_do_field(struct session *session)
{
	session->verb = "field";
	session_error(session, 554, "5.5.1",
	    "a header field where a command is due; the session ends here");
	session_clear(session);
	session_enter_phase(session, PHASE_CLOSE);
}
