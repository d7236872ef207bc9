#ifndef OFFERS_H
#define OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/reply.h"

/*
 * What a next hop said in its answer to EHLO that it can do.
 */
struct offers {
	bool pipelining;     /* RFC 2920 */
	bool starttls;       /* RFC 3207 */
	bool eight_bit_mime; /* RFC 6152 */
	bool smtputf8;       /* RFC 6531 */
	bool dsn;            /* RFC 3461 */
	bool size;           /* RFC 1870 */
	uint64_t size_max;   /* bytes; 0: no limit was named */
	size_t rcpt_max;     /* LIMITS RCPTMAX, RFC 9422; 0: none */
	size_t domain_max;   /* LIMITS RCPTDOMAINMAX; 0: none */
	size_t mail_max;     /* LIMITS MAILMAX; 0: none */
	bool auth_plain;     /* RFC 4954 */
	bool auth_login;
};

/*
 * Reads the answer to EHLO (a HELO offers nothing).  Everything known from
 * before is forgotten; unknown keywords and odd parameters are passed over.
 */
void offers_read(struct offers *offers, const struct reply *reply);

#endif
