#ifndef SESSION_INSIDE_H
#define SESSION_INSIDE_H

/*
 * The inside of a session, for the session*.c files alone.
 */
#include "relayd/smtp/command.h"
#include "relayd/smtp/mail_intake.h"
#include "relayd/smtp/quirks.h"
#include "relayd/smtp/session.h"
#include "relayd/smtp/transaction.h"

/* RFC 5321 section 3, from top to bottom. */
enum phase {
	PHASE_GREET,  /* 220 is out; no EHLO yet, or TLS has just begun */
	PHASE_READY,  /* EHLO is done; no transaction */
	PHASE_MAIL,   /* a sender, no recipient yet */
	PHASE_RCPT,   /* a sender and at least one recipient */
	PHASE_BODY,   /* 354 is out; bytes go to the spool */
	PHASE_CHUNK,  /* the octets of a BDAT go to the spool */
	PHASE_CHUNKS, /* some chunks are there, not the last */
	PHASE_COMMIT, /* the message is whole; the disk is at work */
	PHASE_CLOSE,  /* 221 or 421 is out; nothing more is read */
};

struct session {
	struct service *service; /* borrowed */
	void (*wake)(void *owner);
	void *owner; /* borrowed; handed to wake */

	struct ip client;
	char client_text[IP_TEXT_MAX];
	char id[SPOOL_ID_LEN + 1];
	bool offers_starttls;
	struct tls_facts *tls; /* owned; NULL in the clear */

	enum phase phase;
	bool fresh;     /* nothing has been read yet */
	bool tls_due;   /* 220 to STARTTLS is out */
	bool said_quit; /* it expects the end */
	bool pipelined; /* input stands behind the command being run */
	bool esmtp;     /* EHLO, not HELO */
	char *helo;     /* owned, NULL before; its argument, any bytes */
	size_t helo_len;
	struct quirks quirks; /* since the last message */
	size_t commands;
	size_t errors;  /* replies 5xx */
	size_t unknown; /* recipients refused 5.1.1 */
	unsigned refs;  /* references given out */
	uint64_t progress;
	uint64_t block;   /* bytes of data since the last progress */
	const char *verb; /* static: what is being answered, for the log */

	struct command command;
	struct buf out;

	struct transaction *transaction; /* owned; NULL between them */
	struct mail_intake *mail;        /* owned; from 354 until the commit */
	uint64_t mail_id;                /* of the message being committed */
	uint64_t mail_size;

	struct {
		uint64_t left; /* octets of it still to come */
		bool last;
		bool dropped; /* they are read and thrown away */
		/* What is said when they are through. */
		void (*refuse)(struct session *session);
	} chunk;
};

/* ---- session.c ---- */

/* The only assignment to session->phase. */
void session_enter_phase(struct session *session, enum phase phase);
/* Forgets MAIL, RCPT, parameters and content: every end of a transaction. */
void session_clear(struct session *session);
/* The only 503. */
void session_out_of_order(struct session *session);

/* ---- session_say.c: the only callers of answer_add() here ---- */

/* text: lines separated by LF; enhanced may be NULL. */
void session_reply(struct session *session, int code, const char *enhanced,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

struct refusal {
	int code;
	const char *enhanced;
	const struct rule *rule;    /* what decided, or NULL */
	const struct address *rcpt; /* whom it is about, or NULL */
};
/*
 * Says no: the reply ends with a reference, and a log line has the same one.
 */
void session_refuse(struct session *session, const struct refusal *refusal,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with neither rule nor recipient. */
void session_error(struct session *session, int code, const char *enhanced,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* 421 and the end. */
void session_hang_up(struct session *session, const char *enhanced,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The outcome of a transaction, in the log. */
void session_log_accepted(struct session *session);
/* event=aborted: a transaction that the client did not end. */
void session_log_aborted(struct session *session, const char *why);

/* ---- session_greet.c ---- */

void session_banner(struct session *session);
void session_do_ehlo(struct session *session, struct span args);
void session_do_helo(struct session *session, struct span args);
void session_do_starttls(struct session *session, struct span args);
void session_do_rset(struct session *session, struct span args);
void session_do_noop(struct session *session, struct span args);
void session_do_vrfy(struct session *session, struct span args);
void session_do_expn(struct session *session, struct span args);
void session_do_help(struct session *session, struct span args);
void session_do_auth(struct session *session, struct span args);
void session_do_quit(struct session *session, struct span args);
/* A client of another protocol. */
void session_do_foreign(struct session *session, struct span args);
/*
 * A header field where a command is due: the client goes on with a message
 * whose DATA was refused, or another protocol with its header.  No line of
 * that may be taken for a command.
 */
void session_do_field(struct session *session);

/* ---- session_mail.c ---- */

void session_do_mail(struct session *session, struct span args);
void session_do_rcpt(struct session *session, struct span args);
/*
 * Has the client used up its messages of this hour since MAIL?  Others of its
 * connections may have.
 */
bool session_over_rate(const struct session *session);

/* ---- session_data.c ---- */

void session_do_data(struct session *session, struct span args);
void session_do_bdat(struct session *session, struct span args);
/* True when it used some of in, or the phase moved on. */
bool session_read_body(struct session *session, struct buf *in);
bool session_read_chunk(struct session *session, struct buf *in);
/* What was odd about the content so far, for the log. */
void session_note_quirks(struct session *session);

#endif
