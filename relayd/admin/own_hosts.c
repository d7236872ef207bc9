/*
 * own_hosts - addresses that no grant should cover.
 *
 * Job:     gather this host's own addresses and its gateways.
 * Called:  by relayctl check.
 * Owns:    nothing.
 * Never:   counts loopback: lint knows it.
 */
#include "relayd/admin/own_hosts.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	HOSTS_MAX = 256,
	ROUTE_LINE_MAX = 512,
};

struct gathered {
	struct lint_host *list; /* owned; HOSTS_MAX of them */
	size_t count;
};

static struct lint_host *
add(struct gathered *gathered, const struct ip *ip)
{
	size_t i;

	if (gathered->count == HOSTS_MAX || ip_is_loopback_or_unspecified(ip))
		return NULL;
	for (i = 0; i < gathered->count; i++)
		if (ip_equal(&gathered->list[i].ip, ip))
			return NULL;
	gathered->list[gathered->count].ip = *ip;
	return &gathered->list[gathered->count++];
}

static void
add_interfaces(struct gathered *gathered)
{
	struct ifaddrs *list = NULL, *one;
	struct lint_host *host;
	struct ip ip;

	if (getifaddrs(&list) == -1)
		return;
	for (one = list; one != NULL; one = one->ifa_next) {
		if (one->ifa_addr == NULL ||
		    !ip_from_sockaddr(one->ifa_addr, &ip))
			continue;
		host = add(gathered, &ip);
		if (host != NULL)
			snprintf(host->what, sizeof(host->what),
			    "this host (%.32s)", one->ifa_name);
	}
	freeifaddrs(list);
}

static void
add_as_gateway(struct gathered *gathered, const struct sockaddr *address,
    const char *interface)
{
	struct lint_host *host;
	struct ip ip;

	if (!ip_from_sockaddr(address, &ip))
		return;
	host = add(gathered, &ip);
	if (host != NULL)
		snprintf(host->what, sizeof(host->what),
		    "the gateway of %.15s, behind which any host may be",
		    interface);
}

/* proc(5): interface, destination and gateway, the latter two in hexadecimal. */
static void
add_gateway(struct gathered *gathered, const char *line)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char name[IF_NAMESIZE];
	unsigned destination, gateway;

	if (sscanf(line, "%15s %8x %8x", name, &destination, &gateway) != 3 ||
	    gateway == 0)
		return;
	address.sin_addr.s_addr = gateway; /* in network order as it stands */
	add_as_gateway(gathered, (struct sockaddr *)&address, name);
}

/*
 * Destination, length, source, length, gateway, four numbers, interface; all
 * but the last in hexadecimal.
 */
static void
add_gateway6(struct gathered *gathered, const char *line)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
	char name[IF_NAMESIZE], gateway[2 * sizeof(struct in6_addr) + 1];
	unsigned byte;
	size_t i;

	if (sscanf(line, "%*32s %*2s %*32s %*2s %32s %*s %*s %*s %*s %15s",
		gateway, name) != 2)
		return;
	for (i = 0; i < sizeof(struct in6_addr); i++) {
		if (sscanf(gateway + 2 * i, "%2x", &byte) != 1)
			return;
		address.sin6_addr.s6_addr[i] = (uint8_t)byte;
	}
	if (!IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr))
		add_as_gateway(gathered, (struct sockaddr *)&address, name);
}

static void
add_gateways(struct gathered *gathered, const char *file,
    void (*take)(struct gathered *gathered, const char *line))
{
	FILE *routes = fopen(file, "re");
	char line[ROUTE_LINE_MAX];

	if (routes == NULL)
		return;
	while (fgets(line, sizeof(line), routes) != NULL)
		take(gathered, line);
	fclose(routes);
}

struct lint_host *
own_hosts(size_t *count)
{
	struct gathered gathered = {
		.list = xcalloc(HOSTS_MAX, sizeof(*gathered.list)),
	};

	add_interfaces(&gathered);
	add_gateways(&gathered, "/proc/net/route", add_gateway);
	add_gateways(&gathered, "/proc/net/ipv6_route", add_gateway6);
	*count = gathered.count;
	return gathered.list;
}
