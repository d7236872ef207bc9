/*
 * writer - the pen at the head of the log.
 *
 * Job:     gather the records of a batch and write them with few calls.
 * Called:  by batch.c and copier.c.
 * Owns:    the row of parts, nothing that they point at.
 * Never:   syncs, and never writes to a segment but the head.
 *
 * Where a segment is written for the first time, zeros go ahead of the
 * records: they cost one sync of file-system metadata for many batches.
 */
#include "spool/writer.h"

#include "base/xalloc.h"
#include "spool/file.h"

enum {
	ZERO_PART = 64 << 10,
	ZERO_PARTS = 16, /* at most so many ahead */
	RECORD_PARTS = 8 /* no record has more */
};

static const char zeros[ZERO_PART];

void
writer_init(struct writer *writer, struct journal *journal)
{
	writer->journal = journal;
	writer->count = 0;
	writer->bytes = 0;
}

struct segment *
writer_place(struct writer *writer, uint64_t size, size_t index_len,
    uint64_t id_mark)
{
	struct segment *head = writer->journal->head;

	if (writer->count > WRITER_PARTS - RECORD_PARTS - ZERO_PARTS &&
	    !writer_flush(writer))
		return NULL;
	if (head == NULL || !segment_has_room(head, size, index_len)) {
		if (!writer_flush(writer))
			return NULL;
		head = journal_advance(writer->journal, id_mark);
		if (head == NULL)
			return NULL;
		assert(segment_has_room(head, size, index_len));
	}
	if (writer->count == 0)
		writer->at = head->end;
	head->touched = true;
	head->end += size;
	return head;
}

void
writer_add(struct writer *writer, const void *data, size_t len)
{
	if (len == 0)
		return;
	assert(writer->count < WRITER_PARTS);
	writer->parts[writer->count++] =
	    (struct iovec){ (void *)(uintptr_t)data, len };
	writer->bytes += len;
}

static void
add_zeros(struct writer *writer, struct segment *head)
{
	uint64_t from = head->end, len;
	int i;

	if (head->zeroed >= from)
		return;
	for (i = 0; i < ZERO_PARTS && from < head->size; i++) {
		len = head->size - from;
		if (len > ZERO_PART)
			len = ZERO_PART;
		writer->parts[writer->count++] =
		    (struct iovec){ (void *)(uintptr_t)zeros, len };
		from += len;
	}
	head->zeroed = from;
}

bool
writer_flush(struct writer *writer)
{
	struct segment *head = writer->journal->head;
	bool written;

	if (writer->count == 0)
		return true;
	assert(head->end == writer->at + writer->bytes);
	add_zeros(writer, head);
	written = file_write(writer->journal->disk, head->fd, writer->parts,
	    writer->count, writer->at, &writer->journal->bytes_written);
	writer->count = 0;
	writer->bytes = 0;
	return written;
}
