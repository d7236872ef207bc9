/*
 * disk_fail - a disk of which the n-th call fails.
 *
 * Job:     count the calls to another disk, and let some of them fail.
 * Called:  by the spool through struct disk.
 * Owns:    the counts.
 * Never:   lets a call that fails through, but for half of a short write.
 */
#include "tests/support/disk_fail.h"

#include <errno.h>

/* Is it this one's turn? */
static bool
fails(struct disk_fail *fail, enum disk_call call)
{
	size_t number = ++fail->seen[call];

	if (call != fail->call || number < fail->from ||
	    number - fail->from >= fail->count)
		return false;
	fail->failed++;
	errno = fail->error;
	return true;
}

static int
fail_open(void *owner, int dir, const char *name, int flags, mode_t mode)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_OPEN))
		return -1;
	return fail->inner->open(fail->inner->owner, dir, name, flags, mode);
}

static int
fail_close(void *owner, int fd)
{
	struct disk_fail *fail = owner;

	return fail->inner->close(fail->inner->owner, fd);
}

static ssize_t
fail_pread(void *owner, int fd, void *data, size_t len, off_t at)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_PREAD)) {
		if (fail->error != 0)
			return -1;
		len = (len + 1) / 2;
	}
	return fail->inner->pread(fail->inner->owner, fd, data, len, at);
}

static ssize_t
fail_pwritev(void *owner, int fd, const struct iovec *parts, int count,
    off_t at)
{
	struct disk_fail *fail = owner;
	struct iovec half;

	if (!fails(fail, DISK_PWRITEV))
		return fail->inner->pwritev(fail->inner->owner, fd, parts,
		    count, at);
	if (fail->error != 0)
		return -1;
	/* Short: half of the first part. */
	half = (struct iovec){ parts[0].iov_base, (parts[0].iov_len + 1) / 2 };
	return fail->inner->pwritev(fail->inner->owner, fd, &half, 1, at);
}

static int
fail_sync(void *owner, int fd, bool data_only)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_SYNC))
		return -1;
	return fail->inner->sync(fail->inner->owner, fd, data_only);
}

static int
fail_allocate(void *owner, int fd, off_t size)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_ALLOCATE))
		return -1;
	return fail->inner->allocate(fail->inner->owner, fd, size);
}

static int
fail_truncate(void *owner, int fd, off_t size)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_TRUNCATE))
		return -1;
	return fail->inner->truncate(fail->inner->owner, fd, size);
}

static int
fail_rename(void *owner, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_RENAME))
		return -1;
	return fail->inner->rename(fail->inner->owner, from_dir, from, to_dir,
	    to);
}

static int
fail_unlink(void *owner, int dir, const char *name)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_UNLINK))
		return -1;
	return fail->inner->unlink(fail->inner->owner, dir, name);
}

static int
fail_mkdir(void *owner, int dir, const char *name, mode_t mode)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_MKDIR))
		return -1;
	return fail->inner->mkdir(fail->inner->owner, dir, name, mode);
}

static int
fail_list(void *owner, int dir, bool (*visit)(void *arg, const char *name),
    void *arg)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_LIST))
		return -1;
	return fail->inner->list(fail->inner->owner, dir, visit, arg);
}

static int
fail_size(void *owner, int fd, off_t *size)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_SIZE))
		return -1;
	return fail->inner->size(fail->inner->owner, fd, size);
}

static int
fail_space(void *owner, int dir, uint64_t *bytes, uint64_t *inodes)
{
	struct disk_fail *fail = owner;

	if (fails(fail, DISK_SPACE))
		return -1;
	return fail->inner->space(fail->inner->owner, dir, bytes, inodes);
}

static int
fail_lock(void *owner, int fd)
{
	struct disk_fail *fail = owner;

	return fail->inner->lock(fail->inner->owner, fd);
}

void
disk_fail_init(struct disk_fail *fail, const struct disk *inner)
{
	*fail = (struct disk_fail){ .inner = inner };
	fail->disk = (struct disk){
		.owner = fail,
		.open = fail_open,
		.close = fail_close,
		.pread = fail_pread,
		.pwritev = fail_pwritev,
		.sync = fail_sync,
		.allocate = fail_allocate,
		.truncate = fail_truncate,
		.rename = fail_rename,
		.unlink = fail_unlink,
		.mkdir = fail_mkdir,
		.list = fail_list,
		.size = fail_size,
		.space = fail_space,
		.lock = fail_lock,
	};
}
