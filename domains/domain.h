#ifndef DOMAIN_H
#define DOMAIN_H

#include <stdbool.h>

#include "base/span.h"

/*
 * The one form in which domains are compared and stored: lower-case A-labels
 * without a trailing dot, or an address literal in canonical spelling
 * ("[192.0.2.1]", "[IPv6:2001:db8::1]").
 */
enum {
	DOMAIN_MAX = 255
};

/*
 * Brings a domain name as a person or a client wrote it (any case, U-labels
 * or A-labels) into that form, written with a NUL into out.  False, with a
 * reason in *why (static text), for anything that is not a domain name:
 * empty labels, a trailing dot, over-long labels, bad UTF-8, forbidden bytes.
 * Letters, digits, hyphens and underscores are taken in labels (devices use
 * underscores); RFC 5321 4.1.2, RFC 5891 by libidn2.
 */
bool domain_normalise(struct span name, char out[DOMAIN_MAX + 1],
    const char **why);

/* The same for an address literal, brackets included. */
bool domain_literal(struct span literal, char out[DOMAIN_MAX + 1],
    const char **why);

#endif
