#ifndef DISK_FAIL_H
#define DISK_FAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "spool/disk.h"

/* A disk before another, of which one call, or all after it, fails. */
enum disk_call {
	DISK_OPEN,
	DISK_PREAD,
	DISK_PWRITEV,
	DISK_SYNC,
	DISK_ALLOCATE,
	DISK_TRUNCATE,
	DISK_RENAME,
	DISK_UNLINK,
	DISK_MKDIR,
	DISK_LIST,
	DISK_SIZE,
	DISK_SPACE,
	DISK_CALLS,
};

struct disk_fail {
	struct disk disk;         /* what the spool is given */
	const struct disk *inner; /* borrowed */
	size_t seen[DISK_CALLS];  /* calls so far */
	enum disk_call call;      /* that fails */
	size_t from, count;       /* the from-th (1...), and count in all */
	int error;                /* errno; 0: a short count (read, write) */
	size_t failed;            /* how many did */
};

/* Nothing fails until count is set. */
void disk_fail_init(struct disk_fail *fail, const struct disk *inner);

#endif
