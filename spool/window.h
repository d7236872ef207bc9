#ifndef WINDOW_H
#define WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/disk.h"

/* A file seen through a buffer that follows the reader. */
struct window {
	const struct disk *disk; /* borrowed */
	int fd;                  /* borrowed */
	uint64_t limit;          /* nothing is read from here on */
	uint64_t at;
	size_t len;
	unsigned char *bytes; /* owned */
	int error;            /* errno of the read that failed, 0: none */
};

enum {
	WINDOW_SIZE = 256 << 10
};

void window_init(struct window *window, const struct disk *disk, int fd,
    uint64_t limit);
void window_clear(struct window *window);
/*
 * len bytes (at most WINDOW_SIZE) from at, valid until the next call.  NULL at
 * the end, and when the disk fails: then error says so.
 */
const unsigned char *window_see(struct window *window, uint64_t at, size_t len);
/*
 * Is sum the XXH3 of len bytes from at?  False too at the end and when the disk
 * fails.  Adds the bytes to keep, unless that is NULL.
 */
bool window_sum_is(struct window *window, uint64_t at, uint64_t len,
    uint64_t sum, struct buf *keep);

#endif
