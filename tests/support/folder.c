/*
 * folder - a folder of a test's own.
 *
 * Job:     make it below /tmp, write files into it, remove it whole.
 * Called:  by tests that run other people's programs.
 * Owns:    nothing; its maker removes it.
 * Never:   follows a link out of it.
 */
#include "tests/support/folder.h"

#include <sys/stat.h>

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	OPEN_MAX_AT_ONCE = 16
};

void
folder_new(char folder[FOLDER_MAX], const char *what)
{
	snprintf(folder, FOLDER_MAX, "/tmp/relayd-%.32s.XXXXXX", what);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
}

static int
remove_one(const char *path, const struct stat *facts, int type, struct FTW *at)
{
	(void)facts;
	(void)type;
	(void)at;
	return remove(path);
}

void
folder_remove(const char *folder)
{
	ck_assert_int_eq(nftw(folder, remove_one, OPEN_MAX_AT_ONCE,
			     FTW_DEPTH | FTW_PHYS),
	    0);
}

void
folder_path(char path[FOLDER_PATH_MAX], const char *folder, const char *name)
{
	int len = snprintf(path, FOLDER_PATH_MAX, "%s/%s", folder, name);

	ck_assert_int_lt(len, FOLDER_PATH_MAX);
}

void
folder_write(const char *folder, const char *name, const char *text)
{
	char path[FOLDER_PATH_MAX];
	FILE *file;

	folder_path(path, folder, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

void
folder_make(const char *folder, const char *name, uid_t owner)
{
	char path[FOLDER_PATH_MAX];

	folder_path(path, folder, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	ck_assert_int_eq(chown(path, owner, (gid_t)-1), 0);
}
