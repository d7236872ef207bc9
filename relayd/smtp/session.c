/*
 * session - the server side of one SMTP session.
 *
 * Job:     answer a client's command lines in the order RFC 5321 gives them,
 *          and hand each accepted message to the spool.
 * Called:  by conn.c with what came in, by the spool when a commit is done.
 * Owns:    struct session and its replies; a transaction from MAIL to 250.
 * Never:   touches the socket, and never answers 250 to a message that is
 *          not yet on disk.
 *
 * The order of things stands in the two tables below; what each command does
 * is in session_greet.c, session_mail.c and session_data.c, and what is said
 * and logged goes through session_say.c.
 */
#include "relayd/smtp/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/smtp/session_inside.h"

enum {
	OUT_MAX = 64 << 10,  /* replies not yet taken */
	OUT_HIGH = 8 << 10,  /* no more commands beyond: rule of the house */
	COMMIT_SECONDS = 600 /* RFC 5321 4.5.3.2.6: so long a client waits */
};

#define IN(name) (1u << PHASE_##name)
#define ANYTIME  (IN(GREET) | IN(READY) | IN(MAIL) | IN(RCPT) | IN(CHUNKS))

/*
 * When each is allowed (RFC 5321 4.1.4, RFC 3207 4, RFC 3030 2), and whether
 * a client must wait for its reply (RFC 2920 3.1).  BDAT comes anytime since
 * its octets must be read whatever the answer is.
 */
static const struct verb {
	const char *name;
	unsigned allowed;
	bool last_in_group;
	void (*run)(struct session *session, struct span args);
} verbs[] = {
	/* clang-format off */
	{ "EHLO",     ANYTIME,             true,  session_do_ehlo },
	{ "HELO",     ANYTIME,             true,  session_do_helo },
	{ "STARTTLS", IN(READY),           true,  session_do_starttls },
	{ "MAIL",     IN(READY),           false, session_do_mail },
	{ "RCPT",     IN(MAIL) | IN(RCPT), false, session_do_rcpt },
	{ "DATA",     IN(RCPT),            true,  session_do_data },
	{ "BDAT",     ANYTIME,             false, session_do_bdat },
	{ "RSET",     ANYTIME,             false, session_do_rset },
	{ "NOOP",     ANYTIME,             true,  session_do_noop },
	{ "VRFY",     ANYTIME,             true,  session_do_vrfy },
	{ "EXPN",     ANYTIME,             true,  session_do_expn },
	{ "HELP",     ANYTIME,             false, session_do_help },
	{ "AUTH",     ANYTIME,             true,  session_do_auth },
	{ "QUIT",     ANYTIME,             true,  session_do_quit },
	/* Other protocols, whose clients are cut off. */
	{ "GET",      ANYTIME,             true,  session_do_foreign },
	{ "HEAD",     ANYTIME,             true,  session_do_foreign },
	{ "POST",     ANYTIME,             true,  session_do_foreign },
	{ "PUT",      ANYTIME,             true,  session_do_foreign },
	{ "DELETE",   ANYTIME,             true,  session_do_foreign },
	{ "OPTIONS",  ANYTIME,             true,  session_do_foreign },
	{ "TRACE",    ANYTIME,             true,  session_do_foreign },
	{ "CONNECT",  ANYTIME,             true,  session_do_foreign },
	{ "PRI",      ANYTIME,             true,  session_do_foreign },
	{ "USER",     ANYTIME,             true,  session_do_foreign },
	/* clang-format on */
};

/*
 * Where we may go.  Written apart from the table of verbs, so that each of
 * the two watches the other.
 */
static const unsigned may_lead_to[] = {
	/* clang-format off */
	[PHASE_GREET]  = IN(GREET) | IN(READY) | IN(CLOSE),
	[PHASE_READY]  = IN(READY) | IN(MAIL) | IN(GREET) | IN(CLOSE),
	[PHASE_MAIL]   = IN(RCPT) | IN(READY) | IN(CLOSE),
	[PHASE_RCPT]   = IN(RCPT) | IN(BODY) | IN(CHUNK) | IN(READY) |
	                 IN(CLOSE),
	[PHASE_BODY]   = IN(COMMIT) | IN(READY) | IN(CLOSE),
	[PHASE_CHUNK]  = IN(CHUNKS) | IN(COMMIT) | IN(READY) | IN(CLOSE),
	[PHASE_CHUNKS] = IN(CHUNK) | IN(READY) | IN(CLOSE),
	[PHASE_COMMIT] = IN(READY) | IN(CLOSE),
	[PHASE_CLOSE]  = 0,
	/* clang-format on */
};

/* What would have been in order, for the reply. */
static const char *const expected[] = {
	/* clang-format off */
	[PHASE_GREET]  = "send EHLO or HELO first",
	[PHASE_READY]  = "no transaction is open; send MAIL first",
	[PHASE_MAIL]   = "no recipient has been accepted; send RCPT, or RSET",
	[PHASE_RCPT]   = "a transaction is open; send RCPT, DATA or RSET",
	[PHASE_BODY]   = "data is due",
	[PHASE_CHUNK]  = "a chunk is due",
	[PHASE_CHUNKS] = "more BDAT is due, or RSET",
	[PHASE_COMMIT] = "wait",
	[PHASE_CLOSE]  = "closing",
	/* clang-format on */
};

void
session_enter_phase(struct session *session, enum phase phase)
{
	assert((may_lead_to[session->phase] & 1u << phase) != 0);
	session->phase = phase;
}

struct session *
session_new(struct service *service, const struct session_peer *peer,
    void (*wake)(void *owner), void *owner)
{
	struct session *session = xcalloc(1, sizeof(*session));

	session->service = service;
	session->wake = wake;
	session->owner = owner;
	session->client = peer->ip;
	ip_text(&peer->ip, session->client_text);
	spool_id_text(service_session_id(service), session->id);
	session->offers_starttls = peer->starttls;
	session->phase = PHASE_GREET; /* the beginning, before enter() */
	session->fresh = true;
	session->verb = "connect";
	command_init(&session->command, peer->accept_bare_lf);
	buf_init(&session->out, OUT_MAX);
	return session;
}

void
session_start(struct session *session)
{
	if (session->service->draining)
		session_drain(session);
	else
		session_banner(session);
}

void
session_clear(struct session *session)
{
	mail_intake_free(session->mail);
	session->mail = NULL;
	transaction_free(session->transaction);
	session->transaction = NULL;
	session->chunk.left = 0;
	session->chunk.dropped = false;
}

void
session_out_of_order(struct session *session)
{
	session_error(session, 503, "5.5.1", "bad sequence of commands: %s",
	    expected[session->phase]);
}

static const struct verb *
find_verb(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (span_equal_nocase(name, span_of(verbs[i].name)))
			return &verbs[i];
	return NULL;
}

static void
run_line(struct session *session, struct span line)
{
	const struct verb *verb;
	struct span name, args;

	command_split(line, &name, &args);
	verb = find_verb(name);
	session->verb = verb == NULL ? "unknown" : verb->name;
	if (verb != NULL && verb->last_in_group && session->pipelined)
		quirks_note(&session->quirks, QUIRK_IMPATIENT);
	if (verb == NULL && span_ends(name, SPAN(":")))
		session_do_field(session);
	else if (verb == NULL)
		session_error(session, 500, "5.5.2", "command not recognized");
	else if ((verb->allowed & 1u << session->phase) == 0)
		session_out_of_order(session);
	else
		verb->run(session, args);
}

/*
 * A transaction that goes on and on would keep rules alive that a reload has
 * replaced, and what they let in.
 */
static bool
is_stale(const struct session *session)
{
	const struct transaction *transaction = session->transaction;

	return transaction != NULL &&
	    transaction->rules != session->service->rules &&
	    service_now(session->service) - transaction->begun >
	    SERVICE_STALE_MS;
}

/* A client that does nothing but err, or that never ends, is let go. */
static void
check_limits(struct session *session)
{
	const struct conf_limits *limits = &session->service->conf->limits;

	if (session->phase == PHASE_CLOSE || session->phase == PHASE_COMMIT)
		return;
	if (is_stale(session))
		session_hang_up(session, "4.3.2",
		    "the tables have changed since MAIL; begin anew");
	else if (limits->errors_per_session != 0 &&
	    session->errors > limits->errors_per_session)
		session_hang_up(session, "4.7.0",
		    "too many errors in one session (limit %zu)",
		    limits->errors_per_session);
	else if (limits->unknown_recipients_per_session != 0 &&
	    session->unknown > limits->unknown_recipients_per_session)
		session_hang_up(session, "4.7.0",
		    "too many unknown recipients in one session (limit %zu)",
		    limits->unknown_recipients_per_session);
	else if (limits->commands_per_session != 0 &&
	    session->commands > limits->commands_per_session)
		session_hang_up(session, "4.7.0",
		    "too many commands in one session (limit %zu)",
		    limits->commands_per_session);
}

/* Bytes that are no line of SMTP at all. */
static void
bad_line(struct session *session, enum command_verdict verdict)
{
	session->verb = "line";
	if (verdict == COMMAND_BARE_LF)
		session_error(session, 500, "5.5.2",
		    "a line ends in LF alone; lines must end in CRLF");
	else if (verdict == COMMAND_CONTROL)
		session_error(session, 500, "5.5.2",
		    "control characters in a command");
	else if (verdict == COMMAND_LONG)
		session_error(session, 500, "5.5.2",
		    "line too long (limit %d octets)", COMMAND_MAX);
	else
		session_hang_up(session, "4.7.0", "the line does not end");
}

/*
 * A TLS ClientHello where a command is due: there may be no line end in it,
 * so it is known by its first two bytes (RFC 8446 5.1).
 */
static bool
is_tls_hello(const struct session *session, const struct buf *in)
{
	return session->fresh && in->len >= 2 && in->data[0] == 0x16 &&
	    in->data[1] == 0x03;
}

static void
count_command(struct session *session)
{
	session->fresh = false;
	session->commands++;
}

/* False: there is no whole line. */
static bool
read_command(struct session *session, struct buf *in)
{
	char copy[COMMAND_MAX];
	enum command_verdict verdict;
	struct span line;
	size_t used;
	bool bare_lf;

	if (is_tls_hello(session, in)) {
		session->verb = "tls";
		session_do_foreign(session, SPAN(""));
		return true;
	}
	verdict = command_next(&session->command, buf_span(in), &line, &used,
	    &bare_lf);
	if (verdict == COMMAND_LINE) {
		/* Handlers may look at in, and it must begin behind us. */
		memcpy(copy, line.data, line.len);
		line.data = copy;
	}
	buf_eat(in, used);
	if (verdict == COMMAND_MORE)
		return false;
	count_command(session);
	session->pipelined = in->len > 0;
	if (bare_lf)
		quirks_note(&session->quirks, QUIRK_BARE_LF);
	if (verdict != COMMAND_LINE) {
		bad_line(session, verdict);
		session->progress++;
	} else if (span_trim(line).len == 0) {
		quirks_note(&session->quirks, QUIRK_BLANK_LINE);
	} else {
		run_line(session, line);
		session->progress++;
	}
	check_limits(session);
	return true;
}

void
session_feed(struct session *session, struct buf *in)
{
	bool going = true;

	while (going && in->len > 0 && session_wish(session) == SESSION_READ) {
		if (session->phase == PHASE_BODY)
			going = session_read_body(session, in);
		else if (session->phase == PHASE_CHUNK ||
		    session->chunk.dropped)
			going = session_read_chunk(session, in);
		else
			going = read_command(session, in);
		if (session->service->draining)
			session_drain(session);
	}
}

enum session_wish
session_wish(const struct session *session)
{
	if (session->phase == PHASE_CLOSE)
		return session->said_quit ? SESSION_CLOSE : SESSION_CUT;
	if (session->tls_due)
		return SESSION_TLS;
	if (session->phase == PHASE_COMMIT)
		return SESSION_WAIT;
	return session->out.len >= OUT_HIGH ? SESSION_WRITE : SESSION_READ;
}

struct buf *
session_out(struct session *session)
{
	return &session->out;
}

void
session_secured(struct session *session, const struct tls_facts *facts)
{
	/* RFC 3207 4.2: what was said in the clear was said by nobody. */
	session_clear(session);
	free(session->helo);
	session->helo = NULL;
	session->helo_len = 0;
	session->esmtp = false;
	session->tls_due = false;
	session->fresh = true;
	command_init(&session->command, session->command.accept_bare_lf);
	free(session->tls);
	session->tls = xcalloc(1, sizeof(*session->tls));
	*session->tls = *facts;
	session->progress++;
	session_enter_phase(session, PHASE_GREET);
}

uint64_t
session_progress(const struct session *session)
{
	return session->progress;
}

unsigned
session_seconds(const struct session *session)
{
	const struct conf_limits *limits = &session->service->conf->limits;
	bool data = session->phase == PHASE_BODY ||
	    session->phase == PHASE_CHUNK || session->chunk.dropped;

	if (session->phase == PHASE_COMMIT)
		return COMMIT_SECONDS;
	return service_patience(session->service,
	    data ? limits->data_seconds : limits->command_seconds);
}

/* The spool must not call, and the log says what was cut off. */
static void
let_go(struct session *session, const char *why)
{
	if (session->phase == PHASE_COMMIT)
		intake_forget(session->service->spool, session);
	if (session->mail != NULL)
		session_note_quirks(session);
	if (session->transaction != NULL)
		session_log_aborted(session, why);
}

/* A device that ends its data in LF.LF waits for us as we wait for it. */
static const char *
what_is_late(const struct session *session)
{
	if (session->phase == PHASE_BODY && session->mail->dot.bare_lf)
		return "the message has lines that end in LF alone, and only "
		       "<CRLF>.<CRLF> ends it; nothing came";
	if (session->phase == PHASE_COMMIT)
		return "the disk did not answer";
	return "nothing came";
}

void
session_expired(struct session *session)
{
	const char *late = what_is_late(session);
	unsigned seconds = session_seconds(session);

	if (session->phase == PHASE_CLOSE)
		return;
	let_go(session, "timeout");
	session->verb = "timeout";
	session_hang_up(session, "4.4.2", "%s for too long (%u s)", late,
	    seconds);
}

void
session_drain(struct session *session)
{
	if (session->phase == PHASE_GREET || session->phase == PHASE_READY) {
		session->verb = "shutdown";
		session_reply(session, 421, "4.3.2",
		    "%s is being stopped; try again in a moment",
		    session->service->conf->hostname);
		session_enter_phase(session, PHASE_CLOSE);
	}
}

const char *
session_id(const struct session *session)
{
	return session->id;
}

void
session_gone(struct session *session, const char *why)
{
	let_go(session, why);
	session_clear(session);
}

void
session_free(struct session *session)
{
	if (session == NULL)
		return;
	session_clear(session);
	buf_clear(&session->out);
	free(session->helo);
	free(session->tls);
	free(session);
}
