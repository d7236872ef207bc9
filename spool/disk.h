#ifndef DISK_H
#define DISK_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * The one seam between the spool and a disk.  Each call is the system call
 * of its name, with its return value and errno; tests put a simulated disk
 * here.  sync() is also called from the sync thread; nothing else is.
 * Directories are named by descriptors from open() with O_DIRECTORY.
 */
struct disk {
	void *owner; /* handed to every call */
	int (*open)(void *owner, int dir, const char *name, int flags,
	    mode_t mode);
	int (*close)(void *owner, int fd);
	ssize_t (*pread)(void *owner, int fd, void *data, size_t len, off_t at);
	ssize_t (*pwritev)(void *owner, int fd, const struct iovec *parts,
	    int count, off_t at);
	int (*sync)(void *owner, int fd, bool data_only); /* fdatasync, fsync */
	int (
	    *allocate)(void *owner, int fd, off_t size); /* fallocate 0..size */
	int (*truncate)(void *owner, int fd, off_t size);
	int (*rename)(void *owner, int from_dir, const char *from, int to_dir,
	    const char *to);
	int (*unlink)(void *owner, int dir, const char *name);
	int (*mkdir)(void *owner, int dir, const char *name, mode_t mode);
	/* Names in a directory, "." and ".." left out, until visit says false. */
	int (*list)(void *owner, int dir,
	    bool (*visit)(void *arg, const char *name), void *arg);
	int (*size)(void *owner, int fd, off_t *size);
	/* Bytes and inodes free to us on the file system of dir. */
	int (*space)(void *owner, int dir, uint64_t *bytes, uint64_t *inodes);
	int (*lock)(void *owner,
	    int fd); /* exclusive, not waiting; -1 EWOULDBLOCK */
};

/* The real one. */
extern const struct disk disk_posix;

#endif
