/*
 * health - how a destination does.
 *
 * Job:     concurrency that grows on success and halves on failure; down, with
 *          probes further and further apart, when nothing answers.
 * Called:  by destination.c.
 * Owns:    struct health.
 * Never:   knows connections, messages or the clock.
 */
#include "relayd/delivery/health.h"

#include "relayd/delivery/backoff.h"

enum {
	CROWDED_MS = 5000, /* rest before one more connection is tried */
	/* A probe is a connection, not a message: it may come more often. */
	PROBE_FIRST_PART = 4, /* of delivery.retry_first */
	PROBE_MAX_PART = 6,   /* of delivery.retry_max */
};

void
health_init(struct health *health)
{
	*health = (struct health){ .limit = HEALTH_LIMIT_FIRST };
}

bool
health_answered(struct health *health, const struct health_facts *facts)
{
	bool was_down = health->down;

	health->proven = true;
	health->down = false;
	health->troubles = 0;
	health->failures = 0;
	if (health->limit < facts->limit_max && !health->crowded)
		health->limit++;
	return was_down;
}

void
health_greeted(struct health *health)
{
	health->proven = true;
	health->crowded = false;
}

void
health_unreachable(struct health *health, const struct health_facts *facts)
{
	health->failures++;
	health->down = true;
	health->crowded = false;
	health->limit = 1; /* ramped up again, one answer after the other */
	health->troubles = 0;
	health->retry_at = facts->now +
	    backoff_ms(facts->retry_first / PROBE_FIRST_PART,
		facts->retry_max / PROBE_MAX_PART, health->failures,
		facts->random);
}

bool
health_trouble(struct health *health, const struct health_facts *facts)
{
	if (health->down && facts->now < health->retry_at)
		return false; /* it was under way when it went down */
	health->limit = health->limit > 1 ? health->limit / 2 : 1;
	health->troubles++;
	if (!health->down && health->troubles < HEALTH_TROUBLES)
		return false;
	health_unreachable(health, facts);
	return true;
}

void
health_crowded(struct health *health, const struct health_facts *facts,
    size_t open)
{
	health->crowded = true;
	health->limit = open + 1;
	health->open_after = facts->now + CROWDED_MS;
}

size_t
health_allows(const struct health *health, const struct health_facts *facts)
{
	if (health->down)
		return facts->now < health->retry_at ? 0 : 1;
	if (!health->proven)
		return 1;
	return health->limit < facts->limit_max ? health->limit :
						  facts->limit_max;
}
