#ifndef STEPS_H
#define STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/delivery/body.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/handover.h"
#include "relayd/delivery/offers.h"
#include "relayd/delivery/reply.h"
#include "relayd/net/loop.h"
#include "relayd/net/stream.h"

/*
 * The inside of a client, which its two halves share: client.c moves bytes
 * and tells the owner, steps.c knows what is said and heard in which order.
 * Nobody else includes this.
 */
enum step {
	CONNECT,    /* the TCP connection is being made */
	BANNER,     /* connected; the peer speaks first */
	EHLO,       /* also the one after STARTTLS */
	HELO,       /* the peer knows no EHLO */
	STARTTLS,   /* asked for */
	HANDSHAKE,  /* TLS is being agreed */
	AUTH_PLAIN, /* user and password in one line */
	AUTH_LOGIN, /* or one after the other */
	AUTH_USER,
	AUTH_PASSWORD,
	READY,   /* nothing to do */
	SURVEY,  /* the content is read: can it be made 7-bit? */
	SKIPPED, /* a job of which nothing is left to be sent */
	RSET,    /* what the last transaction left is forgotten */
	MAIL,
	RCPT,
	DATA,
	BODY, /* 354 was heard; content goes out */
	DOT,  /* all of it, the final dot too, has gone out */
	VOID, /* 354 without a recipient: a lone dot went out */
	QUIT,
	GONE, /* no step of a session: it is over, client->why says why */
};

enum {
	REMOTE_MAX = DOMAIN_MAX + IP_TEXT_MAX + 16,
	CLIENT_OUT_MAX = 2 << 20 /* 100 RCPT, or blocks of content */
};

struct client {
	struct watch watch;
	struct client_needs needs; /* its texts are owned */
	struct client_events events;
	struct host host;
	char remote[REMOTE_MAX]; /* "mx1.campus.test [192.0.2.1]:25" */

	struct stream *stream; /* owned; NULL when no socket could be made */
	struct buf in;
	struct buf out;
	struct reply reply; /* the one that is being read */
	struct offers offers;
	bool clear_only; /* TLS has failed: not again on this one */

	enum step step;
	size_t ahead; /* steps after this one that were asked with it */
	bool unasked; /* some of a reply was there before this step's command */
	struct handover handover;
	struct downgrade *downgrade; /* owned; NULL: content as it is */
	uint64_t surveyed;           /* bytes of content */
	struct body body;
	uint64_t body_mark; /* body.moved when the deadline was last set */
	bool open;      /* the peer may hold a transaction: RSET comes first */
	bool heard;     /* something was heard for this job */
	size_t started; /* jobs with something to send */

	struct outcome why; /* of GONE */
	bool inside;        /* within ready() or expired() */
	bool broken;        /* a write failed: only hear what there is */
	bool leaving;       /* the owner is being told so */
	bool detached;      /* the owner has gone: no events */
	bool quitting;      /* waits for the reply to QUIT */
};

/* One table: what we ask, how we hear, how long we wait (style 14). */
struct step_row {
	const char *name; /* for the texts of failures */
	void (*ask)(struct client *client);
	enum step (*hear)(struct client *client, const struct reply *reply);
	/* Goes on without a reply: the step that follows, or its own. */
	enum step (*go)(struct client *client);
	unsigned seconds; /* RFC 5321 4.5.3.2; 0: connect_seconds */
};
const struct step_row *steps_row(enum step step);

/* Enters a step: sets its deadline and asks, unless that was done ahead. */
void steps_enter(struct client *client, enum step step);
/* A whole reply came: the step that follows. */
enum step steps_hear(struct client *client, const struct reply *reply);
/*
 * Each notes why the session ends and returns GONE; the last three, where only
 * TLS has failed and may be left out, the step that begins it anew.
 */
enum step steps_fail(struct client *client, const char *enhanced,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
enum step steps_refused(struct client *client, enum outcome_kind kind,
    const struct reply *reply);
enum step steps_leave(struct client *client); /* in good order */
/* The bytes that came are no reply. */
enum step steps_garbage(struct client *client, const struct reply *reply);
/* At READY: more was said than we asked for. */
enum step steps_surplus(struct client *client);
/* The peer has gone, or the connection broke: error is NULL or says how. */
enum step steps_lost(struct client *client, const char *error);
/* The deadline of the step has passed: the step that follows. */
enum step steps_late(struct client *client);

/* How long a step may take, milliseconds. */
uint64_t steps_patience(const struct client *client, enum step step);
/* May a QUIT go out here? */
bool steps_polite(const struct client *client);

#endif
