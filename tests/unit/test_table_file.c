/*
 * test_table_file - two who edit a table lose nothing.
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/table_file.h"
#include "tests/support/suite.h"

static char folder[64], table[96], link_to_it[96];

static void
make(void)
{
	strcpy(folder, "/tmp/relayd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(table, sizeof(table), "%s/allowlist", folder);
	snprintf(link_to_it, sizeof(link_to_it), "%s/link", folder);
}

static void
clean(void)
{
	unlink(table);
	unlink(link_to_it);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left */
}

static void
put(const char *text)
{
	FILE *out = fopen(table, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static void
assert_is(const char *text)
{
	char got[65536] = "";
	FILE *in = fopen(table, "r");

	ck_assert_ptr_nonnull(in);
	got[fread(got, 1, sizeof(got) - 1, in)] = '\0';
	fclose(in);
	ck_assert_str_eq(got, text);
}

/* Opens, appends a line, installs; false with why. */
static bool
append(const char *path, const char *line, unsigned wait, struct buf *why)
{
	struct table_file file;
	struct buf text;
	bool good;

	if (!table_file_open(&file, path, wait, why))
		return false;
	buf_init(&text, 65536);
	buf_add(&text, buf_span(&file.text));
	buf_add(&text, span_of(line));
	good = table_file_write(&file, buf_span(&text), why) &&
	    table_file_install(&file, why);
	buf_clear(&text);
	table_file_close(&file);
	return good;
}

START_TEST(a_change_keeps_mode_owner_and_symbolic_link)
{
	struct stat was, is;
	struct buf why;

	buf_init(&why, 1024);
	put("one\n");
	ck_assert_int_eq(chmod(table, 0640), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(table, 12345, 12346), 0);
	ck_assert_int_eq(symlink("allowlist", link_to_it), 0);
	ck_assert_int_eq(stat(table, &was), 0);
	ck_assert_msg(append(link_to_it, "two\n", 0, &why), "%s",
	    buf_text(&why));
	assert_is("one\ntwo\n");
	ck_assert_int_eq(lstat(link_to_it, &is), 0);
	ck_assert(S_ISLNK(is.st_mode));
	ck_assert_int_eq(stat(table, &is), 0);
	ck_assert_uint_eq(is.st_mode, was.st_mode);
	ck_assert_uint_eq(is.st_uid, was.st_uid);
	ck_assert_uint_eq(is.st_gid, was.st_gid);
	ck_assert_uint_ne(is.st_ino, was.st_ino);
	buf_clear(&why);
}
END_TEST

/*
 * An access control list as the kernel keeps it, acl(5): the owner, one more
 * user, the group, the mask, others.
 */
#define ENTRY(tag, permissions, id)                                \
	(tag), 0, (permissions), 0, (id)&0xff, ((id) >> 8) & 0xff, \
	    ((id) >> 16) & 0xff, ((id) >> 24) & 0xff
#define NOBODY 0xffffffffU

static const unsigned char access_list[] = {
	2,
	0,
	0,
	0,
	ENTRY(0x01, 6, NOBODY),
	ENTRY(0x02, 4, 12345U),
	ENTRY(0x04, 4, NOBODY),
	ENTRY(0x10, 4, NOBODY),
	ENTRY(0x20, 0, NOBODY),
};

/* Bit 0: the table has a list; bit 1: the folder gives one to new files. */
START_TEST(a_change_keeps_access_control_list_and_attributes)
{
	bool listed = (_i & 1) != 0;
	unsigned char got[256];
	struct stat was, is;
	struct buf why;
	ssize_t len;

	buf_init(&why, 1024);
	put("one\n");
	ck_assert_int_eq(chmod(table, 0640), 0);
	if ((_i & 2) != 0 &&
	    setxattr(folder, "system.posix_acl_default", access_list,
		sizeof(access_list), 0) == -1)
		return; /* this file system knows no such lists */
	if (listed &&
	    setxattr(table, "system.posix_acl_access", access_list,
		sizeof(access_list), 0) == -1)
		return;
	ck_assert_int_eq(setxattr(table, "user.note", "mine", 4, 0), 0);
	ck_assert_int_eq(stat(table, &was), 0);
	ck_assert_msg(append(table, "two\n", 0, &why), "%s", buf_text(&why));
	assert_is("one\ntwo\n");
	len = getxattr(table, "system.posix_acl_access", got, sizeof(got));
	ck_assert_int_eq(len, listed ? (ssize_t)sizeof(access_list) : -1);
	if (listed)
		ck_assert_mem_eq(got, access_list, sizeof(access_list));
	ck_assert_int_eq(getxattr(table, "user.note", got, sizeof(got)), 4);
	ck_assert_int_eq(stat(table, &is), 0);
	ck_assert_uint_eq(is.st_mode, was.st_mode);
	buf_clear(&why);
}
END_TEST

START_TEST(a_missing_table_is_made)
{
	struct buf why;

	buf_init(&why, 1024);
	ck_assert_msg(append(table, "one\n", 0, &why), "%s", buf_text(&why));
	assert_is("one\n");
	buf_clear(&why);
}
END_TEST

START_TEST(the_second_who_edits_waits_for_the_first)
{
	struct table_file first;
	struct buf why;

	buf_init(&why, 1024);
	put("one\n");
	ck_assert(table_file_open(&first, table, 0, &why));
	ck_assert(!append(table, "two\n", 0, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "somebody else"));
	ck_assert(table_file_write(&first, SPAN("one\n1\n"), &why));
	ck_assert(table_file_install(&first, &why));
	table_file_close(&first);
	ck_assert(append(table, "two\n", 0, &why));
	assert_is("one\n1\ntwo\n");
	buf_clear(&why);
}
END_TEST

/* By an editor that knows nothing of locks: in place, by rename, away. */
static void
change_in_place(void)
{
	put("one\nother\n");
}

static void
change_by_rename(void)
{
	char other[128];
	FILE *out;

	snprintf(other, sizeof(other), "%s.new", table);
	out = fopen(other, "w");
	ck_assert_ptr_nonnull(out);
	fputs("new\n", out);
	fclose(out);
	ck_assert_int_eq(rename(other, table), 0);
}

static void
change_by_removal(void)
{
	ck_assert_int_eq(unlink(table), 0);
}

static void (*const changes[])(
    void) = { change_in_place, change_by_rename, change_by_removal };

START_TEST(a_change_made_without_the_lock_is_not_overwritten)
{
	struct table_file file;
	struct buf why;

	buf_init(&why, 1024);
	put("one\n");
	ck_assert(table_file_open(&file, table, 0, &why));
	ck_assert(table_file_write(&file, SPAN("mine\n"), &why));
	changes[_i]();
	ck_assert(!table_file_install(&file, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "meanwhile"));
	table_file_close(&file);
	if (access(table, F_OK) == 0) {
		assert_is(
		    changes[_i] == change_in_place ? "one\nother\n" : "new\n");
	}
	buf_clear(&why);
}
END_TEST

enum {
	EDITORS = 4,
	LINES = 25,
	LOCK_SECONDS = 60
};

START_TEST(many_who_edit_at_once_lose_nothing)
{
	char line[32], text[65536] = "";
	pid_t children[EDITORS];
	struct buf why;
	int i, n, status;
	FILE *in;

	buf_init(&why, 1024);
	for (i = 0; i < EDITORS; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] > 0)
			continue;
		for (n = 0; n < LINES; n++) {
			snprintf(line, sizeof(line), "%d.%d\n", i, n);
			if (!append(table, line, LOCK_SECONDS, &why))
				_exit(1);
		}
		buf_clear(&why);
		_exit(0);
	}
	for (i = 0; i < EDITORS; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	in = fopen(table, "r");
	ck_assert_ptr_nonnull(in);
	text[0] = '\n';
	ck_assert_uint_gt(fread(text + 1, 1, sizeof(text) - 2, in), 0);
	fclose(in);
	for (i = 0; i < EDITORS; i++) {
		for (n = 0; n < LINES; n++) {
			snprintf(line, sizeof(line), "\n%d.%d\n", i, n);
			ck_assert_msg(strstr(text, line) != NULL, "%s", line);
		}
	}
	buf_clear(&why);
}
END_TEST

static Suite *
table_file_suite(void)
{
	Suite *suite = suite_create("table_file");
	TCase *tcase = tcase_create("table_file");

	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, a_change_keeps_mode_owner_and_symbolic_link);
	tcase_add_loop_test(tcase,
	    a_change_keeps_access_control_list_and_attributes, 0, 4);
	tcase_add_test(tcase, a_missing_table_is_made);
	tcase_add_test(tcase, the_second_who_edits_waits_for_the_first);
	tcase_add_loop_test(tcase,
	    a_change_made_without_the_lock_is_not_overwritten, 0,
	    sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(tcase, many_who_edit_at_once_lose_nothing);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(table_file_suite)
