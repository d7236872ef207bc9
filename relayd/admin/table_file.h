#ifndef TABLE_FILE_H
#define TABLE_FILE_H

#include <sys/stat.h>

#include <stdbool.h>

#include "base/buf.h"

/*
 * A table that is being edited: locked against others who edit by these
 * means, read, written aside, and put in place only when nobody else has changed
 * it meanwhile.  The lock is on the folder (flock(2)), so it leaves no file.
 */
struct table_file {
	char *path;  /* owned; behind symbolic links */
	char *aside; /* owned; the new file until it is installed, or NULL */
	int folder;  /* descriptor, with the lock */
	int source;  /* descriptor of the file that was read, or -1 */
	bool exists; /* there was a file when it was read */
	struct stat was; /* of that file */
	struct buf text; /* all of it */
};

/*
 * Waits this long for the lock, then reads the file; one that does not exist
 * is empty.  False with the reason in why; then there is nothing to close.
 */
bool table_file_open(struct table_file *file, const char *path,
    unsigned wait_seconds, struct buf *why);
/*
 * Writes a new one aside, durably, with the old one's owner, mode, access
 * control list and extended attributes.
 */
bool table_file_write(struct table_file *file, struct span text,
    struct buf *why);
/* Puts it in place, unless the file is not the one that was read. */
bool table_file_install(struct table_file *file, struct buf *why);
/* Removes what was written, so that it can be written again. */
void table_file_discard(struct table_file *file);
/* Removes what was written and not installed, and gives the lock back. */
void table_file_close(struct table_file *file);

#endif
