/*
 * disk_posix - the real disk behind the seam of disk.h.
 *
 * Job:     each call is the system call of its name.
 * Called:  by spool/ through struct disk; sync() also by the sync thread.
 * Owns:    nothing.
 * Never:   decides anything: return value and errno are the kernel's.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "spool/disk.h"

static int
posix_open(void *owner, int dir, const char *name, int flags, mode_t mode)
{
	(void)owner;
	return openat(dir, name, flags | O_CLOEXEC, mode);
}

static int
posix_close(void *owner, int fd)
{
	(void)owner;
	return close(fd);
}

static ssize_t
posix_pread(void *owner, int fd, void *data, size_t len, off_t at)
{
	(void)owner;
	return pread(fd, data, len, at);
}

static ssize_t
posix_pwritev(void *owner, int fd, const struct iovec *parts, int count,
    off_t at)
{
	(void)owner;
	return pwritev(fd, parts, count, at);
}

static int
posix_sync(void *owner, int fd, bool data_only)
{
	(void)owner;
	return data_only ? fdatasync(fd) : fsync(fd);
}

static int
posix_allocate(void *owner, int fd, off_t size)
{
	(void)owner;
	return fallocate(fd, 0, 0, size);
}

static int
posix_truncate(void *owner, int fd, off_t size)
{
	(void)owner;
	return ftruncate(fd, size);
}

static int
posix_rename(void *owner, int from_dir, const char *from, int to_dir,
    const char *to)
{
	(void)owner;
	return renameat(from_dir, from, to_dir, to);
}

static int
posix_unlink(void *owner, int dir, const char *name)
{
	(void)owner;
	return unlinkat(dir, name, 0);
}

static int
posix_mkdir(void *owner, int dir, const char *name, mode_t mode)
{
	(void)owner;
	return mkdirat(dir, name, mode);
}

static int
posix_list(void *owner, int dir, bool (*visit)(void *arg, const char *name),
    void *arg)
{
	struct dirent *entry;
	int again, error;
	DIR *list;

	(void)owner;
	/* An own descriptor: reading moves its offset, closedir() closes it. */
	again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (again == -1)
		return -1;
	list = fdopendir(again);
	if (list == NULL) {
		error = errno;
		close(again);
		errno = error;
		return -1;
	}
	errno = 0;
	while ((entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    !visit(arg, entry->d_name))
			break;
		errno = 0;
	}
	error = entry == NULL ? errno : 0;
	closedir(list);
	errno = error;
	return error == 0 ? 0 : -1;
}

static int
posix_size(void *owner, int fd, off_t *size)
{
	struct stat facts;

	(void)owner;
	if (fstat(fd, &facts) == -1)
		return -1;
	*size = facts.st_size;
	return 0;
}

static int
posix_space(void *owner, int dir, uint64_t *bytes, uint64_t *inodes)
{
	struct statvfs facts;

	(void)owner;
	if (fstatvfs(dir, &facts) == -1)
		return -1;
	*bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
	/* A file system without inodes of its own (btrfs) says 0 of 0. */
	*inodes = facts.f_files == 0 ? UINT64_MAX : facts.f_favail;
	return 0;
}

static int
posix_lock(void *owner, int fd)
{
	(void)owner;
	return flock(fd, LOCK_EX | LOCK_NB);
}

const struct disk disk_posix = {
	.open = posix_open,
	.close = posix_close,
	.pread = posix_pread,
	.pwritev = posix_pwritev,
	.sync = posix_sync,
	.allocate = posix_allocate,
	.truncate = posix_truncate,
	.rename = posix_rename,
	.unlink = posix_unlink,
	.mkdir = posix_mkdir,
	.list = posix_list,
	.size = posix_size,
	.space = posix_space,
	.lock = posix_lock,
};
