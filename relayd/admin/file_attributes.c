/*
 * file_attributes - what a file has besides owner, mode and content.
 *
 * Job:     copy access control list and extended attributes.
 * Called:  by table_file, so that a table that was edited is open to the same
 *          people as before.
 * Owns:    nothing.
 * Never:   leaves the list that a folder gives to new files.
 */
#include "relayd/admin/file_attributes.h"

#include <sys/xattr.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "base/xalloc.h"

#define ACCESS_LIST "system.posix_acl_access"

/* A whole list or value, owned by the caller; NULL with errno. */
static char *
read_whole(int fd, const char *name, size_t *len)
{
	ssize_t size, got = -1;
	char *value = NULL;

	do { /* it may grow meanwhile */
		size = name == NULL ? flistxattr(fd, NULL, 0) :
				      fgetxattr(fd, name, NULL, 0);
		if (size == -1)
			break;
		value = xrealloc(value, (size_t)size + 1, 1);
		got = name == NULL ? flistxattr(fd, value, (size_t)size) :
				     fgetxattr(fd, name, value, (size_t)size);
	} while (got == -1 && errno == ERANGE);
	if (got == -1) {
		int error = errno;

		free(value);
		errno = error;
		return NULL;
	}
	*len = (size_t)got;
	return value;
}

static bool
is_the_systems(const char *name)
{
	return span_starts(span_of(name), SPAN("security.")) ||
	    span_starts(span_of(name), SPAN("trusted."));
}

static bool
copy_one(int from, int to, const char *name)
{
	size_t len = 0;
	char *value = read_whole(from, name, &len);
	bool good = value != NULL && fsetxattr(to, name, value, len, 0) == 0;
	int error = errno;

	free(value);
	errno = error;
	return good || is_the_systems(name);
}

/* The folder may have given it one. */
static bool
remove_list(int fd)
{
	return fremovexattr(fd, ACCESS_LIST) == 0 || errno == ENODATA ||
	    errno == ENOTSUP;
}

bool
file_attributes_copy(int from, int to)
{
	size_t len = 0, at;
	char *names = read_whole(from, NULL, &len);
	bool good = remove_list(to);
	int error;

	if (names == NULL)
		return errno == ENOTSUP && good;
	for (at = 0; at < len && good; at += strlen(names + at) + 1)
		good = copy_one(from, to, names + at);
	error = errno;
	free(names);
	errno = error;
	return good;
}
