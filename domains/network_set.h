#ifndef NETWORK_SET_H
#define NETWORK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "ip.h"
#include "string_set.h"

/*
 * Networks, numbered from 0, found from the narrowest to the widest that
 * holds an address.  v4 and v6 are kept apart: ::/64 holds no v4 address,
 * though its first bits are those of a mapped one.
 */
struct network {
	struct ip ip;
	unsigned prefix; /* of 128; a v4 /28 is 124 */
};

enum {
	PREFIX_HOST = 128, /* one address */
};

struct network_set {
	struct string_set keys;           /* prefix and address as bytes */
	bool present[2][PREFIX_HOST + 1]; /* [is v4][prefix] */
};

/*
 * Reads an address or address/prefix.  False with a static text in *why:
 * bits beyond the prefix, the whole internet.
 */
bool network_parse(struct span text, struct network *network, const char **why);
/* As it is written: 192.0.2.0/28, or an address alone. */
enum {
	NETWORK_TEXT_MAX = IP_TEXT_MAX + 4
};
const char *network_text(const struct network *network,
    char out[NETWORK_TEXT_MAX]);

void network_set_init(struct network_set *set, uint64_t seed);
void network_set_clear(struct network_set *set);
uint32_t network_set_add(struct network_set *set, const struct network *network,
    bool *added);
struct network network_set_at(const struct network_set *set, uint32_t n);
/*
 * The number of the narrowest network that holds ip and whose prefix is below
 * *below, which is then set to that prefix; STRING_SET_NONE at the end.
 * Begin with PREFIX_HOST + 1.
 */
uint32_t network_set_next(const struct network_set *set, const struct ip *ip,
    unsigned *below);

#endif
