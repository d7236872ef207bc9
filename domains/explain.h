#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "rules.h"

/*
 * A decision with its reasons: what each step found, the line that decided,
 * the route, and for a refusal the smallest change to the tables that would
 * allow this very mail.
 */
enum {
	EXPLAIN_STEPS = 4
};

enum explain_change {
	CHANGE_NONE,    /* accepted, or no change of a table would do */
	CHANGE_ADD,     /* add change_line to change_file */
	CHANGE_REPLACE, /* put it in the place of line change_number */
	CHANGE_WAIT,    /* nothing to change: ask again soon */
};

struct explain_step {
	const char *name; /* "postmaster", "hosted", "allowlist", "default" */
	bool decided;     /* it is the one that did */
	struct buf found; /* what it found, for people */
};

struct explanation {
	struct decision decision;
	size_t count;
	struct explain_step steps[EXPLAIN_STEPS];
	struct buf rule;  /* the line that decided, as it would be written */
	struct buf route; /* the destination; empty for a refusal */
	enum explain_change change;
	const char *change_file; /* borrowed from the rules */
	size_t change_number;
	struct buf change_line;
};

/* As rules_decide(), whose decision is what it explains.  Free it by explanation_clear(). */
void explain(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct explanation *explanation);
void explanation_clear(struct explanation *explanation);

#endif
