#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/ip.h"
#include "relayd/net/stream.h"
#include "relayd/smtp/service.h"

/*
 * The server side of one SMTP session, in memory: it takes bytes that came
 * and gives bytes that go, and knows no socket.
 */
struct session;

/* Who it is with, and what the listener allows. */
struct session_peer {
	struct ip ip;
	bool accept_bare_lf; /* serve commands that end in LF alone */
	bool starttls;       /* there is a certificate to offer */
};

/* What it wants of the connection, once out is written. */
enum session_wish {
	SESSION_READ,  /* more input */
	SESSION_WRITE, /* out to be taken first: the client does not read */
	SESSION_WAIT,  /* nothing, until wake(): the disk is at work */
	SESSION_TLS,   /* the handshake; then session_secured() */
	SESSION_CLOSE, /* the end: QUIT */
	SESSION_CUT,   /* the end, while the client may well go on sending */
};

/* wake: the disk has answered; there is output, and a new wish. */
struct session *session_new(struct service *service,
    const struct session_peer *peer, void (*wake)(void *owner), void *owner);

/* The banner; under implicit TLS, after session_secured(). */
void session_start(struct session *session);
/*
 * Works through what is in `in` and eats it, until there is no whole command
 * or line of data any more or something must be waited for.
 */
void session_feed(struct session *session, struct buf *in);
enum session_wish session_wish(const struct session *session);
/* Replies to be written; the connection eats what it wrote. */
struct buf *session_out(struct session *session);

/* The handshake is done: nothing that came before it counts any more. */
void session_secured(struct session *session, const struct tls_facts *facts);

/*
 * Moves on whenever the client has got something done: a command, or a block
 * of data.  While it stands still a deadline runs, and single bytes do not
 * stretch it.
 */
uint64_t session_progress(const struct session *session);
/* Seconds until the deadline, from the last progress on. */
unsigned session_seconds(const struct session *session);
/* The deadline: 421, and the wish is SESSION_CLOSE. */
void session_expired(struct session *session);
/* The relay stops: 421 now when between transactions, else after this one. */
void session_drain(struct session *session);

/* Its ID as the log has it. */
const char *session_id(const struct session *session);

/*
 * Lets go of the spool and logs a transaction that was cut off; why is a word
 * for that ("lost", "timeout").  Only session_free() may follow.
 */
void session_gone(struct session *session, const char *why);
void session_free(struct session *session);

#endif
