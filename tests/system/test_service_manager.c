/*
 * test_service_manager - what a service manager asks of relayd: sockets that
 * it passes in, readiness, the watchdog; and the files that we install for it.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/support/folder.h"
#include "tests/support/program.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	WAIT_MS = 20000,
	FIRST_PASSED = 3,
};

static char folder[FOLDER_MAX], program[PATH_MAX];
static int notified = -1;
static pid_t pid;

static void
set_up(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	char self[PATH_MAX - 16];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt((int)len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(program, sizeof(program), "%s/relayd", self);
	folder_new(folder, "service");
	folder_write(folder, "hosted", "campus.test via=[127.0.0.1]:1\n");
	/* Port 1 is no port for us to open: the socket comes from outside. */
	folder_write(folder, "relayd.conf",
	    "hostname = \"mail.campus.test\";\n"
	    "postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = 1; } );\n"
	    "hosted = \"hosted\";\n"
	    "spool = { directory = \"spool\"; };\n");
	notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(where.sun_path, sizeof(where.sun_path), "%s/notify", folder);
	ck_assert_int_eq(bind(notified, (struct sockaddr *)&where,
			     sizeof(where)),
	    0);
}

static void
tear_down(void)
{
	folder_remove(folder);
	close(notified);
}

/* A listening socket as a service manager makes one: blocking. */
static int
listen_at(in_addr_t address, uint16_t *port)
{
	struct sockaddr_in where = { .sin_family = AF_INET };
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	where.sin_addr.s_addr = htonl(address);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&where, len), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	*port = ntohs(where.sin_port);
	return fd;
}

static int
listen_anywhere(uint16_t *port)
{
	return listen_at(INADDR_LOOPBACK, port);
}

static void
become(int passed)
{
	char conf[128], text[128];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(conf, sizeof(conf), "%s/relayd.conf", folder);
	snprintf(text, sizeof(text), "%s/notify", folder);
	setenv("NOTIFY_SOCKET", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("WATCHDOG_PID", text, 1);
	setenv("WATCHDOG_USEC", "300000", 1);
	if (passed != FIRST_PASSED)
		dup2(passed, FIRST_PASSED);
	else
		fcntl(passed, F_SETFD, 0);
	execl(program, "relayd", "-c", conf, NULL);
	_exit(127);
}

static void
start(int passed)
{
	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		become(passed);
	close(passed);
}

/* Waits for a message that holds text; others are passed over. */
static void
hear(const char *text)
{
	struct pollfd waits = { .fd = notified, .events = POLLIN };
	char message[4096];
	ssize_t len;

	while (poll(&waits, 1, WAIT_MS) == 1) {
		len = recv(notified, message, sizeof(message) - 1, 0);
		ck_assert_int_ge((int)len, 0);
		message[len] = '\0';
		if (strstr(message, text) != NULL)
			return;
	}
	ck_abort_msg("relayd did not say %s", text);
}

static void
stop(void)
{
	int status;

	kill(pid, SIGTERM);
	hear("STOPPING=1");
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(a_socket_that_was_passed_in_is_served)
{
	struct talk talk;
	uint16_t port;

	start(listen_anywhere(&port));
	hear("READY=1");
	ck_assert(talk_open(&talk, NULL, port));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "QUIT"), 221);
	talk_close(&talk);
	stop();
}
END_TEST

/* relayd.socket as it is installed, and a relayd.conf for one machine. */
START_TEST(a_socket_that_others_reach_is_none_for_localhost)
{
	uint16_t port;
	int status;

	start(listen_at(INADDR_ANY, &port));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
END_TEST

START_TEST(the_watchdog_hears_of_us_again_and_again)
{
	uint16_t port;
	int i;

	start(listen_anywhere(&port));
	for (i = 0; i < 3; i++)
		hear("WATCHDOG=1");
	stop();
}
END_TEST

START_TEST(a_reload_is_announced)
{
	uint16_t port;

	start(listen_anywhere(&port));
	hear("READY=1");
	kill(pid, SIGHUP);
	hear("RELOADING=1");
	hear("READY=1");
	stop();
}
END_TEST

static void
assert_installed(const char *name, const char *holds)
{
	char path[PATH_MAX], text[8192];
	FILE *file;

	snprintf(path, sizeof(path), "%s/dest/%s", folder, name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s is not installed", path);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	ck_assert_msg(strstr(text, holds) != NULL, "%s lacks %s", name, holds);
	ck_assert_msg(strchr(text, '@') == NULL ||
		strstr(name, "logrotate") != NULL ||
		strstr(text, "@SBIN@") == NULL,
	    "%s is not filled in", name);
}

START_TEST(the_files_for_the_service_manager_are_installed)
{
	char dest[128];
	const char *const argv[] = { "relayd/systemd/install", dest, "/usr",
		"/etc", NULL };
	struct buf output;

	buf_init(&output, 65536);
	snprintf(dest, sizeof(dest), "%s/dest", folder);
	ck_assert_msg(program_run(argv, SPAN(""), &output) == 0, "%s",
	    buf_text(&output));
	assert_installed("usr/lib/systemd/system/relayd.service",
	    "ExecStart=/usr/sbin/relayd -c /etc/relayd/relayd.conf");
	assert_installed("usr/lib/systemd/system/relayd.service",
	    "WatchdogSec=");
	assert_installed("usr/lib/systemd/system/relayd@.service",
	    "/etc/relayd/%i.conf");
	assert_installed("usr/lib/systemd/system/relayd.socket",
	    "ListenStream=");
	assert_installed("usr/lib/sysusers.d/relayd.conf", "u relayd");
	assert_installed("usr/lib/tmpfiles.d/relayd.conf",
	    "/var/spool/relayd 0700");
	assert_installed("etc/logrotate.d/relayd", "postrotate");
	assert_installed("usr/share/bash-completion/completions/relayctl",
	    "complete -F");
	buf_clear(&output);
}
END_TEST

static const char *const units[] = { "relayd.service", "relayd.socket",
	"relayd@.service" };

/* Where everything is, as it will be: a manager that looks finds no fault. */
START_TEST(the_units_are_what_systemd_understands)
{
	char prefix[128], etc[128], unit[PATH_MAX], sbin[160], link_[200];
	const char *const install[] = { "relayd/systemd/install", "", prefix,
		etc, NULL };
	const char *const verify[] = { "systemd-analyze", "verify", "--man=no",
		unit, NULL };
	const char *const exposure[] = { "systemd-analyze", "security",
		"--offline=true", "--threshold=25", unit, NULL };
	struct buf output;

	buf_init(&output, 1 << 20);
	snprintf(prefix, sizeof(prefix), "%s/usr", folder);
	snprintf(etc, sizeof(etc), "%s/etc", folder);
	snprintf(sbin, sizeof(sbin), "%s/sbin", prefix);
	ck_assert_int_eq(program_run(install, SPAN(""), &output), 0);
	ck_assert_int_eq(mkdir(sbin, 0755), 0);
	snprintf(link_, sizeof(link_), "%s/relayd", sbin);
	ck_assert_int_eq(symlink("/bin/true", link_), 0);
	snprintf(link_, sizeof(link_), "%s/relayctl", sbin);
	ck_assert_int_eq(symlink("/bin/true", link_), 0);
	snprintf(unit, sizeof(unit), "%s/lib/systemd/system/%s", prefix,
	    units[_i]);
	buf_empty(&output);
	ck_assert_msg(program_run(verify, SPAN(""), &output) == 0, "%s",
	    buf_text(&output));
	ck_assert_str_eq(buf_text(&output), "");
	if (strstr(units[_i], ".socket") == NULL)
		ck_assert_msg(program_run(exposure, SPAN(""), &output) == 0,
		    "%s", buf_text(&output));
	buf_clear(&output);
}
END_TEST

START_TEST(the_abort_of_the_watchdog_ends_it)
{
	uint16_t port;
	int status;

	start(listen_anywhere(&port));
	hear("READY=1");
	kill(pid, SIGABRT);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

static Suite *
service_manager_suite(void)
{
	Suite *suite = suite_create("service_manager");
	TCase *tcase = tcase_create("service_manager");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_socket_that_was_passed_in_is_served);
	tcase_add_test(tcase, a_socket_that_others_reach_is_none_for_localhost);
	tcase_add_test(tcase, the_watchdog_hears_of_us_again_and_again);
	tcase_add_test(tcase, a_reload_is_announced);
	tcase_add_test(tcase, the_abort_of_the_watchdog_ends_it);
	tcase_add_test(tcase, the_files_for_the_service_manager_are_installed);
	tcase_add_loop_test(tcase, the_units_are_what_systemd_understands, 0,
	    sizeof(units) / sizeof(units[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(service_manager_suite)
