/*
 * session_say - what a session says, to the client and to the log.
 *
 * Job:     write replies; give every refusal a reference that its log line
 *          has too; log what became of each transaction.
 * Called:  by the handlers of a session.
 * Owns:    the counter of references.
 * Never:   decides what is refused.
 */
#include "relayd/admin/log.h"
#include "relayd/smtp/answer.h"
#include "relayd/smtp/session_inside.h"

enum {
	SAID_MAX = 4096 /* bytes of a text before it is written */
};

static void
say(struct session *session, int code, const char *enhanced,
    const struct buf *text)
{
	answer_add(&session->out, code, enhanced, buf_span(text));
}

void
session_reply(struct session *session, int code, const char *enhanced,
    const char *format, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, SAID_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	say(session, code, enhanced, &text);
	buf_clear(&text);
}

/* What every line of this session begins with. */
static void
log_session(struct session *session, struct log_line *line)
{
	log_text(line, "session", session->id);
	log_text(line, "client", session->client_text);
	if (session->helo != NULL)
		log_span(line, "helo",
		    span_make(session->helo, session->helo_len));
}

static void
log_quirks(struct session *session, struct log_line *line)
{
	struct buf names;

	if (!quirks_any(&session->quirks))
		return;
	buf_init(&names, SAID_MAX);
	quirks_add_text(&session->quirks, &names);
	log_span(line, "quirks", buf_span(&names));
	buf_clear(&names);
}

static void
log_tls(struct session *session, struct log_line *line)
{
	if (session->tls != NULL)
		log_format(line, "tls", "%s/%s", session->tls->version,
		    session->tls->cipher);
}

/* The line of a table that decided; without one, that nobody else is served. */
static void
log_rule(struct log_line *line, const struct rule *rule)
{
	if (rule->file != NULL)
		log_format(line, "rule", "%s:%zu", rule->file, rule->line);
	else
		log_text(line, "rule", "default");
}

static void
log_envelope(struct session *session, struct log_line *line)
{
	const struct transaction *transaction = session->transaction;

	log_span(line, "from", address_span(&transaction->sender));
	log_number(line, "rcpts", transaction->count);
	if (transaction->count == 1)
		log_span(line, "rcpt", transaction->recipients[0].address);
	if (transaction->rule_file != NULL)
		log_format(line, "rule", "%s:%zu", transaction->rule_file,
		    transaction->rule_line);
}

/* The end of a transaction, with what came of its content. */
static void
log_outcome(struct session *session, struct log_line *line)
{
	if (session->mail != NULL)
		log_number(line, "size", session->mail->size);
	else if (session->phase == PHASE_COMMIT)
		log_number(line, "size", session->mail_size);
	log_tls(session, line);
	log_quirks(session, line);
	log_number(line, "ms",
	    service_now(session->service) - session->transaction->begun);
}

/* Is it the whole message that is answered, not a command before it? */
static bool
is_outcome(const struct session *session)
{
	return session->transaction != NULL &&
	    (session->mail != NULL || session->phase == PHASE_COMMIT);
}

static void
log_refused(struct session *session, const struct refusal *refusal,
    const struct buf *text, unsigned ref)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "refused");
	log_session(session, &line);
	log_text(&line, "in", session->verb);
	log_number(&line, "code", (uint64_t)refusal->code);
	log_text(&line, "status", refusal->enhanced);
	if (is_outcome(session))
		log_envelope(session, &line);
	else if (session->transaction != NULL)
		log_span(&line, "from",
		    address_span(&session->transaction->sender));
	if (refusal->rcpt != NULL)
		log_span(&line, "rcpt", address_span(refusal->rcpt));
	if (refusal->rule != NULL)
		log_rule(&line, refusal->rule);
	log_format(&line, "ref", "%s.%u", session->id, ref);
	if (is_outcome(session)) {
		log_outcome(session, &line);
	} else {
		log_tls(session, &line);
		log_quirks(session, &line);
	}
	log_span(&line, "text", buf_span(text));
	log_end(&line);
}

static void refuse(struct session *session, const struct refusal *refusal,
    const char *format, va_list args) __attribute__((format(printf, 3, 0)));

static void
refuse(struct session *session, const struct refusal *refusal,
    const char *format, va_list args)
{
	unsigned ref = ++session->refs;
	struct buf text;

	buf_init(&text, SAID_MAX);
	buf_vaddf(&text, format, args);
	log_refused(session, refusal, &text, ref);
	buf_addf(&text, " [ref %s.%u]", session->id, ref);
	say(session, refusal->code, refusal->enhanced, &text);
	buf_clear(&text);
	session->service->counts.refused++;
	if (refusal->code >= 500)
		session->errors++;
}

void
session_refuse(struct session *session, const struct refusal *refusal,
    const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(session, refusal, format, args);
	va_end(args);
}

void
session_error(struct session *session, int code, const char *enhanced,
    const char *format, ...)
{
	struct refusal refusal = { .code = code, .enhanced = enhanced };
	va_list args;

	va_start(args, format);
	refuse(session, &refusal, format, args);
	va_end(args);
}

void
session_hang_up(struct session *session, const char *enhanced,
    const char *format, ...)
{
	struct refusal refusal = { .code = 421, .enhanced = enhanced };
	va_list args;

	va_start(args, format);
	refuse(session, &refusal, format, args);
	va_end(args);
	session_clear(session);
	session_enter_phase(session, PHASE_CLOSE);
}

void
session_log_accepted(struct session *session)
{
	char id[SPOOL_ID_LEN + 1];
	struct log_line line;

	spool_id_text(session->mail_id, id);
	log_begin(&line, LEVEL_INFO, "accepted");
	log_text(&line, "id", id);
	log_session(session, &line);
	log_envelope(session, &line);
	log_outcome(session, &line);
	log_end(&line);
}

void
session_log_aborted(struct session *session, const char *why)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "aborted");
	log_session(session, &line);
	log_envelope(session, &line);
	log_text(&line, "in", session->verb);
	log_text(&line, "why", why);
	log_outcome(session, &line);
	log_end(&line);
}
