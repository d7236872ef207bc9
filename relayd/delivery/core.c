/*
 * core - what the modules of the sending side share.
 *
 * Job:     wake the pump in time; give out random numbers.
 * Called:  by every module of delivery but the client's.
 * Owns:    nothing: delivery.c makes and frees the struct.
 * Never:   does any work itself.
 */
#include "relayd/delivery/core.h"

#include <sys/random.h>

#include "base/xalloc.h"

static void
wake_at(struct core *core, uint64_t at)
{
	if (at < core->pump.deadline)
		core->pump.deadline = at;
}

void
core_wake(struct core *core)
{
	wake_at(core, loop_now(core->loop));
}

void
core_schedule(struct core *core, struct due *due, uint64_t at)
{
	schedule_add(&core->schedule, due, at);
	wake_at(core, schedule_next(&core->schedule));
}

uint64_t
core_random(struct core *core)
{
	uint64_t bits = 0;
	ssize_t got;

	if (core->random != NULL)
		return core->random(core->random_owner);
	/* Up to 256 bytes never fail and never block once the pool is up. */
	got = getrandom(&bits, sizeof(bits), 0);
	assert(got == sizeof(bits));
	return bits;
}
