#ifndef FILE_STAMP_H
#define FILE_STAMP_H

#include <sys/stat.h>

#include <stdbool.h>
#include <stdint.h>

/* Which life of a file was read: its size, and when it was last changed. */
struct file_stamp {
	bool known; /* false: there was no file */
	uint64_t bytes;
	int64_t changed_ns; /* wall-clock nanoseconds since 1970 */
};

/* file may be NULL: there is none. */
struct file_stamp file_stamp_take(const char *file);
struct file_stamp file_stamp_of(const struct stat *status);
bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);

#endif
