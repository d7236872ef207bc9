#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/client.h"
#include "relayd/delivery/core.h"
#include "relayd/delivery/errand.h"
#include "relayd/delivery/letter.h"

/*
 * One attempt: some recipients of a message that one destination is to take,
 * and what becomes of each.
 */
struct attempt {
	struct core *core;     /* borrowed */
	struct errand *errand; /* out of its queue */
	struct letter *letter; /* held open */
	struct client_job job;
	size_t *recipients;       /* owned: numbers in the envelope */
	struct outcome *outcomes; /* owned: one for each of these */
	size_t count;
	bool silent;      /* nobody is told of failures */
	bool more;        /* others of this errand are left for the next */
	unsigned number;  /* which attempt of the errand it is, from 1 */
	uint64_t started; /* monotonic ms */
	int64_t tried;    /* wall-clock second of the last try; 0: unknown */
	uint64_t reloads; /* of the core, then */
};

enum {
	/* RFC 5321 4.5.3.1.8: what every server must take. */
	ATTEMPT_RECIPIENTS = 100
};

/*
 * Reads the message of an errand that is out and takes at most `most` of its
 * recipients.  NULL: there is nothing (more) to do for it; the errand is gone.
 */
struct attempt *attempt_new(struct core *core, struct errand *errand,
    size_t most);

/* What an attempt says about the connection. */
enum attempt_says {
	ATTEMPT_ANSWERED, /* the peer spoke about this message */
	ATTEMPT_TROUBLE,  /* the session broke, or 421 */
	ATTEMPT_STALE,    /* an old connection had died meanwhile */
	ATTEMPT_UNREAD,   /* our disk failed, not the peer */
};
enum attempt_says attempt_says(const struct attempt *attempt);
/* The outcome that shows the trouble. */
const struct outcome *attempt_trouble(const struct attempt *attempt);

/*
 * After a job: settles, tells, puts the errand where it belongs, frees.
 * reused: the connection had carried a message before.
 */
void attempt_end(struct attempt *attempt, bool reused);
/*
 * Without a job: every recipient gets this outcome, as of a try at the
 * wall-clock second tried (0: of none).  After LATER the errand is ready again,
 * behind the place where the sweep is; a delay notice or the end of its
 * lifetime may come of it.
 */
void attempt_decide(struct attempt *attempt, const struct outcome *outcome,
    int64_t tried);
/*
 * As if it had never begun: the errand is ready again, or to be sorted when the
 * rules have changed meanwhile.
 */
void attempt_cancel(struct attempt *attempt);

#endif
