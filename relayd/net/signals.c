/*
 * signals - signals as input of the loop.
 *
 * Job:     turn SIGTERM and its like into calls from within a turn.
 * Called:  by main, before the first other thread is made.
 * Owns:    the signalfd and the process's signal mask.
 * Never:   runs anything in a signal handler.
 */
#include "signals.h"

#include <sys/signalfd.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"

struct signals {
	struct watch watch;
	struct loop *loop; /* borrowed */
	void (*signalled)(void *owner, int number);
	void *owner; /* borrowed */
};

static void
signals_ready(void *owner, short revents)
{
	struct signals *signals = owner;
	struct signalfd_siginfo info;

	(void)revents;
	while (!signals->watch.dead &&
	    read(signals->watch.fd, &info, sizeof(info)) ==
		(ssize_t)sizeof(info))
		signals->signalled(signals->owner, (int)info.ssi_signo);
}

static void
signals_reap(void *owner)
{
	struct signals *signals = owner;

	close(signals->watch.fd);
	free(signals);
}

struct signals *
signals_new(struct loop *loop, const int *numbers, size_t count,
    void (*signalled)(void *owner, int number), void *owner)
{
	struct signals *signals = xcalloc(1, sizeof(*signals));
	sigset_t set;
	size_t i;
	int fd;

	sigemptyset(&set);
	for (i = 0; i < count; i++)
		sigaddset(&set, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	assert(fd != -1); /* at the start there are descriptors */
	signals->loop = loop;
	signals->signalled = signalled;
	signals->owner = owner;
	watch_init(&signals->watch, fd, signals, signals_ready, NULL,
	    signals_reap);
	signals->watch.events = POLLIN;
	loop_add(loop, &signals->watch);
	return signals;
}

void
signals_free(struct signals *signals)
{
	if (signals == NULL)
		return;
	loop_kill(signals->loop, &signals->watch);
}
