#ifndef REFUSAL_H
#define REFUSAL_H

#include "address.h"
#include "ip.h"
#include "rules.h"

/*
 * The words of a refusal: which recipient, why, and whom to ask.  Everything
 * from outside is escaped and cut, so that the text fits one reply line (RFC 5321
 * 4.5.3.1.5: 512 bytes) with a code before it and a reference behind it.
 */
enum {
	REFUSAL_SHOWN_MAX = 104, /* of an address in a text, its NUL included */
};

/* Escapes and cuts an address for a text. */
const char *refusal_address(struct span address, char out[REFUSAL_SHOWN_MAX]);

/* Makes a REFUSE of the decision.  contact may be NULL. */
void refusal_write(struct decision *decision, int code, const char *enhanced,
    const struct address *recipient, const char *contact, const char *format,
    ...) __attribute__((format(printf, 6, 7)));

#endif
