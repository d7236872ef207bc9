#ifndef EXPECTED_H
#define EXPECTED_H

#include "domains/complaints.h"

/*
 * A folder of tables NAME, each with the exact complaints that it must give
 * in NAME.expect.  Tests run from the top of the tree.
 */
enum {
	EXPECTED_FILES_MAX = 64
};

/* How many tables the folder has, and the path of each; freed at exit. */
int expected_find(const char *folder);
const char *expected_file(int index);
/* Compares with NAME.expect and fails the test on a difference. */
void expected_compare(const char *file, struct complaints *complaints);

#endif
