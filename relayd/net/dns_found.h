#ifndef DNS_FOUND_H
#define DNS_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resolve.h"

struct dns_entry;

/* The answers for AAAA (0) and A (1), as they come. */
struct dns_found {
	struct dns_half {
		struct dns_entry *entry; /* borrowed: whom they are for */
		enum resolve_status status;
		const char *error; /* static text */
		uint32_t ttl;      /* seconds, as sent */
		size_t count;
		struct ip ip[RESOLVE_ADDRESS_MAX];
	} half[2];
};

/* How many seconds an answer of this status, with the TTL sent, is kept. */
uint32_t dns_found_lifetime(enum resolve_status status, uint32_t ttl);

/*
 * Of both together: OK when one gave something; FAILED when one failed and
 * the other gave nothing; NXDOMAIN when both say so.
 */
enum resolve_status dns_found_status(const struct dns_found *found);
/* Good, but only as far as it goes: one of them failed. */
bool dns_found_is_half(const struct dns_found *found);
/* Static text, NULL unless they failed. */
const char *dns_found_error(const struct dns_found *found);
uint32_t dns_found_ttl(const struct dns_found *found);
/* Writes the addresses, v6 and v4 by turns, v6 first; returns how many. */
size_t dns_found_addresses(const struct dns_found *found,
    struct ip out[RESOLVE_ADDRESS_MAX]);

/*
 * While one family failed and the other did not: appends what entry knows of
 * it from an answer that was good, and says so; returns how many there are
 * then.
 */
size_t dns_found_complete(const struct dns_found *found,
    const struct dns_entry *entry, uint64_t now,
    struct ip out[RESOLVE_ADDRESS_MAX], size_t count);

#endif
