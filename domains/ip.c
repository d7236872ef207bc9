/*
 * ip - an IP address as 16 bytes.
 *
 * Job:     read, compare and write addresses; v4 and mapped v4 are one.
 * Called:  by everyone.
 * Owns:    nothing.
 * Never:   resolves a name.
 */
#include "domains/ip.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

static const uint8_t v4_head[12] = { [10] = 0xff, [11] = 0xff };

static struct ip
from_v4(const struct in_addr *v4)
{
	struct ip ip;

	memcpy(ip.bytes, v4_head, sizeof(v4_head));
	memcpy(ip.bytes + sizeof(v4_head), v4, sizeof(*v4));
	return ip;
}

bool
ip_parse(struct span text, struct ip *ip)
{
	char copy[IP_TEXT_MAX];
	struct in_addr v4;
	struct in6_addr v6;

	if (text.len == 0 || text.len >= sizeof(copy) ||
	    span_find(text, '\0') < text.len)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1)
		*ip = from_v4(&v4);
	else if (inet_pton(AF_INET6, copy, &v6) == 1)
		memcpy(ip->bytes, &v6, sizeof(ip->bytes));
	else
		return false;
	return true;
}

bool
ip_from_sockaddr(const struct sockaddr *from, struct ip *ip)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (from->sa_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		*ip = from_v4(&v4.sin_addr);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(&v6, from, sizeof(v6));
		memcpy(ip->bytes, &v6.sin6_addr, sizeof(ip->bytes));
		return true;
	}
	return false;
}

bool
ip_is_v4(const struct ip *ip)
{
	return memcmp(ip->bytes, v4_head, sizeof(v4_head)) == 0;
}

bool
ip_equal(const struct ip *a, const struct ip *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool
ip_in_network(const struct ip *ip, const struct ip *network, unsigned prefix)
{
	struct ip head = *ip, same = *network;

	ip_mask(&head, prefix);
	ip_mask(&same, prefix);
	return ip_equal(&head, &same);
}

void
ip_mask(struct ip *ip, unsigned prefix)
{
	unsigned i, bits;

	for (i = 0; i < sizeof(ip->bytes); i++) {
		bits = prefix > 8 * i ? prefix - 8 * i : 0;
		if (bits < 8)
			ip->bytes[i] &= (uint8_t)(0xff00u >> bits);
	}
}

const char *
ip_text(const struct ip *ip, char out[IP_TEXT_MAX])
{
	static const uint8_t zeros[12];
	const uint8_t *tail = ip->bytes + 12;

	/*
	 * inet_ntop(3) writes ::102:304 as ::1.2.3.4; RFC 5952 section 5 has
	 * that only for prefixes known to hold v4 addresses.
	 */
	if (ip_is_v4(ip))
		inet_ntop(AF_INET, tail, out, IP_TEXT_MAX);
	else if (memcmp(ip->bytes, zeros, 12) == 0 &&
	    (tail[0] != 0 || tail[1] != 0))
		snprintf(out, IP_TEXT_MAX, "::%x:%x",
		    (unsigned)(tail[0] << 8 | tail[1]),
		    (unsigned)(tail[2] << 8 | tail[3]));
	else
		inet_ntop(AF_INET6, ip->bytes, out, IP_TEXT_MAX);
	return out;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const struct ip v6 = { .bytes = { [15] = 1 } };

	return ip_is_v4(ip) ? ip->bytes[12] == 127 : ip_equal(ip, &v6);
}

bool
ip_is_loopback_or_unspecified(const struct ip *ip)
{
	static const struct ip zero;

	if (ip_is_loopback(ip))
		return true;
	return ip_is_v4(ip) ? memcmp(ip->bytes + 12, zero.bytes, 4) == 0 :
			      ip_equal(ip, &zero);
}
