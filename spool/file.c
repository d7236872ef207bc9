/*
 * file - whole reads and writes over the disk seam.
 *
 * Job:     finish what the disk did in part.
 * Called:  by everything in spool/ that touches a file's bytes.
 * Owns:    nothing.
 * Never:   hides an error: a write that stands still is ENOSPC.
 */
#include "spool/file.h"

#include <errno.h>
#include <limits.h>

bool
file_write(const struct disk *disk, int fd, struct iovec *parts, int count,
    uint64_t at, uint64_t *written)
{
	ssize_t n;
	size_t rest;

	for (;;) {
		/* Empty parts would make a write of nothing look stuck. */
		while (count > 0 && parts->iov_len == 0) {
			parts++;
			count--;
		}
		if (count == 0)
			return true;
		n = disk->pwritev(disk->owner, fd, parts,
		    count > IOV_MAX ? IOV_MAX : count, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return false;
		rest = (size_t)n;
		at += rest;
		*written += rest;
		while (count > 0 && rest >= parts->iov_len) {
			rest -= parts->iov_len;
			parts++;
			count--;
		}
		if (rest > 0) {
			parts->iov_base = (char *)parts->iov_base + rest;
			parts->iov_len -= rest;
		}
	}
}

ssize_t
file_read(const struct disk *disk, int fd, void *data, size_t len, uint64_t at)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = disk->pread(disk->owner, fd, (char *)data + have,
		    len - have, (off_t)(at + have));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}
