/*
 * ctl_patience - that it takes a while, and is not stuck.
 *
 * Job:     count the seconds on the terminal.
 * Called:  by relayctl around what may take long: a relayd that reads a large
 *          table, a table that is read here.
 * Owns:    the interval timer and SIGALRM, between begin and end.
 * Never:   writes to what is no terminal.
 */
#include "relayd/ctl/ctl_patience.h"

#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

enum {
	MANY = 99999
};

static volatile sig_atomic_t seconds; /* in all that was waited for */
static volatile sig_atomic_t shown;
static bool running;
static struct timeval left = { .tv_sec = 1 }; /* of the next one */

/* Only what signal-safety(7) allows. */
static void
second_over(int number)
{
	char text[] = "\rworking: 00000 s ";
	char *digit = text + sizeof("\rworking: 00000") - 2;
	int error = errno, rest;

	(void)number;
	if (seconds < MANY)
		seconds = seconds + 1;
	for (rest = seconds; rest > 0; rest /= 10)
		*digit-- = (char)('0' + rest % 10);
	while (*digit == '0')
		*digit-- = ' ';
	if (write(STDERR_FILENO, text, sizeof(text) - 1) == -1)
		errno = error; /* then nobody sees it */
	shown = 1;
	errno = error;
}

void
patience_begin(void)
{
	struct sigaction action = { .sa_handler = second_over,
		.sa_flags = SA_RESTART };
	struct itimerval timer = { .it_interval = { .tv_sec = 1 } };

	if (running || !isatty(STDERR_FILENO))
		return;
	running = true;
	shown = 0;
	timer.it_value = left;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

void
patience_end(void)
{
	static const char wipe[] = "\r\033[K";
	const struct itimerval off = { .it_value = { .tv_sec = 0 } };
	struct itimerval was;

	if (!running)
		return;
	running = false;
	if (setitimer(ITIMER_REAL, &off, &was) == 0)
		left = was.it_value;
	if (left.tv_sec == 0 && left.tv_usec == 0)
		left.tv_sec = 1;
	signal(SIGALRM, SIG_DFL);
	if (shown != 0 && write(STDERR_FILENO, wipe, sizeof(wipe) - 1) == -1)
		return; /* nobody saw it, either */
}
