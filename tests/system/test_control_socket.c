/*
 * test_control_socket - rude clients on the control socket of a running
 * relayd: it answers, goes on, and serves the next one.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	WAIT_MS = 20000,
	CROWD =
	    48, /* more than are served at once; more yet could not connect */
	ANSWER_MAX = 8 << 20,
	GRANTS = 20000,
	SLOW = 5,
};

static struct scene scene;
static char path[108];
static char *answer;

static void
make(void)
{
	static const struct scene_setup setup = { .allowlist = "# nobody\n",
		.more = "control = \"control\"; control_mode = \"0600\";" };

	scene_open(&scene, &setup);
	snprintf(path, sizeof(path), "%s/control", daemon_folder(scene.daemon));
	answer = malloc(ANSWER_MAX);
}

static void
clean(void)
{
	free(answer);
	scene_close(&scene);
}

static int
dial(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(where.sun_path, path, sizeof(where.sun_path));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, sizeof(where)),
	    0);
	return fd;
}

/* Everything up to the end of the connection. */
static const char *
hear(int fd)
{
	struct pollfd waits = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t got = 1;

	while (got > 0 && len < ANSWER_MAX - 1) {
		ck_assert_int_eq(poll(&waits, 1, WAIT_MS), 1);
		got = recv(fd, answer + len, ANSWER_MAX - 1 - len, 0);
		len += got > 0 ? (size_t)got : 0;
	}
	answer[len] = '\0';
	close(fd);
	return answer;
}

static void
say(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* it has heard enough */
		bytes += sent;
		len -= (size_t)sent;
	}
}

static void
assert_served(void)
{
	static const char request[] = "{\"command\":\"queue\"}\n";
	int fd = dial();

	say(fd, request, sizeof(request) - 1);
	ck_assert_ptr_nonnull(strstr(hear(fd), "\"status\":0"));
	ck_assert_int_eq(scene_send_one(&scene, "a@campus.test",
			     "b@campus.test"),
	    250);
}

START_TEST(the_socket_has_the_mode_of_the_configuration)
{
	struct stat status;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	daemon_stop(scene.daemon);
	ck_assert_int_eq(stat(path, &status), -1);
}
END_TEST

START_TEST(a_request_in_single_bytes_is_understood)
{
	static const char request[] = "{\"command\":\"status\"}\n";
	int fd = dial();
	size_t i;

	for (i = 0; i < sizeof(request) - 1; i++)
		say(fd, request + i, 1);
	shutdown(fd, SHUT_WR);
	ck_assert_ptr_nonnull(strstr(hear(fd), "\"kind\":\"status\""));
}
END_TEST

START_TEST(an_endless_request_is_cut_off_with_an_error)
{
	char *much = malloc(1 << 20);
	int fd = dial();

	memset(much, '[', 1 << 20);
	say(fd, much, 1 << 20);
	/* the answer may be lost with the rest of the request; relayd is not */
	close(fd);
	free(much);
	assert_served();
}
END_TEST

START_TEST(a_deep_request_is_refused)
{
	char deep[60000];
	int fd = dial();

	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\n';
	say(fd, deep, sizeof(deep));
	ck_assert_ptr_nonnull(strstr(hear(fd), "\"status\":2"));
	assert_served();
}
END_TEST

START_TEST(whoever_leaves_in_the_middle_harms_nobody)
{
	static const char *const parts[] = { "", "{\"comm",
		"{\"command\":\"status\"}\n", "{\"command\":\"reload\"}\n",
		"{\"command\":\"queue\",\"all\":true}\n" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		fd = dial();
		say(fd, parts[i], strlen(parts[i]));
		close(fd);
	}
	assert_served();
}
END_TEST

START_TEST(a_crowd_is_bounded_and_goes_by)
{
	int fds[CROWD], i;

	for (i = 0; i < CROWD; i++)
		fds[i] = dial();
	ck_assert_int_eq(scene_send_one(&scene, "a@campus.test",
			     "b@campus.test"),
	    250);
	for (i = 0; i < CROWD; i++)
		close(fds[i]);
	assert_served();
}
END_TEST

/* Megabytes that nobody reads yet, several times. */
START_TEST(a_slow_reader_of_a_huge_answer_holds_up_nobody)
{
	static const char request[] = "{\"command\":\"grants\"}\n";
	struct buf table;
	const char *end;
	int fds[SLOW], i;

	buf_init(&table, 1 << 20);
	for (i = 0; i < GRANTS; i++)
		buf_addf(&table, "10.9.%d.%d owner=lab@campus.test\n", i >> 8,
		    i & 255);
	daemon_write(scene.daemon, "allowlist", buf_text(&table));
	daemon_reload(scene.daemon);
	for (i = 0; i < SLOW; i++) {
		fds[i] = dial();
		say(fds[i], request, sizeof(request) - 1);
	}
	assert_served();
	for (i = 0; i < SLOW; i++) {
		end = strstr(hear(fds[i]), "{\"kind\":\"end\"");
		ck_assert_ptr_nonnull(end);
		ck_assert_int_gt(end - answer, GRANTS * 80);
	}
	buf_clear(&table);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_those_who_ask)
{
	int fd = dial();

	daemon_stop(scene.daemon);
	close(fd);
}
END_TEST

static Suite *
control_socket_suite(void)
{
	Suite *suite = suite_create("control_socket");
	TCase *tcase = tcase_create("control_socket");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, the_socket_has_the_mode_of_the_configuration);
	tcase_add_test(tcase, a_request_in_single_bytes_is_understood);
	tcase_add_test(tcase, an_endless_request_is_cut_off_with_an_error);
	tcase_add_test(tcase, a_deep_request_is_refused);
	tcase_add_test(tcase, whoever_leaves_in_the_middle_harms_nobody);
	tcase_add_test(tcase, a_crowd_is_bounded_and_goes_by);
	tcase_add_test(tcase, a_slow_reader_of_a_huge_answer_holds_up_nobody);
	tcase_add_test(tcase, a_stop_does_not_wait_for_those_who_ask);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(control_socket_suite)
