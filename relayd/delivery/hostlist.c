/*
 * hostlist - the hosts of one destination.
 *
 * Job:     have them looked up, keep the answer for a minute, and say which to
 *          try first: in the order of the route, those that failed lately last.
 * Called:  by destination.c and line.c.
 * Owns:    the hosts and the search for them.
 * Never:   connects.
 */
#include "relayd/delivery/hostlist.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/rules.h"
#include "relayd/delivery/destination.h"
#include "relayd/delivery/router.h"

enum {
	FRESH_MS =
	    60000, /* an answer is used this long; DNS has its own cache */
	FAILED_MS = 120000, /* a host that failed is tried last this long */
};

struct listed_host {
	struct host host;
	uint64_t failed_until; /* monotonic ms */
};

void
hostlist_init(struct hostlist *list, struct destination *destination)
{
	*list = (struct hostlist){ .destination = destination };
}

void
hostlist_clear(struct hostlist *list)
{
	hostlist_forget(list);
}

void
hostlist_forget(struct hostlist *list)
{
	if (list->search != NULL)
		hosts_cancel(list->search);
	list->search = NULL;
	free(list->hosts);
	list->hosts = NULL;
	list->count = 0;
	list->fresh_until = 0;
	list->version++;
}

static uint64_t
now(const struct hostlist *list)
{
	return loop_now(list->destination->core->loop);
}

/* The same place, whatever its name. */
static bool
host_equal(const struct host *a, const struct host *b)
{
	return ip_equal(&a->ip, &b->ip) && a->port == b->port &&
	    strcmp(a->path, b->path) == 0;
}

/* What was learnt of the same host under an older answer. */
static uint64_t
failed_until(const struct hostlist *list, const struct host *host)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (host_equal(&list->hosts[i].host, host))
			return list->hosts[i].failed_until;
	return 0;
}

static void
take(struct hostlist *list, const struct hosts_answer *answer)
{
	struct listed_host *hosts;
	size_t i;

	hosts = xcalloc(answer->count, sizeof(*hosts));
	for (i = 0; i < answer->count; i++) {
		hosts[i].host = answer->hosts[i];
		hosts[i].failed_until = failed_until(list, &answer->hosts[i]);
	}
	free(list->hosts);
	list->hosts = hosts;
	list->count = answer->count;
	list->fresh_until = now(list) + FRESH_MS;
	list->version++;
}

static void
found(void *owner, const struct hosts_answer *answer)
{
	struct hostlist *list = owner;

	list->search = NULL;
	if (answer->outcome.kind == OUTCOME_NONE && answer->count > 0) {
		take(list, answer);
		destination_wake(list->destination);
	} else {
		destination_unreachable(list->destination, &answer->outcome);
	}
}

static void
search(struct hostlist *list)
{
	struct core *core = list->destination->core;
	struct hosts_needs needs = {
		.loop = core->loop,
		.resolver = core->resolver,
		.hostname = core->conf->hostname,
		.random = core->random,
		.random_owner = core->random_owner,
	};
	const struct route *route;
	struct span domain;
	bool hosted;

	if (!router_domain(list->destination, &domain, &hosted)) {
		/* Nothing leads here any more: to where it leads now. */
		destination_unsort(list->destination);
		return;
	}
	route = rules_route(core->rules, domain, &hosted);
	list->search = hosts_find(&needs, route, domain, hosted, found, list);
}

bool
hostlist_ready(struct hostlist *list)
{
	if (list->count > 0 && now(list) < list->fresh_until)
		return true;
	if (list->search == NULL)
		search(list);
	return false;
}

bool
hostlist_pick(const struct hostlist *list, uint32_t tried, size_t *number)
{
	bool any = false;
	size_t i;

	for (i = 0; i < list->count && i < HOSTS_MAX; i++) {
		if ((tried & (UINT32_C(1) << i)) != 0)
			continue;
		if (list->hosts[i].failed_until <= now(list)) {
			*number = i;
			return true;
		}
		if (!any)
			*number = i;
		any = true;
	}
	return any;
}

/* Another way to the same host: by v4 instead of v6, or the other way. */
static bool
are_siblings(const struct host *a, const struct host *b)
{
	return a->name[0] != '\0' && strcmp(a->name, b->name) == 0 &&
	    a->port == b->port && ip_is_v4(&a->ip) != ip_is_v4(&b->ip);
}

bool
hostlist_sibling(const struct hostlist *list, uint32_t tried, size_t number,
    size_t *sibling)
{
	size_t i;

	for (i = 0; i < list->count && i < HOSTS_MAX; i++) {
		if ((tried & (UINT32_C(1) << i)) != 0 ||
		    list->hosts[i].failed_until > now(list) ||
		    !are_siblings(&list->hosts[i].host,
			&list->hosts[number].host))
			continue;
		*sibling = i;
		return true;
	}
	return false;
}

const struct host *
hostlist_host(const struct hostlist *list, size_t number)
{
	assert(number < list->count);
	return &list->hosts[number].host;
}

void
hostlist_failed(struct hostlist *list, size_t number)
{
	assert(number < list->count);
	list->hosts[number].failed_until = now(list) + FAILED_MS;
}

void
hostlist_broke(struct hostlist *list, size_t number)
{
	const struct core *core = list->destination->core;

	/* Longer than the message waits: its next try is to go elsewhere. */
	hostlist_failed(list, number);
	list->hosts[number].failed_until +=
	    (uint64_t)core->conf->delivery.retry_first * 2000;
}

void
hostlist_worked(struct hostlist *list, size_t number)
{
	assert(number < list->count);
	list->hosts[number].failed_until = 0;
}
