/*
 * ourselves - the addresses of this host.
 *
 * Job:     say whether an address is one of ours, so that no mail goes round.
 * Called:  by hosts.c for the addresses of MX hosts.
 * Owns:    the list of the interfaces' addresses, one for the process.
 * Never:   looks a name up.
 */
#include "relayd/delivery/ourselves.h"

#include <sys/types.h>

#include <ifaddrs.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum {
	FRESH = 60 * 1000, /* milliseconds */
	ADDRESSES_MAX = 100000
};

static struct {
	struct ip *addresses; /* owned */
	size_t count;
	uint64_t asked; /* monotonic milliseconds */
	bool known;
} here;

static void
take(const struct sockaddr *address)
{
	struct ip ip;

	if (address == NULL || here.count == ADDRESSES_MAX ||
	    !ip_from_sockaddr(address, &ip))
		return;
	here.addresses =
	    xrealloc(here.addresses, here.count + 1, sizeof(here.addresses[0]));
	here.addresses[here.count++] = ip;
}

/* When the kernel does not say, what it said before stays. */
static void
ask(uint64_t now)
{
	struct ifaddrs *all, *each;

	here.asked = now;
	if (getifaddrs(&all) == -1)
		return;
	here.count = 0;
	here.known = true;
	for (each = all; each != NULL; each = each->ifa_next)
		take(each->ifa_addr);
	freeifaddrs(all);
}

bool
ourselves_have(const struct ip *ip, uint64_t now)
{
	size_t i;

	if (ip_is_loopback_or_unspecified(ip))
		return true;
	if (!here.known || now - here.asked >= FRESH)
		ask(now);
	for (i = 0; i < here.count; i++)
		if (ip_equal(&here.addresses[i], ip))
			return true;
	return false;
}

void
ourselves_clear(void)
{
	free(here.addresses);
	here.addresses = NULL;
	here.count = 0;
	here.known = false;
}
