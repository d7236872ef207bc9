/*
 * helper - a thread beside the loop.
 *
 * Job:     run long work off the loop's thread, and bring its end back there.
 * Called:  by reload.c with tables to read and to free; by uses.c with a file.
 * Owns:    the queue of jobs, at most one thread, an eventfd.
 * Never:   shares anything: a job's owner is the thread's from its begin until
 *          pthread_join(3) has returned, and the loop's before and after.
 */
#include "relayd/net/helper.h"

#include <sys/eventfd.h>
#include <sys/queue.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

struct job {
	TAILQ_ENTRY(job) link;
	void (*work)(void *owner);
	void (*done)(void *owner); /* or NULL */
	void *owner;               /* borrowed */
	int event;                 /* borrowed: to be told of the end */
};

struct helper {
	struct watch watch;     /* the eventfd, readable when a job has ended */
	struct loop *loop;      /* borrowed */
	TAILQ_HEAD(, job) jobs; /* the first is under way */
	pthread_t thread;
	bool running; /* the thread exists */
};

static void job_ended(void *owner, short revents);
static void begin(struct helper *helper);
static void end(struct helper *helper);

static void
helper_reap(void *owner)
{
	struct helper *helper = owner;

	close(helper->watch.fd);
	free(helper);
}

struct helper *
helper_new(struct loop *loop)
{
	struct helper *helper = xcalloc(1, sizeof(*helper));
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert(event != -1); /* at the start there are descriptors */
	helper->loop = loop;
	TAILQ_INIT(&helper->jobs);
	watch_init(&helper->watch, event, helper, job_ended, NULL, helper_reap);
	helper->watch.events = POLLIN;
	loop_add(loop, &helper->watch);
	return helper;
}

void
helper_run(struct helper *helper, void (*work)(void *owner),
    void (*done)(void *owner), void *owner)
{
	struct job *job = xcalloc(1, sizeof(*job));

	*job = (struct job){ .work = work,
		.done = done,
		.owner = owner,
		.event = helper->watch.fd };
	TAILQ_INSERT_TAIL(&helper->jobs, job, link);
	if (TAILQ_FIRST(&helper->jobs) == job)
		begin(helper);
}

bool
helper_busy(const struct helper *helper)
{
	return !TAILQ_EMPTY(&helper->jobs);
}

void
helper_wait(struct helper *helper)
{
	while (helper != NULL && !TAILQ_EMPTY(&helper->jobs))
		end(helper);
}

void
helper_free(struct helper *helper)
{
	if (helper == NULL)
		return;
	helper_wait(helper);
	loop_kill(helper->loop, &helper->watch);
}

static void
tell(int event)
{
	const uint64_t one = 1;

	while (write(event, &one, sizeof(one)) == -1 && errno == EINTR)
		;
}

static void *
run(void *owner)
{
	struct job *job = owner;

	job->work(job->owner);
	tell(job->event);
	return NULL;
}

/* Without a thread to be had, the loop waits: late is better than never. */
static void
begin(struct helper *helper)
{
	struct job *job = TAILQ_FIRST(&helper->jobs);

	helper->running = pthread_create(&helper->thread, NULL, run, job) == 0;
	if (!helper->running)
		run(job);
}

/* Waits for the job that is under way, and begins the next. */
static void
end(struct helper *helper)
{
	struct job *job = TAILQ_FIRST(&helper->jobs);

	if (helper->running)
		pthread_join(helper->thread, NULL);
	helper->running = false;
	TAILQ_REMOVE(&helper->jobs, job, link);
	if (!TAILQ_EMPTY(&helper->jobs))
		begin(helper);
	if (job->done != NULL)
		job->done(job->owner);
	free(job);
}

static void
job_ended(void *owner, short revents)
{
	struct helper *helper = owner;
	uint64_t ended;

	(void)revents;
	/* One thread at a time: each write is one job, none of it is older. */
	if (read(helper->watch.fd, &ended, sizeof(ended)) !=
	    (ssize_t)sizeof(ended))
		return;
	while (ended-- > 0 && !TAILQ_EMPTY(&helper->jobs))
		end(helper);
}
