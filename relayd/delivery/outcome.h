#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * What became of one recipient in one attempt.
 */
enum outcome_kind {
	OUTCOME_NONE,      /* not heard yet */
	OUTCOME_DELIVERED, /* the next hop took it: 2xx to the dot */
	OUTCOME_LATER,     /* temporary, about this message or recipient */
	OUTCOME_FAILED,    /* permanent: a notice is due */
};

struct outcome {
	enum outcome_kind kind;
	int code;          /* the peer's, or 0 when it is our own finding */
	char enhanced[12]; /* "5.1.1": the peer's own, else ours by class */
	/*
	 * Owned, escaped, bounded: the reply in one line with its code in
	 * front ("550 5.1.1 no such user"), or our own words when code is 0;
	 * NULL when nothing was heard yet.
	 */
	char *text;
	char *
	    remote; /* owned: the next hop's name, "mx1.campus.test [192.0.2.1]:25"; NULL: we ourselves */
	bool passed_on_dsn; /* delivered to a hop that offers DSN */
	bool final;         /* delivered into the mailbox: RFC 2033 */
};

enum {
	OUTCOME_TEXT_MAX = 512
};

/*
 * Sets everything but passed_on_dsn and final: owned copies of remote and of at
 * most OUTCOME_TEXT_MAX bytes of text, in which every byte that is not printable
 * ASCII or UTF-8 becomes \xNN.  An enhanced code that is NULL, empty or of
 * another class than kind becomes x.0.0.  What outcome held before is freed,
 * so it must have been zero or set.
 */
void outcome_set(struct outcome *outcome, enum outcome_kind kind, int code,
    const char *enhanced, struct span text, const char *remote);
void outcome_clear(struct outcome *outcome);

#endif
