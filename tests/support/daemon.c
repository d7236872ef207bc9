/*
 * daemon - a relayd for one test.
 *
 * Job:     write its files, start it, end it by its pid, read its log.
 * Called:  by tests of the whole server.
 * Owns:    the folder, the process, and a reservation of the port.
 * Never:   signals a process that it did not start; waits without end.
 */
#include "tests/support/daemon.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "tests/support/leftover.h"
#include "tests/support/log_lines.h"
#include "tests/support/port.h"
#include "tests/support/talk.h"

enum {
	WAIT_MS = 20000, /* for a start, an end, a log line; ASan is slow */
	STEP_MS = 5,
	LOG_MAX = 64 << 20,
	FILE_NAME_MAX = PATH_MAX,
};

struct daemon {
	char folder[64];
	char program[PATH_MAX];
	int reserved; /* keeps the port ours between two lives */
	uint16_t port;
	pid_t pid; /* 0: not running */
	int exit_status;
	size_t leftover; /* its place among what failed tests leave */
	struct buf log;
};

static void
step(void)
{
	struct timespec pause = { .tv_nsec = STEP_MS * 1000000 };

	nanosleep(&pause, NULL);
}

/* ---- its files ---- */

static void
path(const struct daemon *daemon, const char *name, char out[FILE_NAME_MAX])
{
	snprintf(out, FILE_NAME_MAX, "%s/%s", daemon->folder, name);
}

void
daemon_write(struct daemon *daemon, const char *name, const char *text)
{
	char final[FILE_NAME_MAX], aside[FILE_NAME_MAX];
	FILE *file;

	path(daemon, name, final);
	path(daemon, ".aside", aside);
	file = fopen(aside, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(rename(aside, final), 0);
}

static const char *
or_nothing(const char *text)
{
	return text == NULL ? "" : text;
}

static void
write_conf(struct daemon *daemon, const struct daemon_setup *setup)
{
	struct buf conf;

	buf_init(&conf, 1 << 20);
	buf_addf(&conf,
	    "hostname = \"mail.campus.test\";\n"
	    "postmaster = \"postmaster@campus.test\";\n"
	    "contact = \"Ask helpdesk@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; } );\n"
	    "hosted = \"hosted\";\n"
	    "%s"
	    "dns = { servers = [ \"127.0.0.1:%u\" ]; };\n",
	    daemon->port,
	    setup->allowlist == NULL ? "" : "allowlist = \"allowlist\";\n",
	    setup->dns_port == 0 ? 1 : setup->dns_port);
	buf_addf(&conf,
	    "spool = { directory = \"spool\"; %s };\n"
	    "delivery = { %s };\n"
	    "limits = { %s };\n"
	    "%s\n",
	    or_nothing(setup->spool), or_nothing(setup->delivery),
	    or_nothing(setup->limits), or_nothing(setup->more));
	daemon_write(daemon, "relayd.conf", buf_text(&conf));
	buf_clear(&conf);
}

void
daemon_configure(struct daemon *daemon, const struct daemon_setup *setup)
{
	write_conf(daemon, setup);
	daemon_write(daemon, "hosted",
	    setup->hosted == NULL ? "campus.test via=[127.0.0.1]:1\n" :
				    setup->hosted);
	if (setup->allowlist != NULL)
		daemon_write(daemon, "allowlist", setup->allowlist);
}

/* ---- making and freeing ---- */

/* RELAYD from the environment, or the one that lies beside this program. */
static void
find_program(struct daemon *daemon)
{
	const char *given = getenv("RELAYD");
	char self[PATH_MAX - 16];
	ssize_t len;

	if (given != NULL) {
		snprintf(daemon->program, sizeof(daemon->program), "%s", given);
		return;
	}
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	ck_assert_int_gt((int)len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(daemon->program, sizeof(daemon->program), "%s/relayd", self);
}

struct daemon *
daemon_new(const struct daemon_setup *setup)
{
	struct daemon *daemon = xcalloc(1, sizeof(*daemon));
	const char *temporary = getenv("TMPDIR");

	snprintf(daemon->folder, sizeof(daemon->folder),
	    "%.40s/relayd-test.XXXXXX", temporary == NULL ? "/tmp" : temporary);
	ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
	buf_init(&daemon->log, LOG_MAX);
	find_program(daemon);
	daemon->port = port_reserve(&daemon->reserved);
	daemon_configure(daemon, setup);
	daemon->leftover = leftover_note(daemon->folder);
	return daemon;
}

void
daemon_free(struct daemon *daemon)
{
	if (daemon->pid != 0)
		daemon_stop(daemon);
	daemon_assert_sane(daemon);
	leftover_remove(daemon->folder);
	leftover_forget(daemon->leftover);
	close(daemon->reserved);
	buf_clear(&daemon->log);
	free(daemon);
}

const char *
daemon_folder(const struct daemon *daemon)
{
	return daemon->folder;
}

uint16_t
daemon_port(const struct daemon *daemon)
{
	return daemon->port;
}

pid_t
daemon_pid(const struct daemon *daemon)
{
	return daemon->pid;
}

/* ---- its life ---- */

/* In the child: stderr and stdout to the log; dies with the test. */
static void
become(const struct daemon *daemon, bool check_only)
{
	char conf[FILE_NAME_MAX], log[FILE_NAME_MAX];
	int fd;

	path(daemon, "relayd.conf", conf);
	path(daemon, "log", log);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (fd == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(fd, STDERR_FILENO) == -1)
		_exit(126);
	execl(daemon->program, "relayd", "-c", conf, check_only ? "-t" : NULL,
	    NULL);
	fprintf(stderr, "%s: %s\n", daemon->program, strerror(errno));
	_exit(127);
}

static void
launch(struct daemon *daemon, bool check_only)
{
	ck_assert_int_eq(daemon->pid, 0);
	fflush(NULL);
	daemon->pid = fork();
	ck_assert_int_ne(daemon->pid, -1);
	if (daemon->pid == 0)
		become(daemon, check_only);
}

/* True when it has ended; its status is kept. */
static bool
ended(struct daemon *daemon)
{
	pid_t got = waitpid(daemon->pid, &daemon->exit_status, WNOHANG);

	if (got == daemon->pid)
		daemon->pid = 0;
	return got != 0;
}

static void
wait_for_end(struct daemon *daemon)
{
	int waited;

	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (ended(daemon))
			return;
		step();
	}
	ck_abort_msg("relayd does not end");
}

static bool
greets(const struct daemon *daemon)
{
	struct talk talk;
	bool good;

	if (!talk_open(&talk, NULL, daemon->port))
		return false;
	good = talk_reply(&talk) == 220 && talk_say(&talk, "QUIT") == 221;
	talk_close(&talk);
	return good;
}

void
daemon_start(struct daemon *daemon)
{
	int waited;

	launch(daemon, false);
	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (ended(daemon))
			ck_abort_msg(
			    "relayd ended with status %#x at its start",
			    (unsigned)daemon->exit_status);
		if (greets(daemon))
			return;
		step();
	}
	ck_abort_msg("relayd does not greet");
}

int
daemon_try(struct daemon *daemon, bool check_only)
{
	launch(daemon, check_only);
	wait_for_end(daemon);
	ck_assert_msg(WIFEXITED(daemon->exit_status),
	    "relayd died of signal %d", WTERMSIG(daemon->exit_status));
	return WEXITSTATUS(daemon->exit_status);
}

void
daemon_stop(struct daemon *daemon)
{
	ck_assert_int_ne(daemon->pid, 0);
	kill(daemon->pid, SIGTERM);
	wait_for_end(daemon);
	ck_assert_msg(WIFEXITED(daemon->exit_status) &&
		WEXITSTATUS(daemon->exit_status) == 0,
	    "relayd ended with status %#x after SIGTERM",
	    (unsigned)daemon->exit_status);
}

void
daemon_kill(struct daemon *daemon)
{
	ck_assert_int_ne(daemon->pid, 0);
	kill(daemon->pid, SIGKILL);
	wait_for_end(daemon);
}

static int
reloads(struct daemon *daemon)
{
	return daemon_logged(daemon, "event=reloaded", NULL) +
	    daemon_logged(daemon, "event=reload-failed", NULL);
}

void
daemon_reload(struct daemon *daemon)
{
	int waited, before = reloads(daemon);

	kill(daemon->pid, SIGHUP);
	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (reloads(daemon) > before)
			return;
		step();
	}
	ck_abort_msg("no word about the reload in the log");
}

/* ---- its log ---- */

const char *
daemon_log(struct daemon *daemon)
{
	char name[FILE_NAME_MAX], *room;
	size_t got, size;
	FILE *file;

	path(daemon, "log", name);
	buf_empty(&daemon->log);
	file = fopen(name, "r");
	while (file != NULL) {
		room = buf_room(&daemon->log, 65536, &size);
		got = room == NULL ? 0 : fread(room, 1, size, file);
		if (got == 0)
			break;
		buf_grew(&daemon->log, got);
	}
	if (file != NULL)
		fclose(file);
	return buf_text(&daemon->log);
}

void
daemon_log_forget(struct daemon *daemon)
{
	char name[FILE_NAME_MAX];

	daemon_assert_sane(daemon);
	path(daemon, "log", name);
	ck_assert_int_eq(truncate(name, 0), 0);
}

int
daemon_logged(struct daemon *daemon, const char *text, ...)
{
	struct log_texts wanted;
	va_list args;

	va_start(args, text);
	log_texts_gather(&wanted, text, args);
	va_end(args);
	return log_lines_with(span_of(daemon_log(daemon)), &wanted);
}

void
daemon_wait_log(struct daemon *daemon, const char *text, ...)
{
	struct log_texts wanted;
	va_list args;
	int waited;

	va_start(args, text);
	log_texts_gather(&wanted, text, args);
	va_end(args);
	for (waited = 0; waited < WAIT_MS; waited += STEP_MS) {
		if (log_lines_with(span_of(daemon_log(daemon)), &wanted) > 0)
			return;
		step();
	}
	ck_abort_msg("no log line with \"%s\"", text);
}

void
daemon_assert_sane(struct daemon *daemon)
{
	const char *log = daemon_log(daemon);

	ck_assert_msg(strstr(log, "Sanitizer") == NULL &&
		strstr(log, "runtime error:") == NULL &&
		strstr(log, "Assertion") == NULL,
	    "a sanitizer or an assertion spoke");
}
