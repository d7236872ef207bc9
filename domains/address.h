#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

#include "base/span.h"
#include "domain.h"

/*
 * A mailbox of an envelope, in one canonical form.  Policy, routing, the
 * spool and the next hop all see this and nothing else, so no two of them can
 * disagree about what the client's bytes meant.
 */
enum {
	LOCAL_PART_MAX = 255, /* RFC 5321 4.5.3.1.1 says 64; VERP is longer */
	ADDRESS_MAX = 2 * LOCAL_PART_MAX + 2 + 1 + DOMAIN_MAX, /* quoted */
};

enum address_kind {
	ADDRESS_NULL,    /* <> */
	ADDRESS_BARE,    /* a local part without a domain: <postmaster> */
	ADDRESS_DOMAIN,  /* local@domain */
	ADDRESS_LITERAL, /* local@[192.0.2.1] */
};

struct address {
	enum address_kind kind;
	char text[ADDRESS_MAX + 1]; /* canonical: what goes to a next hop */
	size_t text_len;
	char local[LOCAL_PART_MAX + 1]; /* unquoted, case kept; no NUL within */
	size_t local_len;
	char
	    domain[DOMAIN_MAX + 1]; /* domain.h's form; "" when there is none */
	bool utf8;   /* the local part needs SMTPUTF8 (domain is an A-label) */
	bool routes; /* the local part itself routes: it holds %, ! or @ */
	bool source_route; /* "@a,@b:" stood before it and was dropped */
};

/*
 * The forms that devices send and that have one meaning only; each is counted
 * in the session's log line.  A bit set.
 */
enum path_quirk {
	PATH_NO_BRACKETS = 1 << 0, /* MAIL FROM:a@b */
	PATH_BLANKS = 1 << 1,      /* MAIL FROM: <a@b>, or blanks inside <> */
	PATH_NAME = 1 << 2, /* a display name before or inside the brackets */
};

enum path_verdict {
	PATH_OK,
	PATH_BAD_SYNTAX, /* 501 5.1.3 or 5.1.7 */
	PATH_TOO_LONG,   /* 501 5.1.3: local part, domain or path */
	PATH_BAD_DOMAIN, /* the domain is not one (also a trailing dot) */
};

/*
 * Reads a reverse or forward path at the head of args (what stands behind
 * "FROM:" or "TO:"): RFC 5321 4.1.2 with source routes, quoted strings,
 * literals, UTF-8 local parts (RFC 6531), and the lenient forms above.  *used
 * says where the ESMTP parameters begin (behind the path and blanks).  Control
 * characters, NUL, bare 8-bit that is not UTF-8 are refused.  On failure *why
 * is a static text that says what was found and what was expected.
 */
enum path_verdict path_parse(struct span args, struct address *address,
    size_t *used, unsigned *quirks, const char **why);

/* Reads exactly one "local@domain" (or a bare local part), no brackets. */
enum path_verdict address_parse(struct span text, struct address *address,
    const char **why);

/* The canonical text as a span. */
struct span address_span(const struct address *address);

#endif
