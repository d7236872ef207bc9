/*
 * file_replace - a small file, all of it or the old one.
 *
 * Job:     write aside, sync, rename.
 * Called:  by uses.
 * Owns:    nothing.
 * Never:   leaves half a file under the name.
 */
#include "relayd/admin/file_replace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

static bool
write_all(int fd, struct span text)
{
	ssize_t put;

	while (text.len > 0) {
		put = write(fd, text.data, text.len);
		if (put <= 0)
			return false;
		text = span_skip(text, (size_t)put);
	}
	return true;
}

bool
file_replace(const char *path, struct span text)
{
	char *aside = xcalloc(1, strlen(path) + 8);
	bool good = false;
	int fd;

	sprintf(aside, "%s.new", path);
	fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd != -1) {
		good = write_all(fd, text) && fsync(fd) == 0;
		close(fd);
	}
	good = good && rename(aside, path) == 0;
	free(aside);
	return good;
}
