/*
 * syncer - the thread that waits for the disk, so that the loop need not.
 *
 * Job:     sync the files of a job in order; say when it is done and how
 *          each of them ended.
 * Called:  by turn.c, keeper.c, batch.c, large.c, from the loop's thread.
 * Owns:    the thread, the job, an eventfd.
 * Never:   tries a sync again: after an error the kernel has forgotten what
 *          was dirty, and the second answer would be a lie.
 *
 * The job belongs to the thread from syncer_hand() until the state is DONE,
 * to the loop otherwise; the mutex guards the state alone.
 */
#include "spool/syncer.h"

#include <sys/eventfd.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

struct sync_item {
	int fd; /* borrowed */
	bool data_only;
	int error;   /* the thread's answer */
	int *answer; /* borrowed; where the loop wants it */
};

enum syncer_state {
	IDLE,
	HANDED,
	DONE,
	STOP
};

struct syncer {
	const struct disk *disk; /* borrowed */
	struct sync_item *items; /* owned */
	size_t count, size;
	size_t synced;
	int event; /* eventfd; -1 without a thread */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t turned;
	enum syncer_state state;
};

static void
sync_all(struct syncer *syncer)
{
	struct sync_item *item;
	size_t i;

	for (i = 0; i < syncer->count; i++) {
		item = &syncer->items[i];
		item->error = 0;
		if (syncer->disk->sync(syncer->disk->owner, item->fd,
			item->data_only) == -1)
			item->error = errno;
	}
}

static void *
work(void *arg)
{
	struct syncer *syncer = arg;
	ssize_t n;

	pthread_mutex_lock(&syncer->mutex);
	for (;;) {
		while (syncer->state != HANDED && syncer->state != STOP)
			pthread_cond_wait(&syncer->turned, &syncer->mutex);
		if (syncer->state == STOP)
			break;
		pthread_mutex_unlock(&syncer->mutex);
		sync_all(syncer);
		pthread_mutex_lock(&syncer->mutex);
		syncer->state = DONE;
		pthread_cond_broadcast(&syncer->turned);
		n = write(syncer->event, &(uint64_t){ 1 }, sizeof(uint64_t));
		assert(n == sizeof(uint64_t));
	}
	pthread_mutex_unlock(&syncer->mutex);
	return NULL;
}

/* The thread takes no signals: they are the loop's. */
static int
start_thread(struct syncer *syncer)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&syncer->thread, NULL, work, syncer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

struct syncer *
syncer_new(const struct disk *disk, bool with_thread, struct buf *why)
{
	struct syncer *syncer = xcalloc(1, sizeof(*syncer));
	int error;

	syncer->disk = disk;
	syncer->event = -1;
	pthread_mutex_init(&syncer->mutex, NULL);
	pthread_cond_init(&syncer->turned, NULL);
	if (!with_thread)
		return syncer;
	syncer->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = syncer->event == -1 ? errno : start_thread(syncer);
	if (error == 0)
		return syncer;
	buf_addf(why, "cannot start the sync thread: %s", strerror(error));
	if (syncer->event != -1)
		close(syncer->event);
	syncer->event = -1;
	syncer_free(syncer);
	return NULL;
}

static void
stop_thread(struct syncer *syncer)
{
	pthread_mutex_lock(&syncer->mutex);
	while (syncer->state == HANDED)
		pthread_cond_wait(&syncer->turned, &syncer->mutex);
	syncer->state = STOP;
	pthread_cond_broadcast(&syncer->turned);
	pthread_mutex_unlock(&syncer->mutex);
	pthread_join(syncer->thread, NULL);
	close(syncer->event);
}

void
syncer_free(struct syncer *syncer)
{
	if (syncer == NULL)
		return;
	if (syncer->event != -1)
		stop_thread(syncer);
	pthread_cond_destroy(&syncer->turned);
	pthread_mutex_destroy(&syncer->mutex);
	free(syncer->items);
	free(syncer);
}

int
syncer_fd(const struct syncer *syncer)
{
	return syncer->event;
}

void
syncer_add(struct syncer *syncer, int fd, bool data_only, int *error)
{
	if (syncer->count == syncer->size) {
		syncer->size = syncer->size == 0 ? 8 : 2 * syncer->size;
		syncer->items = xrealloc(syncer->items, syncer->size,
		    sizeof(*syncer->items));
	}
	*error = 0;
	syncer->items[syncer->count++] = (struct sync_item){
		.fd = fd,
		.data_only = data_only,
		.answer = error,
	};
}

bool
syncer_waiting(const struct syncer *syncer)
{
	return syncer->count > 0;
}

bool
syncer_hand(struct syncer *syncer)
{
	if (syncer->count == 0)
		return false;
	if (syncer->event == -1) {
		sync_all(syncer);
		syncer->state = DONE;
		return true;
	}
	pthread_mutex_lock(&syncer->mutex);
	syncer->state = HANDED;
	pthread_cond_broadcast(&syncer->turned);
	pthread_mutex_unlock(&syncer->mutex);
	return true;
}

bool
syncer_done(struct syncer *syncer)
{
	bool done;
	uint64_t ignored;
	size_t i;

	if (syncer->event != -1 &&
	    read(syncer->event, &ignored, sizeof(ignored)) == -1 &&
	    errno != EAGAIN)
		return false;
	pthread_mutex_lock(&syncer->mutex);
	done = syncer->state == DONE;
	if (done)
		syncer->state = IDLE;
	pthread_mutex_unlock(&syncer->mutex);
	if (!done)
		return false;
	for (i = 0; i < syncer->count; i++)
		*syncer->items[i].answer = syncer->items[i].error;
	syncer->synced += syncer->count;
	syncer->count = 0;
	return true;
}

bool
syncer_busy(const struct syncer *syncer)
{
	struct syncer *locked = (struct syncer *)(uintptr_t)syncer;
	bool busy;

	pthread_mutex_lock(&locked->mutex);
	busy = syncer->state == HANDED || syncer->state == DONE;
	pthread_mutex_unlock(&locked->mutex);
	return busy;
}

size_t
syncer_count(const struct syncer *syncer)
{
	return syncer->synced;
}
