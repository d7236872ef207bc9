#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "resolve.h"

/*
 * One DNS message from outside, read once: every length is checked here.
 * Pure: bytes in, verdict out.
 */
enum dns_type {
	DNS_A = 1,
	DNS_MX = 15,
	DNS_AAAA = 28,
};

struct dns_answer {
	enum resolve_status status;
	const char *error; /* static text, for RESOLVE_FAILED */
	uint32_t ttl;      /* seconds, the least of what was used; as sent */
	/*
	 * Not "": the message ends in an alias whose target it does not tell
	 * about (status NODATA).  Ask for this name (RFC 1034 5.3.3, 4.c).
	 */
	char alias[RESOLVE_NAME_MAX + 1];
	size_t count;
	/* One of them is filled, as the type asked says. */
	struct mx mx[RESOLVE_MX_MAX];
	struct ip ip[RESOLVE_ADDRESS_MAX];
};

void dns_answer_read(struct dns_answer *answer, enum dns_type type,
    const unsigned char *message, size_t len);

#endif
