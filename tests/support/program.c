/*
 * program - other people's programs, as clients and as next hops.
 *
 * Job:     run one to its end, or start a server and end it by its pid.
 * Called:  by the interoperation tests.
 * Owns:    the processes that it starts.
 * Never:   waits without end, or signals what it did not start.
 */
#include "tests/support/program.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/talk.h"

enum {
	STEP_MS = 10
};

struct pipes {
	int input[2];
	int output[2];
};

static void
step(void)
{
	struct timespec pause = { .tv_nsec = STEP_MS * 1000000 };

	nanosleep(&pause, NULL);
}

static void
become(const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t
start_piped(const char *const *argv, const struct pipes *pipes)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (dup2(pipes->input[0], STDIN_FILENO) == -1 ||
	    dup2(pipes->output[1], STDOUT_FILENO) == -1 ||
	    dup2(pipes->output[1], STDERR_FILENO) == -1)
		_exit(126);
	become(argv);
	return -1;
}

/* Its exit status once it has ended, killed when it takes too long. */
static int
wait_for_end(pid_t pid, int waited)
{
	int status;

	for (; waited < PROGRAM_WAIT_MS; waited += STEP_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   PROGRAM_FAILED;
		step();
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return PROGRAM_FAILED;
}

/* False when the program has closed its output. */
static bool
read_output(int fd, struct buf *output)
{
	size_t room;
	char *start = buf_room(output, 4096, &room);
	ssize_t got;

	if (start == NULL)
		return false;
	got = read(fd, start, room);
	if (got > 0)
		buf_grew(output, (size_t)got);
	return got > 0;
}

static void
write_input(int *fd, struct span *input)
{
	ssize_t wrote = write(*fd, input->data, input->len);

	if (wrote > 0)
		*input = span_skip(*input, (size_t)wrote);
	if (wrote == -1 || input->len == 0) {
		close(*fd);
		*fd = -1;
	}
}

/* Both directions at once, so that neither side waits for the other. */
static void
exchange(int *to, int from, struct span input, struct buf *output)
{
	struct pollfd polls[2];
	int waited = 0;

	while (waited < PROGRAM_WAIT_MS) {
		polls[0] = (struct pollfd){ from, POLLIN, 0 };
		polls[1] = (struct pollfd){ *to, POLLOUT, 0 };
		if (poll(polls, 2, STEP_MS) == 0)
			waited += STEP_MS;
		if (polls[1].revents != 0)
			write_input(to, &input);
		if (polls[0].revents != 0 && !read_output(from, output))
			return;
	}
}

int
program_run(const char *const *argv, struct span input, struct buf *output)
{
	struct pipes pipes;
	pid_t pid;

	fflush(NULL);
	if (pipe2(pipes.input, O_CLOEXEC) == -1)
		return PROGRAM_FAILED;
	if (pipe2(pipes.output, O_CLOEXEC) == -1) {
		close(pipes.input[0]);
		close(pipes.input[1]);
		return PROGRAM_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	pid = start_piped(argv, &pipes);
	close(pipes.input[0]);
	close(pipes.output[1]);
	if (pid != -1 && input.len == 0) {
		close(pipes.input[1]);
		pipes.input[1] = -1;
	}
	if (pid != -1)
		exchange(&pipes.input[1], pipes.output[0], input, output);
	if (pipes.input[1] != -1)
		close(pipes.input[1]);
	close(pipes.output[0]);
	return pid == -1 ? PROGRAM_FAILED : wait_for_end(pid, 0);
}

static pid_t
start_logged(const char *const *argv, const char *log)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	become(argv);
	return -1;
}

static bool
listens(uint16_t port)
{
	struct talk talk;

	if (!talk_open(&talk, NULL, port))
		return false;
	talk_close(&talk);
	return true;
}

pid_t
program_serve(const char *const *argv, uint16_t port, const char *log)
{
	pid_t pid;
	int waited, status;

	fflush(NULL);
	pid = start_logged(argv, log);
	if (pid == -1)
		return 0;
	for (waited = 0; waited < PROGRAM_WAIT_MS; waited += STEP_MS) {
		if (listens(port))
			return pid;
		if (waitpid(pid, &status, WNOHANG) == pid)
			return 0;
		step();
	}
	program_end(pid);
	return 0;
}

void
program_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	wait_for_end(pid, PROGRAM_WAIT_MS / 2);
}
