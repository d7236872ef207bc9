#ifndef FILE_H
#define FILE_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stdint.h>

#include "spool/disk.h"

/*
 * Whole reads and writes over the disk seam: a short count is gone on with,
 * EINTR is tried again.
 */

/* Changes parts.  False with errno; *written counts what arrived either way. */
bool file_write(const struct disk *disk, int fd, struct iovec *parts, int count,
    uint64_t at, uint64_t *written);
/* The bytes read, less than len only at the end of the file; -1 with errno. */
ssize_t file_read(const struct disk *disk, int fd, void *data, size_t len,
    uint64_t at);

#endif
