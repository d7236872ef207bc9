/*
 * loop - the event loop: poll(2) over the watches of others.
 *
 * Job:     wait until a descriptor is ready or a deadline has come, and call
 *          the owners of what did.
 * Called:  by main, which runs it; by every owner of a watch.
 * Owns:    the pollfd array, the clock of a turn, the list of the dying.
 * Never:   reads or writes a descriptor; frees an owner within its own call.
 */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"

enum {
	HOOKS_MAX = 16,
	NAP = 10, /* milliseconds, when the kernel has no memory for poll() */
};

LIST_HEAD(watches, watch);

struct loop {
	struct watches living; /* by busy, the latest first */
	size_t living_count;
	struct watches dying; /* marked dead: reap is all that is left */

	struct loop_clock clock;
	uint64_t now;  /* monotonic milliseconds */
	int64_t wall;  /* seconds since 1970 */
	uint64_t soon; /* the soonest deadline, found by collect() */

	uint64_t turns;
	uint64_t all_due;    /* when a turn must look at all watches */
	uint64_t busy_since; /* this turn looks at those busy since; 0: all */

	/*
	 * Those of this turn, polled[i] behind polls[i]; NULL where a watch
	 * was taken out meanwhile.  expire() uses polled again.
	 */
	struct pollfd *polls;
	struct watch **polled;
	size_t count, size;

	struct hook {
		void (*run)(void *owner);
		void *owner; /* borrowed */
	} hooks[HOOKS_MAX];
	size_t hook_count;

	bool again; /* some watch has input that poll() cannot see */
	bool hurry; /* something is ready already: do not sleep */
	bool stop;
};

static void
read_clock(struct loop *loop)
{
	struct timespec time;

	if (loop->clock.monotonic != NULL) {
		loop->now = loop->clock.monotonic(loop->clock.owner);
	} else {
		clock_gettime(CLOCK_MONOTONIC, &time);
		loop->now = (uint64_t)time.tv_sec * 1000 +
		    (uint64_t)time.tv_nsec / 1000000;
	}
	if (loop->clock.wall != NULL) {
		loop->wall = loop->clock.wall(loop->clock.owner);
	} else {
		clock_gettime(CLOCK_REALTIME, &time);
		loop->wall = time.tv_sec;
	}
}

/* Calls what is left of the dead; a reap may kill others. */
static void
reap(struct loop *loop)
{
	struct watch *watch;

	while ((watch = LIST_FIRST(&loop->dying)) != NULL) {
		/* A function of each turn may wait for this end. */
		loop->hurry = true;
		LIST_REMOVE(watch, link);
		if (watch->reap != NULL)
			watch->reap(watch->owner);
	}
}

struct loop *
loop_new(const struct loop_clock *clock)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	LIST_INIT(&loop->living);
	LIST_INIT(&loop->dying);
	if (clock != NULL)
		loop->clock = *clock;
	read_clock(loop);
	return loop;
}

void
loop_free(struct loop *loop)
{
	struct watch *watch;

	if (loop == NULL)
		return;
	reap(loop);
	while ((watch = LIST_FIRST(&loop->living)) != NULL) {
		loop_kill(loop, watch);
		reap(loop);
	}
	free(loop->polls);
	free(loop->polled);
	free(loop);
}

void
watch_init(struct watch *watch, int fd, void *owner,
    void (*ready)(void *owner, short revents), void (*expired)(void *owner),
    void (*reap_owner)(void *owner))
{
	*watch = (struct watch){
		.fd = fd,
		.deadline = LOOP_NEVER,
		.owner = owner,
		.ready = ready,
		.expired = expired,
		.reap = reap_owner,
	};
}

void
loop_add(struct loop *loop, struct watch *watch)
{
	assert(!watch->dead);
	watch->busy = loop->now;
	LIST_INSERT_HEAD(&loop->living, watch, link);
	loop->living_count++;
}

/* It is called now: it goes to the front, among the busy. */
static void
touch(struct loop *loop, struct watch *watch)
{
	watch->busy = loop->now;
	if (watch == LIST_FIRST(&loop->living))
		return;
	LIST_REMOVE(watch, link);
	LIST_INSERT_HEAD(&loop->living, watch, link);
}

void
loop_kill(struct loop *loop, struct watch *watch)
{
	if (watch->dead)
		return;
	watch->dead = true;
	LIST_REMOVE(watch, link);
	loop->living_count--;
	LIST_INSERT_HEAD(&loop->dying, watch, link);
}

void
loop_remove(struct loop *loop, struct watch *watch)
{
	size_t i;

	assert(!watch->dead);
	LIST_REMOVE(watch, link);
	loop->living_count--;
	/* Its owner may free it now: this turn must not look at it again. */
	for (i = 0; i < loop->count; i++)
		if (loop->polled[i] == watch)
			loop->polled[i] = NULL;
}

uint64_t
loop_turns(const struct loop *loop)
{
	return loop->turns;
}

uint64_t
loop_now(const struct loop *loop)
{
	return loop->now;
}

int64_t
loop_wall(const struct loop *loop)
{
	return loop->wall;
}

void
loop_each_turn(struct loop *loop, void (*run)(void *owner), void *owner)
{
	assert(loop->hook_count < HOOKS_MAX);
	loop->hooks[loop->hook_count].run = run;
	loop->hooks[loop->hook_count++].owner = owner;
}

void
loop_again(struct loop *loop)
{
	loop->hurry = true;
}

void
loop_stop(struct loop *loop)
{
	loop->stop = true;
}

void
loop_run(struct loop *loop)
{
	while (!loop->stop)
		loop_turn(loop, true);
	loop->stop = false;
}

static void
grow(struct loop *loop)
{
	loop->size = loop->size == 0 ? 64 : loop->size * 2;
	loop->polls = xrealloc(loop->polls, loop->size, sizeof(*loop->polls));
	loop->polled =
	    xrealloc(loop->polled, loop->size, sizeof(*loop->polled));
}

/* Whether this turn leaves out watch, and so all behind it. */
static bool
left_out(const struct loop *loop, const struct watch *watch)
{
	return watch->busy < loop->busy_since;
}

/* All watches, when they are few, when it is time, or when none is busy. */
static void
choose(struct loop *loop)
{
	const struct watch *first = LIST_FIRST(&loop->living);

	loop->busy_since = loop->now > LOOP_BUSY ? loop->now - LOOP_BUSY : 0;
	if (loop->now < loop->all_due && first != NULL &&
	    !left_out(loop, first))
		return;
	loop->busy_since = 0;
	loop->all_due = loop->now + loop->living_count / LOOP_SHARE;
}

static void
add_poll(struct loop *loop, struct watch *watch)
{
	if (watch->again && (watch->events & POLLIN) != 0)
		loop->again = true;
	if (loop->count == loop->size)
		grow(loop);
	loop->polls[loop->count] =
	    (struct pollfd){ .fd = watch->fd, .events = watch->events };
	loop->polled[loop->count++] = watch;
}

/* Who waits for what.  A watch that asks for nothing is left out: rule 22. */
static void
collect(struct loop *loop)
{
	struct watch *watch;

	choose(loop);
	loop->count = 0;
	loop->soon = loop->busy_since == 0 ? LOOP_NEVER : loop->all_due;
	loop->again = false;
	LIST_FOREACH(watch, &loop->living, link) {
		if (left_out(loop, watch))
			break;
		if (watch->deadline < loop->soon)
			loop->soon = watch->deadline;
		if (watch->events != 0 && watch->fd != -1)
			add_poll(loop, watch);
	}
	if (loop->again || !LIST_EMPTY(&loop->dying))
		loop->hurry = true;
}

/* How long poll() may sleep: milliseconds, -1 for as long as it takes. */
static int
patience(const struct loop *loop, bool wait)
{
	if (!wait || loop->hurry || loop->soon <= loop->now ||
	    loop->clock.jump != NULL)
		return 0;
	if (loop->soon == LOOP_NEVER)
		return -1;
	if (loop->soon - loop->now > INT_MAX)
		return INT_MAX;
	return (int)(loop->soon - loop->now);
}

/* The only place that sleeps. */
static void
wait_for_events(struct loop *loop, bool wait)
{
	int ready;
	size_t i;

	ready = poll(loop->polls, loop->count, patience(loop, wait));
	if (ready == -1) {
		/* EINTR (a debugger), ENOMEM: as if nothing had happened. */
		if (errno != EINTR)
			poll(NULL, 0, NAP);
		for (i = 0; i < loop->count; i++)
			loop->polls[i].revents = 0;
	}
	if (ready == 0 && wait && !loop->hurry && loop->clock.jump != NULL &&
	    loop->soon > loop->now)
		loop->clock.jump(loop->clock.owner, loop->soon);
	loop->hurry = false;
	read_clock(loop);
}

/* What watch is to be told, in the words that its owner asked with. */
static short
told(const struct watch *watch, short revents)
{
	assert(
	    (revents & POLLNVAL) == 0); /* closed under its watch: we erred */
	if ((revents & (POLLERR | POLLHUP)) != 0)
		return watch->events;
	if (watch->again)
		revents |= POLLIN;
	return revents & watch->events;
}

/* Calls the owner of polled[i]; it may take that watch out, or end it. */
static void
call(struct loop *loop, size_t i, short revents)
{
	struct watch *watch = loop->polled[i];

	watch->ready(watch->owner, revents);
	if (loop->polled[i] != watch || watch->dead)
		return;
	if (!watch->put_off)
		touch(loop, watch);
	watch->put_off = false;
}

/* From the back: who was called longest ago is the first to be called. */
static void
dispatch(struct loop *loop)
{
	struct watch *watch;
	short revents;
	size_t i;

	for (i = loop->count; i-- > 0;) {
		/* The many that are idle are not even looked at. */
		if (loop->polls[i].revents == 0 && !loop->again)
			continue;
		watch = loop->polled[i];
		/* Others, called before it, may have ended or rested it. */
		if (watch == NULL || watch->dead)
			continue;
		revents = told(watch, loop->polls[i].revents);
		if (revents != 0)
			call(loop, i, revents);
	}
}

/*
 * Gathers first: what a function does to the list is then no matter.  A
 * deadline in the past that was set in this turn is found by the next one,
 * which does not sleep; so most turns need no second pass over the list.
 */
static void
expire(struct loop *loop)
{
	struct watch *watch;
	size_t i;

	if (loop->soon > loop->now)
		return;
	loop->count = 0;
	LIST_FOREACH(watch, &loop->living, link) {
		if (left_out(loop, watch))
			break;
		if (watch->deadline > loop->now)
			continue;
		if (loop->count == loop->size)
			grow(loop);
		loop->polled[loop->count++] = watch;
	}
	for (i = 0; i < loop->count; i++) {
		watch = loop->polled[i];
		if (watch == NULL || watch->dead || watch->deadline > loop->now)
			continue;
		watch->deadline = LOOP_NEVER;
		touch(loop, watch);
		watch->expired(watch->owner);
	}
}

void
loop_turn(struct loop *loop, bool wait)
{
	size_t i;

	loop->turns++;
	collect(loop);
	wait_for_events(loop, wait);
	dispatch(loop);
	expire(loop);
	for (i = 0; i < loop->hook_count; i++)
		loop->hooks[i].run(loop->hooks[i].owner);
	reap(loop);
}
