#ifndef WINDOW_H
#define WINDOW_H

#include <stddef.h>
#include <stdint.h>

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

#endif
