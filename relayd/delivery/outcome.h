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
	char *
	    text; /* owned: the reply in one line, escaped, bounded; NULL when delivered */
	char *
	    remote; /* owned: the next hop's name, "mx1.campus.test [192.0.2.1]:25"; NULL: we ourselves */
	bool passed_on_dsn; /* delivered to a hop that offers DSN */
};

/* Sets kind, code, enhanced and an owned, escaped copy of at most 512 bytes of text. */
void outcome_set(struct outcome *outcome, enum outcome_kind kind, int code,
    const char *enhanced, struct span text, const char *remote);
void outcome_clear(struct outcome *outcome);

#endif
