#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include <stdint.h>

#include "base/buf.h"

/*
 * DNS messages written from text, right ones and wrong ones.  Records are
 * written "OWNER TTL TYPE DATA" with ';' between them; OWNER "@" is the name
 * asked for (by a pointer).  Types: A, AAAA, MX, CNAME, NS, SOA (DATA is its
 * last number), RAW (DATA "TYPE HEX": any bytes).
 */
enum dns_message_flags {
	DNS_FLAG_RESPONSE = 0x8000,
	DNS_FLAG_TRUNCATED = 0x0200,
	DNS_FLAGS_GOOD = 0x8180, /* a recursive server's answer */
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
};

enum dns_message_section {
	DNS_ANSWER = 6, /* where its count stands */
	DNS_AUTHORITY = 8,
};

/* Begins a message with a question. */
void dns_message_begin(struct buf *out, uint16_t id, unsigned flags,
    const char *name, unsigned type);
/* Adds records to a section; sections in order. */
void dns_message_add(struct buf *out, enum dns_message_section section,
    const char *records);

#endif
