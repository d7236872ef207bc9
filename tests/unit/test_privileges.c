/*
 * test_privileges - root is looked for, borrowed from, and gone for good.
 *
 * What needs root runs in a child of its own and is skipped without.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/privileges.h"
#include "tests/support/suite.h"

static const struct {
	const char *user, *group;
	const char *why;
} unknown[] = {
	{ "no-such-user", NULL,
	    "user \"no-such-user\" is not known on this host" },
	{ "nobody", "no-such-group",
	    "group \"no-such-group\" is not known on this host" },
};

START_TEST(unknown_user_or_group_is_told)
{
	struct privileges privileges;
	struct buf why;

	buf_init(&why, 1000);
	ck_assert(!privileges_find(unknown[_i].user, unknown[_i].group,
	    &privileges, &why));
	ck_assert_str_eq(buf_text(&why), unknown[_i].why);
	buf_clear(&why);
}
END_TEST

START_TEST(without_a_user_nothing_is_wanted)
{
	struct privileges privileges;
	struct buf why;

	buf_init(&why, 1000);
	ck_assert(privileges_find(NULL, NULL, &privileges, &why));
	ck_assert(!privileges.wanted);
	ck_assert(privileges_find("root", NULL, &privileges, &why));
	ck_assert(!privileges.wanted);
	buf_clear(&why);
}
END_TEST

/* ---- as root, in a child: each returns the line that was wrong, or 0 ---- */

#define MUST(condition)                  \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

static int
drop_for_good(void)
{
	struct privileges privileges;
	gid_t groups[100];
	uid_t real, effective, saved;
	gid_t real_gid, effective_gid, saved_gid;
	struct buf why;
	int count, i;

	buf_init(&why, 1000);
	MUST(privileges_find("nobody", NULL, &privileges, &why));
	MUST(privileges.wanted);
	MUST(privileges_drop(&privileges, &why));
	MUST(getresuid(&real, &effective, &saved) == 0);
	MUST(real == privileges.uid && effective == real && saved == real);
	MUST(getresgid(&real_gid, &effective_gid, &saved_gid) == 0);
	MUST(real_gid == privileges.gid && effective_gid == real_gid &&
	    saved_gid == real_gid);
	MUST(setuid(0) == -1 && seteuid(0) == -1 && setgid(0) == -1);
	count = getgroups(100, groups);
	MUST(count >= 0);
	for (i = 0; i < count; i++)
		MUST(groups[i] != 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	MUST(access("/etc/shadow", R_OK) == -1);
	return 0;
}

static int
borrow_and_return(void)
{
	struct privileges privileges;
	struct buf why;

	buf_init(&why, 1000);
	MUST(privileges_find("nobody", NULL, &privileges, &why));
	MUST(privileges_borrow(&privileges, &why));
	MUST(geteuid() == privileges.uid && getegid() == privileges.gid);
	privileges_return(&privileges);
	MUST(geteuid() == 0 && getegid() == 0);
	return 0;
}

static int
own_a_directory(void)
{
	char folder[] = "/tmp/test_privileges.XXXXXX", name[64], link[64],
	     theirs[128];
	struct privileges privileges;
	struct stat status;
	struct buf why;

	buf_init(&why, 1000);
	MUST(privileges_find("nobody", NULL, &privileges, &why));
	MUST(mkdtemp(folder) != NULL);
	snprintf(name, sizeof(name), "%s/spool", folder);
	MUST(privileges_own_directory(&privileges, name, &why));
	MUST(stat(name, &status) == 0);
	MUST(status.st_uid == privileges.uid);
	MUST(status.st_gid == privileges.gid);
	MUST((status.st_mode & 07777) == 0700);
	/* What others use is not given away. */
	snprintf(link, sizeof(link), "%s/theirs", folder);
	snprintf(theirs, sizeof(theirs), "%s/theirs/mail", folder);
	MUST(mkdir(link, 0755) == 0 && mkdir(theirs, 0755) == 0);
	MUST(privileges_own_directory(&privileges, link, &why));
	MUST(stat(link, &status) == 0 && status.st_uid == 0);
	MUST(rmdir(theirs) == 0);
	MUST(privileges_own_directory(&privileges, link, &why));
	MUST(stat(link, &status) == 0 && status.st_uid == privileges.uid);
	MUST(rmdir(link) == 0);
	/* Through a link nothing is given away. */
	snprintf(link, sizeof(link), "%s/link", folder);
	MUST(symlink("/tmp", link) == 0);
	MUST(privileges_own_directory(&privileges, link, &why));
	MUST(stat("/tmp", &status) == 0);
	MUST(status.st_uid != privileges.uid);
	MUST(unlink(link) == 0 && rmdir(name) == 0 && rmdir(folder) == 0);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} as_root[] = {
	{ "drop_for_good", drop_for_good },
	{ "borrow_and_return", borrow_and_return },
	{ "own_a_directory", own_a_directory },
};

START_TEST(root_is_borrowed_from_and_dropped)
{
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		printf("skipped: %s needs root\n", as_root[_i].name);
		return;
	}
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		status = as_root[_i].run();
		if (status != 0)
			fprintf(stderr, "%s: line %d\n", as_root[_i].name,
			    status);
		_exit(status == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}
END_TEST

static Suite *
privileges_suite(void)
{
	Suite *suite = suite_create("privileges");
	TCase *tcase = tcase_create("privileges");

	tcase_add_loop_test(tcase, unknown_user_or_group_is_told, 0,
	    sizeof(unknown) / sizeof(unknown[0]));
	tcase_add_test(tcase, without_a_user_nothing_is_wanted);
	tcase_add_loop_test(tcase, root_is_borrowed_from_and_dropped, 0,
	    sizeof(as_root) / sizeof(as_root[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(privileges_suite)
