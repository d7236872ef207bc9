#ifndef ALLOWLIST_H
#define ALLOWLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "complaints.h"
#include "grant.h"
#include "grant_names.h"
#include "ip.h"

/*
 * The allowlist: who may send to outside addresses.  Never changes once it
 * is loaded, but for the addresses behind its names.
 */
struct allowlist;

/* What the table says of a client, a sender and a recipient. */
enum allowlist_verdict {
	ALLOWLIST_NOBODY,    /* no line speaks of this client */
	ALLOWLIST_EXPIRED,   /* only grants that have ended do */
	ALLOWLIST_EXCLUDED,  /* a line with "!" decided */
	ALLOWLIST_SENDER,    /* live grants, none for this sender */
	ALLOWLIST_RECIPIENT, /* ... for the sender, but not this recipient */
	ALLOWLIST_UNKNOWN,   /* a name not looked up yet might be the client */
	ALLOWLIST_GRANTED,
};

struct allowlist_answer {
	enum allowlist_verdict verdict;
	size_t line;               /* that decided; 0: none */
	const struct grant *grant; /* of that line; NULL: none */
};

/* A missing file is an empty table.  NULL when something was complained about. */
struct allowlist *allowlist_load(const char *file, uint64_t seed,
    struct complaints *complaints);
/* An empty table. */
struct allowlist *allowlist_new(uint64_t seed);
void allowlist_free(struct allowlist *list);
/* Lines in force, exclusions included. */
size_t allowlist_count(const struct allowlist *list);
struct grant_names *allowlist_names(const struct allowlist *list);

/*
 * The most specific network that holds the client decides; one with nothing but
 * ended grants leaves it to the next wider one.  sender or recipient NULL: any
 * will do.
 */
struct allowlist_answer allowlist_ask(const struct allowlist *list,
    const struct ip *client, const struct address *sender,
    const struct address *recipient, int64_t now);
/* The highest rate= of the live grants that decide for sender (NULL: any); 0. */
uint32_t allowlist_rate(const struct allowlist *list, const struct ip *client,
    const struct address *sender, int64_t now);

/* Line number n of the table in its order, for listings; false at the end. */
struct allowlist_line {
	size_t line;
	bool excluded;
	const struct grant *grant;
};
/* Its n for the line of this number in the file; the count when there is none. */
size_t allowlist_index(const struct allowlist *list, size_t line);
/* How many lines of the same network or name stand before line n. */
size_t allowlist_rank(const struct allowlist *list, size_t n);
bool allowlist_at(const struct allowlist *list, size_t n,
    struct allowlist_line *line, char *text, size_t size);

#endif
