#ifndef WRITER_H
#define WRITER_H

#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/journal.h"

enum {
	WRITER_PARTS = 1024
};

/*
 * The pen at the head of the log: gathers records, by reference, and writes
 * them with as few calls as can be.  What is added must stay until
 * writer_flush().
 */
struct writer {
	struct journal *journal; /* borrowed */
	struct iovec parts[WRITER_PARTS];
	int count;
	uint64_t at;    /* where the first part goes, in the head */
	uint64_t bytes; /* of all parts */
};

void writer_init(struct writer *writer, struct journal *journal);
/*
 * The segment for a record of size bytes, with index_len in its index: the
 * head, or the next one.  The record goes to its end.  NULL with errno.
 */
struct segment *writer_place(struct writer *writer, uint64_t size,
    size_t index_len, uint64_t id_mark);
/* A part of the record that was placed; all together they are its size. */
void writer_add(struct writer *writer, const void *data, size_t len);
/* Writes what was gathered; false with errno. */
bool writer_flush(struct writer *writer);

#endif
