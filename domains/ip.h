#ifndef IP_H
#define IP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct sockaddr;

/*
 * An IP address as 16 bytes: v4 as ::ffff:a.b.c.d, so that a v4 client seen
 * through a v6 socket is the same client.
 */
struct ip {
	uint8_t bytes[16];
};

enum {
	IP_TEXT_MAX = 46
};

/* False for anything but one plain v4 or v6 address (no zone, no brackets). */
bool ip_parse(struct span text, struct ip *ip);
/* From AF_INET or AF_INET6; false for another family. */
bool ip_from_sockaddr(const struct sockaddr *from, struct ip *ip);
bool ip_is_v4(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
/* True when the first prefix bits (of 128) are the same. */
bool ip_in_network(const struct ip *ip, const struct ip *network,
    unsigned prefix);
/* Clears every bit behind the first prefix ones (of 128). */
void ip_mask(struct ip *ip, unsigned prefix);
/* Text without brackets, v4 dotted, v6 per RFC 5952. */
const char *ip_text(const struct ip *ip, char out[IP_TEXT_MAX]);
/* 127/8 and ::1; with 0.0.0.0 and ::.  Mapped forms too. */
bool ip_is_loopback(const struct ip *ip);
bool ip_is_loopback_or_unspecified(const struct ip *ip);

#endif
