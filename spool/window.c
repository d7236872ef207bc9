/*
 * window - a file seen through a buffer that follows the reader.
 *
 * Job:     read ahead in large pieces what is looked at in small ones.
 * Called:  by scan.c and walk.c.
 * Owns:    the buffer.
 * Never:   lets one bad block hide the good ones before it: when a large
 *          read fails, it tries just what was asked for.
 */
#include "spool/window.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/xalloc.h"
#include "spool/file.h"

void
window_init(struct window *window, const struct disk *disk, int fd,
    uint64_t limit)
{
	*window = (struct window){
		.disk = disk,
		.fd = fd,
		.limit = limit,
		.bytes = xcalloc(WINDOW_SIZE, 1),
	};
}

void
window_clear(struct window *window)
{
	free(window->bytes);
	window->bytes = NULL;
	window->len = 0;
}

static ssize_t
fill(struct window *window, uint64_t at, size_t len)
{
	ssize_t n;

	if (len > window->limit - at)
		len = (size_t)(window->limit - at);
	n = file_read(window->disk, window->fd, window->bytes, len, at);
	window->at = at;
	window->len = n == -1 ? 0 : (size_t)n;
	return n;
}

const unsigned char *
window_see(struct window *window, uint64_t at, size_t len)
{
	assert(len <= WINDOW_SIZE);
	window->error = 0;
	if (at >= window->limit || len > window->limit - at)
		return NULL;
	if (at >= window->at && at - window->at <= window->len &&
	    len <= window->len - (size_t)(at - window->at))
		return window->bytes + (at - window->at);
	if (fill(window, at, WINDOW_SIZE) == -1 &&
	    fill(window, at, len) == -1) {
		window->error = errno;
		return NULL;
	}
	return window->len < len ? NULL : window->bytes;
}

bool
window_sum_is(struct window *window, uint64_t at, uint64_t len, uint64_t sum,
    struct buf *keep)
{
	XXH3_state_t *state = XXH3_createState();
	const unsigned char *bytes;
	uint64_t found;
	size_t piece;

	assert(state != NULL);
	XXH3_64bits_reset(state);
	for (; len > 0; len -= piece, at += piece) {
		piece = len < WINDOW_SIZE ? (size_t)len : WINDOW_SIZE;
		bytes = window_see(window, at, piece);
		if (bytes == NULL)
			break;
		XXH3_64bits_update(state, bytes, piece);
		if (keep != NULL)
			buf_add(keep, span_make((const char *)bytes, piece));
	}
	found = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return len == 0 && found == sum;
}
