/*
 * content - reading messages that we owe.
 *
 * Job:     envelope and content of an entry, proved to be what was written.
 * Called:  by the sending side through spool.h.
 * Owns:    the list of messages that could not be read for now.
 * Never:   hands out a byte of content whose checksum was not seen right.
 */
#include <errno.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/aside.h"
#include "spool/domains.h"
#include "spool/file.h"
#include "spool/inside.h"
#include "spool/lapse.h"
#include "spool/large.h"
#include "spool/reader.h"

/* The entry is gone from the queue: for good, or until it can be read. */
static bool
cannot(struct spool *spool, struct spool_entry *entry, enum read_result result,
    const char *cause)
{
	if (result == READ_ROTTEN)
		aside_message(spool, entry, cause);
	else
		lapse_add(spool, entry);
	return false;
}

static enum read_result
read_record(struct spool *spool, const struct spool_entry *entry,
    struct record *record, struct buf *meta)
{
	enum read_result result;

	result = reader_message(spool, spool_segment(spool, entry),
	    (uint64_t)entry->place * RECORD_ALIGN, entry->id, record, meta);
	/* The disk's lengths and the index's must be the same message's. */
	if (result == READ_WELL &&
	    (record_size(record) != (uint64_t)entry->size * RECORD_ALIGN ||
		record->recipient_count != entry->recipient_count))
		return READ_ROTTEN;
	return result;
}

bool
spool_read(struct spool *spool, struct spool_entry *entry, struct buf *bytes,
    struct envelope *envelope)
{
	enum read_result result;
	struct record record;

	*envelope = (struct envelope){ 0 };
	result = read_record(spool, entry, &record, bytes);
	if (result != READ_WELL)
		return cannot(spool, entry, result, "rotten envelope");
	buf_cut(bytes, record.envelope_len);
	if (!envelope_decode(buf_span(bytes), envelope) ||
	    envelope->recipient_count != entry->recipient_count) {
		envelope_clear(envelope);
		return cannot(spool, entry, READ_ROTTEN, "malformed envelope");
	}
	return true;
}

/* Prefix and content of a record in its segment are one piece. */
static void
piece_inside(struct content *content, int fd, uint64_t at,
    const struct record *record)
{
	content->pieces[0] = (struct content_piece){
		.fd = fd,
		.at = at + record_prefix_at(record),
		.len = record->prefix_len + record_inline_len(record),
	};
	content->piece_count = 1;
	content->size = content->pieces[0].len;
}

static enum read_result
piece_outside(struct spool *spool, struct content *content,
    const struct record *record)
{
	off_t size;
	int fd;

	fd = large_open(spool, record->id);
	if (fd == -1)
		return errno == ENOENT ? READ_ROTTEN : READ_LATER;
	content->pieces[1] = (struct content_piece){
		.fd = fd,
		.at = 0,
		.len = record->content_len,
	};
	content->piece_count = 2;
	content->size += record->content_len;
	if (spool->disk->size(spool->disk->owner, fd, &size) == -1)
		return READ_LATER;
	return (uint64_t)size == record->content_len ? READ_WELL : READ_ROTTEN;
}

/* Once after a start; what was written in this life was seen right then. */
static enum read_result
verify(struct spool *spool, struct spool_entry *entry,
    const struct content *content, const struct record *record)
{
	const struct content_piece *last =
	    &content->pieces[content->piece_count - 1];
	enum read_result result;

	if (entry->flags & ENTRY_VERIFIED)
		return READ_WELL;
	result = reader_verify(spool, last->fd,
	    last->at + last->len - record->content_len, record->content_len,
	    record->content_sum);
	if (result == READ_WELL)
		entry->flags |= ENTRY_VERIFIED;
	return result;
}

static enum read_result
open_pieces(struct spool *spool, struct spool_entry *entry,
    struct content *content)
{
	struct segment *segment = spool_segment(spool, entry);
	struct buf meta;
	struct record record;
	enum read_result result;

	buf_init(&meta, ENVELOPE_MAX + (1 << 20));
	result = read_record(spool, entry, &record,
	    entry->flags & ENTRY_VERIFIED ? NULL : &meta);
	buf_clear(&meta);
	if (result != READ_WELL)
		return result;
	content->has_dot_lines = (record.flags & RECORD_DOTS) != 0;
	piece_inside(content, segment->fd,
	    (uint64_t)entry->place * RECORD_ALIGN, &record);
	if (record.flags & RECORD_LARGE)
		result = piece_outside(spool, content, &record);
	if (result == READ_WELL)
		result = verify(spool, entry, content, &record);
	return result;
}

bool
content_open(struct spool *spool, struct spool_entry *entry,
    struct content *content)
{
	struct segment *segment = spool_segment(spool, entry);
	enum read_result result;

	*content = (struct content){
		.entry = entry,
		.segment = entry->segment,
	};
	segment->pins++;
	result = open_pieces(spool, entry, content);
	if (result == READ_WELL)
		return true;
	content_close(spool, content);
	return cannot(spool, entry, result, "rotten content");
}

ssize_t
content_read(struct spool *spool, const struct content *content, uint64_t at,
    char *data, size_t len)
{
	const struct content_piece *piece;
	size_t i, have = 0, want;
	ssize_t n;

	for (i = 0; i < content->piece_count && have < len; i++) {
		piece = &content->pieces[i];
		if (at >= piece->len) {
			at -= piece->len;
			continue;
		}
		want = piece->len - at < len - have ?
		    (size_t)(piece->len - at) :
		    len - have;
		n = file_read(spool->disk, piece->fd, data + have, want,
		    piece->at + at);
		if (n == -1)
			return -1;
		have += (size_t)n;
		if ((size_t)n < want)
			break;
		at = 0;
	}
	return (ssize_t)have;
}

void
content_close(struct spool *spool, struct content *content)
{
	struct segment *segment;

	if (content->entry == NULL)
		return;
	segment = spool->journal.slots[content->segment];
	assert(segment != NULL && segment->pins > 0);
	if (--segment->pins == 0)
		spool->journal.look = true;
	if (content->piece_count == 2)
		spool->disk->close(spool->disk->owner, content->pieces[1].fd);
	*content = (struct content){ 0 };
}
