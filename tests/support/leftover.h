#ifndef LEFTOVER_H
#define LEFTOVER_H

#include <stddef.h>

/*
 * Folders of tests that failed.  Check ends a failed test without a chance to
 * tidy up; so the program, at its own end, shows the log in each folder that was
 * noted and not forgotten, and removes the folder.
 */
enum {
	LEFTOVER_PATH_MAX = 128
};

size_t leftover_note(const char *folder);
void leftover_forget(size_t place);
/* Removes a folder and what is in it. */
void leftover_remove(const char *folder);

#endif
