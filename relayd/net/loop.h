#ifndef LOOP_H
#define LOOP_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * The event loop: poll(2) over the watches of others.  One turn is
 * collect, wait, dispatch, expire, reap; only the wait sleeps.
 *
 * poll(2) costs by the descriptor, ready or not.  So where there are many, a
 * turn looks at the watches that were busy in the last LOOP_BUSY milliseconds
 * only, and at all of them once in a while: every LOOP_SHARE descriptors put
 * that off by a millisecond.  With fewer than LOOP_SHARE, or when none is busy,
 * every turn looks at all.  What that means for an owner: of a watch that has
 * rested for LOOP_BUSY, a change of the fields, input and the deadline are
 * seen that much later (33 ms with 10,000) while others keep the loop busy.
 */
struct loop;

enum {
	LOOP_BUSY = 100,
	LOOP_SHARE = 300,
};

#define LOOP_NEVER UINT64_MAX

/*
 * A member of its owner, who just sets its fields; the pollfd array is built
 * anew each turn.  A watch with no events is left out of it, and its deadline
 * still ends it.
 */
struct watch {
	LIST_ENTRY(watch) link;
	int fd;            /* -1: a pure timer */
	short events;      /* POLLIN, POLLOUT, both, or 0 to rest */
	uint64_t deadline; /* monotonic milliseconds, or LOOP_NEVER */
	uint64_t busy;     /* the loop's: when it was last called or added */
	/*
	 * Input is there that poll() cannot see (TLS, or a full buffer): while
	 * the owner asks for POLLIN it is called with it and nobody sleeps.
	 * The owner's to clear; stream_read() keeps it true to the fact.
	 */
	bool again;
	/*
	 * Set within ready(): it did nothing now and wants to be called again,
	 * in the next turn among the first.  The loop clears it.
	 */
	bool put_off;
	bool dead; /* set by loop_kill(): no more calls, then reap */

	void *owner; /* borrowed; handed to the three functions below */
	/*
	 * revents: of what was asked, and still is, what can be done; after
	 * an error or hang-up all of it, for the read or write that follows
	 * tells what happened.
	 */
	void (*ready)(void *owner, short revents);
	void (*expired)(void *owner); /* the deadline was cleared before */
	void (*reap)(void *owner); /* close fd, free the owner and this watch;
				      NULL: it is somebody else's to free */
};

/* The seam of time: NULL members mean the real thing. */
struct loop_clock {
	void *owner;
	uint64_t (*monotonic)(void *owner); /* milliseconds */
	int64_t (*wall)(void *owner);       /* seconds since 1970 */
	/*
	 * Called instead of sleeping when nothing is ready: a virtual clock
	 * jumps to deadline (LOOP_NEVER: nothing is due, loop_stop() yourself).
	 */
	void (*jump)(void *owner, uint64_t deadline);
};

/* clock: NULL for the real one; copied. */
struct loop *loop_new(const struct loop_clock *clock);
/* Reaps every watch that is left, then frees. */
void loop_free(struct loop *loop);

/* Fills in a resting watch (events 0, no deadline).  The caller adds it. */
void watch_init(struct watch *watch, int fd, void *owner,
    void (*ready)(void *owner, short revents), void (*expired)(void *owner),
    void (*reap)(void *owner));
void loop_add(struct loop *loop, struct watch *watch);
/* Marks it: no more calls; reap runs at the end of this turn.  Twice is once. */
void loop_kill(struct loop *loop, struct watch *watch);
/* Takes a living watch out without reaping it (its fd goes elsewhere). */
void loop_remove(struct loop *loop, struct watch *watch);

/* How many turns there were: to tell one from another. */
uint64_t loop_turns(const struct loop *loop);
/* Monotonic milliseconds and wall-clock seconds, read once a turn. */
uint64_t loop_now(const struct loop *loop);
int64_t loop_wall(const struct loop *loop);

/*
 * A function that runs at the end of every turn, before the reap (the spool's
 * commit, the flush of the log); in the order they were added.
 */
void loop_each_turn(struct loop *loop, void (*run)(void *owner), void *owner);
/* The next turn does not sleep: for whoever made work for a function that ran. */
void loop_again(struct loop *loop);

/* Runs until loop_stop(); one turn for tests (wait: may sleep). */
void loop_run(struct loop *loop);
void loop_turn(struct loop *loop, bool wait);
void loop_stop(struct loop *loop);

#endif
