/*
 * terminal - a program that believes that a person sits there.
 *
 * Job:     run it behind a pseudo terminal.
 * Called:  by the tests of relayctl.
 * Owns:    the terminal and the process.
 * Never:   waits without end, or touches the terminal of the tests.
 */
#include "tests/support/terminal.h"

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <check.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/support/program.h"

static void
become(const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* False when the program has closed its terminal, or took too long. */
static bool
look(int terminal, struct buf *shown)
{
	struct pollfd waits = { .fd = terminal, .events = POLLIN };
	size_t room;
	char *to = buf_room(shown, 4096, &room);
	ssize_t got;

	if (to == NULL || poll(&waits, 1, PROGRAM_WAIT_MS) != 1)
		return false;
	got = read(terminal, to, room);
	if (got > 0)
		buf_grew(shown, (size_t)got);
	return got > 0;
}

int
terminal_run(const char *const *argv, unsigned short columns, struct span typed,
    struct buf *shown)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int terminal, status;
	pid_t pid;

	pid = forkpty(&terminal, NULL, NULL, &size);
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(argv);
	if (typed.len > 0)
		ck_assert_int_eq(write(terminal, typed.data, typed.len),
		    (ssize_t)typed.len);
	while (look(terminal, shown))
		continue;
	close(terminal); /* who still runs is hung up on */
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : PROGRAM_FAILED;
}
