#ifndef ENVELOPE_H
#define ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * The envelope of one message, as it is stored beside its content: who sent
 * it, to whom, and what delivery must know.  To the spool the addresses are
 * opaque text; a recipient's domain stands apart so that a queue can be built
 * without understanding addresses.
 */
enum envelope_body {
	BODY_7BIT, /* no byte above 0x7f was seen, whatever BODY= said */
	BODY_8BIT,
};

enum envelope_flag {
	ENVELOPE_SMTPUTF8 = 1 << 0, /* MAIL had SMTPUTF8 */
	ENVELOPE_GRANTED = 1 << 1,  /* the client held a grant */
	ENVELOPE_NOTICE = 1 << 2,   /* we made it: never a notice about it */
	ENVELOPE_SIGNED = 1 << 3,   /* has a DKIM-Signature: leave it be */
	ENVELOPE_RET_FULL = 1 << 4, /* RET=FULL */
	ENVELOPE_RET_HDRS = 1 << 5, /* RET=HDRS */
};

enum notify_flag { /* NOTIFY=, RFC 3461 4.1; 0: not given */
	NOTIFY_NEVER = 1 << 0,
	NOTIFY_SUCCESS = 1 << 1,
	NOTIFY_FAILURE = 1 << 2,
	NOTIFY_DELAY = 1 << 3,
};

struct recipient {
	struct span address; /* canonical text */
	struct span domain;  /* what routes it, domain.h's form */
	struct span orcpt;   /* ORCPT= as given (xtext kept), or empty */
	unsigned notify;     /* enum notify_flag */
};

struct envelope {
	struct span sender;  /* canonical text; empty for <> */
	struct span session; /* ID of the session that took it, for the log */
	struct span client;  /* client address, text */
	struct span helo;    /* as given, any bytes */
	struct span owner;   /* owner= of the grant, or empty */
	struct span envid;   /* ENVID= as given, or empty */
	int64_t arrival;     /* wall-clock seconds */
	unsigned flags;      /* enum envelope_flag */
	enum envelope_body body;
	size_t recipient_count;
	struct recipient
	    *recipients; /* owned array when decoded; borrowed texts */
};

enum {
	ENVELOPE_MAX = 16 << 20,
	ENVELOPE_RECIPIENTS_MAX = 100000
};

/* Appends the stored form.  out->full afterwards: it did not fit. */
void envelope_encode(const struct envelope *envelope, struct buf *out);
/*
 * Reads a stored form; the texts are borrowed from bytes, the array is the
 * caller's until envelope_clear().  False for anything malformed; every length
 * is checked, for these bytes may come from a damaged disk.
 */
bool envelope_decode(struct span bytes, struct envelope *envelope);
void envelope_clear(struct envelope *envelope);

#endif
