/*
 * zero - a new segment is written once with zeros, while nothing else is.
 *
 * Job:     fill the head ahead of its records, a piece with each idle turn.
 * Called:  by turn.c, last.
 * Owns:    nothing.
 * Never:   makes anybody wait for more than one piece; never touches what was
 *          written before.
 */
#include "spool/zero.h"

#include <errno.h>

#include "spool/file.h"
#include "spool/inside.h"

enum {
	PART = 64 << 10,
	PARTS = 16
};

static const char zeros[PART];

void
zero_ahead(struct spool *spool)
{
	struct segment *head = spool->journal.head;
	struct iovec parts[PARTS];
	uint64_t len, at;
	int count = 0;

	if (spool->batch.open || spool->options.no_thread || spool->bad ||
	    head == NULL || head->fresh || head->zeroed >= head->size ||
	    syncer_waiting(spool->syncer))
		return;
	if (head->zeroed < head->end)
		head->zeroed = head->end;
	for (at = head->zeroed; count < PARTS && at < head->size; at += len) {
		len = head->size - at < PART ? head->size - at : PART;
		parts[count++] =
		    (struct iovec){ (void *)(uintptr_t)zeros, len };
	}
	/* An error is not one of any record: the next batch will see it. */
	if (count == 0 ||
	    !file_write(spool->disk, head->fd, parts, count, head->zeroed,
		&spool->journal.bytes_written)) {
		head->zeroed = head->size;
		return;
	}
	head->zeroed = at;
	syncer_add(spool->syncer, head->fd, true, &head->zero_error);
}
