#ifndef OURSELVES_H
#define OURSELVES_H

#include <stdbool.h>
#include <stdint.h>

#include "domains/ip.h"

/*
 * Is this address one of this host's: loopback, unspecified, mapped forms of
 * these, or an address of any interface, listened on or not?  now is monotonic
 * milliseconds: the interfaces are asked at most once a minute.
 */
bool ourselves_have(const struct ip *ip, uint64_t now);
/* Forgets what was known of the interfaces and frees it. */
void ourselves_clear(void);

#endif
