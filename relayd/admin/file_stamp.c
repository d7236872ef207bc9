/*
 * file_stamp - which life of a file was read.
 *
 * Job:     take size and time of change; compare them.
 * Called:  by settings before a table is read; by status and explain.
 * Owns:    nothing.
 * Never:   opens a file.
 */
#include "relayd/admin/file_stamp.h"

#include <stddef.h>

#define NS_A_SECOND INT64_C(1000000000)

struct file_stamp
file_stamp_of(const struct stat *status)
{
	return (struct file_stamp){
		.known = true,
		.bytes = (uint64_t)status->st_size,
		.changed_ns = status->st_mtim.tv_sec * NS_A_SECOND +
		    status->st_mtim.tv_nsec,
	};
}

struct file_stamp
file_stamp_take(const char *file)
{
	struct stat status;

	if (file == NULL || stat(file, &status) == -1)
		return (struct file_stamp){ .known = false };
	return file_stamp_of(&status);
}

bool
file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->known == b->known && a->bytes == b->bytes &&
	    a->changed_ns == b->changed_ns;
}
