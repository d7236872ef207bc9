/*
 * network_set - networks, found from the narrowest to the widest.
 *
 * Job:     read networks, number them, and walk those that hold an address.
 * Called:  by allowlist.c.
 * Owns:    its networks.
 * Never:   takes a v4 address for one of a v6 network, nor the reverse.
 */
#include "domains/network_set.h"

#include <stdio.h>
#include <string.h>

enum {
	KEY_BYTES = 1 + sizeof(struct ip),
	V4_PREFIX = 96, /* of ::ffff:0.0.0.0 */
};

static bool parse_prefix(struct span text, bool v4, unsigned *prefix);
static struct span key_of(const struct ip *ip, unsigned prefix,
    char out[KEY_BYTES]);

bool
network_parse(struct span text, struct network *network, const char **why)
{
	size_t slash = span_find(text, '/');
	struct span address = span_head(text, slash);
	struct ip head;
	bool v4;

	*why = "not an address; expected one as 192.0.2.17, 192.0.2.0/28, "
	       "2001:db8:5::/64, or a full host name";
	if (!ip_parse(address, &network->ip))
		return false;
	v4 = ip_is_v4(&network->ip);
	*why = v4 ? "not a prefix; expected /1 to /32" :
		    "not a prefix; expected /1 to /128";
	network->prefix = PREFIX_HOST;
	if (slash < text.len &&
	    !parse_prefix(span_skip(text, slash + 1),
		v4 && span_find(address, ':') == address.len, &network->prefix))
		return false;
	*why = "the whole internet, which would make an open relay; expected "
	       "the networks of the campus";
	if (network->prefix == 0 || (v4 && network->prefix == V4_PREFIX))
		return false;
	head = network->ip;
	ip_mask(&head, network->prefix);
	*why = "bits are set behind the prefix; expected a network's first "
	       "address, or a longer prefix";
	return ip_equal(&head, &network->ip);
}

const char *
network_text(const struct network *network, char out[NETWORK_TEXT_MAX])
{
	unsigned prefix = network->prefix;
	char text[IP_TEXT_MAX];

	if (ip_is_v4(&network->ip))
		prefix -= V4_PREFIX;
	ip_text(&network->ip, text);
	if (network->prefix == PREFIX_HOST)
		snprintf(out, NETWORK_TEXT_MAX, "%s", text);
	else
		snprintf(out, NETWORK_TEXT_MAX, "%s/%u", text, prefix & 0xff);
	return out;
}

void
network_set_init(struct network_set *set, uint64_t seed)
{
	*set = (struct network_set){ .present = { { false } } };
	string_set_init(&set->keys, seed);
}

void
network_set_clear(struct network_set *set)
{
	uint64_t seed = set->keys.seed;

	string_set_clear(&set->keys);
	network_set_init(set, seed);
}

uint32_t
network_set_add(struct network_set *set, const struct network *network,
    bool *added)
{
	char key[KEY_BYTES];

	set->present[ip_is_v4(&network->ip)][network->prefix] = true;
	return string_set_add(&set->keys,
	    key_of(&network->ip, network->prefix, key), added);
}

struct network
network_set_at(const struct network_set *set, uint32_t n)
{
	struct span key = string_set_at(&set->keys, n);
	struct network network = { .prefix = (unsigned char)key.data[0] };

	memcpy(network.ip.bytes, key.data + 1, sizeof(network.ip.bytes));
	return network;
}

/* At most one look for each length of prefix that there is. */
uint32_t
network_set_next(const struct network_set *set, const struct ip *ip,
    unsigned *below)
{
	const bool *present = set->present[ip_is_v4(ip)];
	char key[KEY_BYTES];
	uint32_t found;

	while (*below > 0) {
		--*below;
		if (!present[*below])
			continue;
		found = string_set_find(&set->keys, key_of(ip, *below, key));
		if (found != STRING_SET_NONE)
			return found;
	}
	return STRING_SET_NONE;
}

/* A mapped address may carry a prefix of 128 bits, a v4 one of 32. */
static bool
parse_prefix(struct span text, bool v4, unsigned *prefix)
{
	uint64_t number;

	if (!span_number(text, v4 ? 32 : 128, &number))
		return false;
	*prefix = (unsigned)number + (v4 ? V4_PREFIX : 0);
	return true;
}

static struct span
key_of(const struct ip *ip, unsigned prefix, char out[KEY_BYTES])
{
	struct ip head = *ip;

	ip_mask(&head, prefix);
	out[0] = (char)prefix;
	memcpy(out + 1, head.bytes, sizeof(head.bytes));
	return span_make(out, KEY_BYTES);
}
