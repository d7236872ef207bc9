#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "complaints.h"
#include "ip.h"
#include "route.h"

/*
 * Who may send where: both tables as one value that never changes once it
 * is loaded (only the addresses behind names on the allowlist are kept fresh).
 */
struct rules;

struct rules_sources {
	const char *hosted;     /* file name, as it is named in complaints */
	const char *allowlist;  /* file name; NULL or a missing file: nobody */
	const char *postmaster; /* whole address for <postmaster> */
	const char *contact;    /* text for refusals, or NULL */
	struct route outside;   /* borrowed while loading; copied */
};

/*
 * Reads both tables and the recipients= files they name (relative to the
 * table's folder): all of it or nothing.  NULL when complaints->errors is
 * not 0 afterwards.  The caller owns the result.
 */
struct rules *rules_load(const struct rules_sources *sources,
    struct complaints *complaints);
/* Nobody may hold them any more. */
void rules_free(struct rules *rules);

/*
 * Whoever needs these very rules for longer than a call (a mail transaction
 * keeps those that it began with) holds them, and their owner frees them only
 * when nobody does.  For one thread, the loop's.  rules may be NULL.
 */
const struct rules *rules_hold(const struct rules *rules);
void rules_let_go(const struct rules *rules);
bool rules_held(const struct rules *rules);

/* How many lines of each table are in force. */
size_t rules_hosted_count(const struct rules *rules);
size_t rules_grant_count(const struct rules *rules);
/* The tables themselves, for whoever explains, compares or doubts them. */
struct hosted;
struct allowlist;
const struct hosted *rules_hosted_table(const struct rules *rules);
const struct allowlist *rules_allowlist(const struct rules *rules);
/* The names of the files; the second may be NULL. */
const char *rules_hosted_file(const struct rules *rules);
const char *rules_allowlist_file(const struct rules *rules);

/*
 * Names on the allowlist, for whoever looks them up: index from 0 until NULL
 * comes back.  rules_name_resolved() takes what DNS said (replacing what was
 * known, but for the family that failed when it is half an answer),
 * rules_name_failed() keeps the last good answer (a first lookup that failed
 * counts as "resolved to nothing").
 */
const char *rules_name(const struct rules *rules, size_t index);
size_t rules_name_count(const struct rules *rules);
void rules_name_resolved(struct rules *rules, size_t index,
    const struct ip *addresses, size_t count, bool half);
void rules_name_failed(struct rules *rules, size_t index);
/*
 * What older rules know of the names that both have: last good answers stay.
 * In slices of so many names, for there may be a million: *at begins as 0;
 * false at the end.
 */
bool rules_names_carry(struct rules *rules, const struct rules *older,
    size_t *at, size_t budget);

/* Why: the table line that decided. */
struct rule {
	const char
	    *file; /* borrowed from the rules; NULL: no line, the default */
	size_t line;
	const char *owner; /* owner= of a grant, or NULL */
};

enum verdict {
	ACCEPT,
	REFUSE
};

struct decision {
	enum verdict verdict;
	/* ACCEPT: */
	const struct route *route; /* borrowed from the rules */
	bool granted; /* by the allowlist, not by the hosted table */
	bool
	    to_postmaster; /* a bare <postmaster>: deliver to sources.postmaster */
	/* REFUSE: */
	int code;          /* 550, 450, 451, ... */
	char enhanced[12]; /* "5.7.1" */
	char text[512];    /* without code, enhanced code or reference */
	/* both: */
	struct rule rule;
};

/*
 * May this client send from this sender to this recipient?  Design section
 * 4, steps 1 to 4, in that order.  now is wall-clock seconds (for until=).
 * The server and `relayctl explain` both call this and nothing else.  While a
 * name on the allowlist has not had its first lookup answered, a refusal that it
 * could have turned is 451 4.4.3.
 */
void rules_decide(const struct rules *rules, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now,
    struct decision *decision);

/*
 * True when domain (domain.h's form) is hosted and not refused.  *route
 * (borrowed, may be NULL) is set to its route.
 */
bool rules_hosted(const struct rules *rules, struct span domain,
    const struct route **route);
/*
 * False when the hosted table says that this mailbox takes no mail: its domain
 * is refused, or does not know it.
 */
bool rules_takes(const struct rules *rules, const struct address *to);
/* The route of a recipient domain at delivery time: hosted, else outside. */
const struct route *rules_route(const struct rules *rules, struct span domain,
    bool *hosted);
/*
 * True when the client holds a live grant for any mail at all; *rule (may be
 * NULL) names the line and its owner.
 */
bool rules_granted(const struct rules *rules, const struct ip *client,
    int64_t now, struct rule *rule);
/*
 * The messages an hour that the client's live grants allow it: the highest
 * rate= of those that take this sender (NULL: any sender); 0: none says.
 */
uint32_t rules_grant_rate(const struct rules *rules, const struct ip *client,
    const struct address *sender, int64_t now);

/* A line of the allowlist, for listings. */
struct rules_grant {
	char text[DOMAIN_MAX + 2]; /* "192.0.2.0/28", "!192.0.2.9", a name */
	struct rule rule;          /* file, line, owner */
	bool excluded;             /* it begins with "!" */
	const char *note;          /* borrowed from the rules, or NULL */
	int64_t until; /* wall-clock second at which it ends, or INT64_MAX */
	uint32_t rate; /* messages an hour, or 0 */
};
/* Line number index of those in force, in the table's order, from 0. */
bool rules_grant(const struct rules *rules, size_t index,
    struct rules_grant *grant);

#endif
