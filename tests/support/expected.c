/*
 * expected - wrong files and the complaints that they must give.
 *
 * Job:     find the files of a folder, and compare what was complained about.
 * Called:  by the tests of tables.
 * Owns:    the list of files.
 * Never:   writes an expectation.
 */
#include "tests/support/expected.h"

#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char files[EXPECTED_FILES_MAX][300];

static int
is_table(const struct dirent *entry)
{
	return entry->d_type == DT_REG &&
	    !span_ends(span_of(entry->d_name), SPAN(".expect"));
}

int
expected_find(const char *folder)
{
	struct dirent **entries = NULL;
	int count, i;

	count = scandir(folder, &entries, is_table, alphasort);
	for (i = 0; i < count; i++) {
		if (i < EXPECTED_FILES_MAX)
			snprintf(files[i], sizeof(files[i]), "%s/%s", folder,
			    entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return count < EXPECTED_FILES_MAX ? count : EXPECTED_FILES_MAX;
}

const char *
expected_file(int index)
{
	return files[index];
}

void
expected_compare(const char *file, struct complaints *complaints)
{
	static char wanted[1 << 16];
	char name[400];
	FILE *expect;
	size_t len;

	snprintf(name, sizeof(name), "%s.expect", file);
	expect = fopen(name, "r");
	ck_assert_msg(expect != NULL, "%s is missing; got:\n%s", name,
	    complaints_text(complaints));
	len = fread(wanted, 1, sizeof(wanted) - 1, expect);
	fclose(expect);
	wanted[len] = '\0';
	ck_assert_msg(strcmp(complaints_text(complaints), wanted) == 0,
	    "%s: got\n%swanted\n%s", file, complaints_text(complaints), wanted);
}
