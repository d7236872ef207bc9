#ifndef MAIL_INTAKE_H
#define MAIL_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "relayd/smtp/dot.h"
#include "relayd/smtp/headers.h"
#include "spool/spool.h"

enum {
	MAIL_RECEIVED_MAX = 50 /* RFC 5321 6.3: a loop beyond it */
};

/* Why a message cannot be taken, once that is known. */
enum mail_fault {
	MAIL_FINE,
	MAIL_TOO_BIG, /* 552 5.3.4 */
	MAIL_LOOPS,   /* 554 5.4.6 */
	MAIL_NO_DISK, /* 451 4.3.0 */
};

/*
 * The content of one message on its way into the spool.  A message with a
 * fault is read on to its end and not kept.
 */
struct mail_intake {
	struct intake *intake; /* owned; NULL once there is a fault */
	uint64_t id;
	struct dot dot;
	struct headers headers;
	uint64_t size;  /* of content so far, stuffed dots not counted */
	uint64_t limit; /* of size */
	bool eight_bit; /* a byte above 0x7f was seen */
	enum mail_fault fault;
};

/* NULL when the spool takes nothing now: spool_health() says why. */
struct mail_intake *mail_intake_new(struct spool *spool, enum dot_mode mode,
    uint64_t limit);

/*
 * Takes what it can of *in, which moves on.  True: the data has ended
 * (DOT_STUFFED only), and *in is what stands behind it.
 */
bool mail_intake_feed(struct mail_intake *mail, struct span *in);
/* DOT_PLAIN: the last chunk has been fed. */
void mail_intake_finish(struct mail_intake *mail);

/*
 * True when a peer has sent so much more than the limit that reading on to
 * the end, for the sake of a proper reply, has become a burden.
 */
bool mail_intake_endless(const struct mail_intake *mail);

/*
 * Hands it to the spool under prefix; only without a fault.  The mail_intake
 * is freed; done() is called as spool.h says.
 */
void mail_intake_commit(struct mail_intake *mail,
    const struct envelope *envelope, struct span prefix,
    void (*done)(void *owner, enum commit_result result), void *owner);
/* Drops what came in. */
void mail_intake_free(struct mail_intake *mail);

#endif
