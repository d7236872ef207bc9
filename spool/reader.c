/*
 * reader - records at places that are known.
 *
 * Job:     read a message's record and prove that it is what was written.
 * Called:  by content.c, copier.c, load.c, aside.c.
 * Owns:    nothing.
 * Never:   takes an error of the disk for rot: what cannot be read now may be
 *          read later, and is not given up.
 */
#include "spool/reader.h"

#include <errno.h>
#include <xxhash.h>

#include "base/xalloc.h"
#include "spool/file.h"
#include "spool/inside.h"

enum {
	GUESS = 512, /* most envelopes come with the head in one read */
	PIECE = 64 << 10,
};

/* What is missing of the meta after the first read; 0 bytes: nothing. */
static enum read_result
read_rest(struct spool *spool, int fd, uint64_t at, struct buf *meta,
    uint64_t missing)
{
	size_t room;
	ssize_t n;
	char *to;

	if (missing == 0)
		return READ_WELL;
	to = buf_room(meta, missing, &room);
	if (to == NULL || room < missing) {
		errno = ENOBUFS;
		return READ_LATER;
	}
	n = file_read(spool->disk, fd, to, missing, at);
	if (n == -1)
		return READ_LATER;
	if ((uint64_t)n < missing)
		return READ_ROTTEN;
	buf_grew(meta, missing);
	return READ_WELL;
}

static enum read_result
read_meta(struct spool *spool, int fd, uint64_t at, const struct record *record,
    struct span have, struct buf *meta)
{
	uint64_t len = record_meta_len(record), first = record_meta_at(record);
	enum read_result result;

	buf_empty(meta);
	have = span_head(span_skip(have, first), len);
	buf_add(meta, have);
	if (meta->full) {
		errno = ENOBUFS;
		return READ_LATER;
	}
	result =
	    read_rest(spool, fd, at + first + have.len, meta, len - have.len);
	if (result != READ_WELL)
		return result;
	if (record_sum(buf_span(meta).data, meta->len) != record->meta_sum)
		return READ_ROTTEN;
	return READ_WELL;
}

enum read_result
reader_message(struct spool *spool, struct segment *segment, uint64_t at,
    uint64_t id, struct record *record, struct buf *meta)
{
	unsigned char head[GUESS];
	int fd = journal_fd(&spool->journal, segment);
	ssize_t n;

	if (fd == -1)
		return READ_LATER;
	n = file_read(spool->disk, fd, head,
	    meta == NULL ? RECORD_HEAD : sizeof(head), at);
	if (n == -1)
		return READ_LATER;
	if (n < RECORD_HEAD ||
	    !record_decode(head, segment->generation, segment->secret, at,
		record) ||
	    record->kind != RECORD_MESSAGE || record->id != id)
		return READ_ROTTEN;
	if (meta == NULL)
		return READ_WELL;
	return read_meta(spool, fd, at, record,
	    span_make((const char *)head, (size_t)n), meta);
}

enum read_result
reader_verify(struct spool *spool, int fd, uint64_t at, uint64_t len,
    uint64_t sum)
{
	XXH3_state_t *state = XXH3_createState();
	unsigned char piece[PIECE];
	size_t want;
	ssize_t n = 0;

	assert(state != NULL);
	XXH3_64bits_reset(state);
	for (; len > 0; len -= (uint64_t)n, at += (uint64_t)n) {
		want = len < PIECE ? (size_t)len : PIECE;
		n = file_read(spool->disk, fd, piece, want, at);
		if (n < (ssize_t)want)
			break;
		XXH3_64bits_update(state, piece, want);
	}
	if (len == 0 && XXH3_64bits_digest(state) != sum)
		n = 0, len = 1;
	XXH3_freeState(state);
	if (len == 0)
		return READ_WELL;
	return n == -1 ? READ_LATER : READ_ROTTEN;
}
