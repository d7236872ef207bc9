/*
 * service - what all sessions share.
 *
 * Job:     hand out session IDs, the time, and how patient to be.
 * Called:  by sessions and connections.
 * Owns:    the counters.
 * Never:   knows a single session.
 */
#include "relayd/smtp/service.h"

enum {
	CROWDED_FREE = 5,  /* crowded: under a fifth of the places is free */
	CROWDED_PART = 10, /* then a tenth of the time */
	PATIENCE_MIN = 10, /* seconds */
};

uint64_t
service_session_id(struct service *service)
{
	/* Seconds above, a counter that began at random below. */
	return (uint64_t)service_wall(service) << 32 |
	    (uint32_t)service->next_id++;
}

unsigned
service_patience(const struct service *service, unsigned seconds)
{
	size_t max = service->conf->limits.connections;
	size_t open = limits_connections(service->limits);
	unsigned less = seconds / CROWDED_PART;

	if (max == 0 || open < max - max / CROWDED_FREE ||
	    seconds <= PATIENCE_MIN)
		return seconds;
	return less < PATIENCE_MIN ? PATIENCE_MIN : less;
}

uint64_t
service_now(const struct service *service)
{
	return service->now(service->clock_owner);
}

int64_t
service_wall(const struct service *service)
{
	return service->wall(service->clock_owner);
}
