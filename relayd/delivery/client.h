#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hosts.h"
#include "outcome.h"
#include "relayd/net/loop.h"
#include "relayd/net/tls.h"
#include "spool/spool.h"

/*
 * The client side of SMTP and LMTP (RFC 2033): one connection to one next hop,
 * and one transaction after the other over it.  One table of steps.
 */
struct client;

enum {
	CLIENT_TLS_MAX = 80
};

/*
 * One message for some of its recipients, over one connection.  Owned by the
 * caller until done.
 */
struct client_job {
	struct spool *spool;             /* borrowed */
	uint64_t id;                     /* of the message, for the log */
	const struct envelope *envelope; /* borrowed */
	size_t recipient_count;
	const size_t *recipients; /* borrowed: numbers in the envelope */
	struct content content;   /* open; the caller closes it */
	/* Borrowed: one for each of recipients, filled in. */
	struct outcome *outcomes;
	/* The final dot went out: a loss from here on may mean a duplicate. */
	bool sent_dot;
	/*
	 * A connection used before had died before anything was heard: the
	 * job may go again at once, on a fresh one.
	 */
	bool stale;
	/* Our disk did not give the content, which is no word on the peer. */
	bool unread;
	/* What it went over: "TLSv1.3/TLS_AES_256_GCM_SHA384"; "": clear. */
	char tls[CLIENT_TLS_MAX];
	bool verified; /* chain and name */
};

struct client_needs {
	struct loop *loop;
	const char *hostname;      /* for EHLO */
	const char *local_address; /* source address or NULL */
	struct tls_client *tls;    /* borrowed */
	enum tls_level tls_level;
	struct login *login;      /* held by the client; NULL: no AUTH */
	unsigned connect_seconds; /* 30 */
	/* Of the RFC's time-outs; 100; tests take less. */
	unsigned timeout_percent;
};

/* What the owner hears.  None of these runs within a call of the owner's. */
struct client_events {
	void *owner;
	/* EHLO and TLS are done: give it a job, or client_quit(). */
	void (*ready)(void *owner);
	/*
	 * The job is over: every outcome is set (a lost connection sets LATER
	 * for those not heard).  usable: another job may follow on this
	 * connection.
	 */
	void (*done)(void *owner, struct client_job *job, bool usable);
	/*
	 * The connection is gone: never could be made, greeted badly, lost
	 * while idle, or after done with usable false.  The client frees
	 * itself, do not touch it after.  why is the reason, never NULL,
	 * borrowed for the call: LATER; FAILED for a banner or EHLO answered
	 * 521, 554 or 556 (RFC 5321 3.1, RFC 7504); OUTCOME_NONE when the
	 * connection was let go in good order.
	 */
	void (*closed)(void *owner, const struct outcome *why);
};

/*
 * Connects to host.  Greets, EHLO (then HELO), or LHLO where host says LMTP;
 * STARTTLS by tls_level (a failed opportunistic handshake connects again in
 * the clear within the same client).
 */
struct client *client_new(const struct client_needs *needs,
    const struct host *host, const struct client_events *events);
/* Only after ready, or done with usable. */
void client_send(struct client *client, struct client_job *job);
/* Says QUIT and goes; closed() is not called any more. */
void client_quit(struct client *client);
/*
 * Drops the connection now; no event is called any more (the job, if any, is
 * the caller's again).
 */
void client_abort(struct client *client);

#endif
