/*
 * flow - whose mail a message is.
 *
 * Job:     a small number for client and sender, so that a queue can be fair
 *          without reading messages.
 * Called:  by intake.c when a message is committed; by scan.c when only the
 *          envelope is there.
 * Owns:    nothing.
 * Never:   understands addresses beyond the prefix of an IPv6 client.
 */
#include "spool/flow.h"

#include <arpa/inet.h>

#include <string.h>

#include "spool/record.h"

enum {
	PREFIX = 8 /* bytes of an IPv6 address: RFC 4291 2.5.4 */
};

static uint8_t
byte_of(const void *data, size_t len)
{
	return (uint8_t)(record_sum(data, len) & 0xff);
}

static uint8_t
client_byte(struct span client)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (client.len < sizeof(text)) {
		if (client.len > 0)
			memcpy(text, client.data, client.len);
		text[client.len] = '\0';
		if (inet_pton(AF_INET6, text, &address) == 1)
			return byte_of(&address, PREFIX);
	}
	return byte_of(client.data, client.len);
}

uint16_t
flow_of(const struct envelope *envelope)
{
	return (uint16_t)(client_byte(envelope->client) << 8 |
	    byte_of(envelope->sender.data, envelope->sender.len));
}
