/*
 * test_control_bind - the control socket is there with its mode, and is nobody
 * else's.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/control_socket.h"
#include "tests/support/suite.h"

static char folder[] = "/tmp/relayd-control.XXXXXX";
static char path[64];
static struct control_socket ours;
static struct buf why;
static const struct control_access access_660 = {
	.mode = 0660,
	.uid = (uid_t)-1,
	.gid = (gid_t)-1,
};

static void
make_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/relayd-control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/control", folder);
	buf_init(&why, 1000);
	ours = (struct control_socket){ .fd = -1 };
}

static void
remove_folder(void)
{
	control_socket_close(&ours);
	unlink(path);
	rmdir(folder);
	buf_clear(&why);
}

START_TEST(the_socket_has_its_mode_and_goes_with_its_owner)
{
	struct stat status;

	ck_assert(control_socket_open(&ours, path, &access_660, &why));
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0660);
	control_socket_close(&ours);
	ck_assert_int_eq(lstat(path, &status), -1);
}
END_TEST

/* Left by a process that was killed: bound, and nobody listens. */
static void
leave_socket(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	close(fd);
}

START_TEST(the_socket_of_a_dead_process_is_replaced)
{
	leave_socket();
	ck_assert(control_socket_open(&ours, path, &access_660, &why));
}
END_TEST

START_TEST(the_socket_of_a_living_process_is_refused)
{
	struct control_socket second;

	ck_assert(control_socket_open(&ours, path, &access_660, &why));
	ck_assert(!control_socket_open(&second, path, &access_660, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "in use"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_file_that_is_no_socket_is_left_alone)
{
	FILE *file = fopen(path, "w");

	fclose(file);
	ck_assert(!control_socket_open(&ours, path, &access_660, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "no socket"));
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(an_unknown_group_is_named)
{
	struct control_access access = access_660;

	access.group = "no-such-group";
	ck_assert(!control_socket_open(&ours, path, &access, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "no-such-group"));
}
END_TEST

static Suite *
control_bind_suite(void)
{
	Suite *suite = suite_create("control_bind");
	TCase *tcase = tcase_create("socket");

	tcase_add_checked_fixture(tcase, make_folder, remove_folder);
	tcase_add_test(tcase, the_socket_has_its_mode_and_goes_with_its_owner);
	tcase_add_test(tcase, the_socket_of_a_dead_process_is_replaced);
	tcase_add_test(tcase, the_socket_of_a_living_process_is_refused);
	tcase_add_test(tcase, a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(tcase, an_unknown_group_is_named);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(control_bind_suite)
