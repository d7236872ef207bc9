/*
 * segment - one segment file of the journal.
 *
 * Job:     write and read its header, its index and its footer.
 * Called:  by journal.c, keeper.c, batch.c, scan.c, load.c, copier.c.
 * Owns:    the layout of a segment around its records.
 * Never:   lets a header be half new: a copy lies in one 512-byte sector, and
 *          of two copies the one of the later life counts.
 */
#include "spool/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/xalloc.h"
#include "spool/bytes.h"
#include "spool/file.h"

#define HEADER_MAGIC 0x314c4e524a594c52u /* "RLYJRNL1" */
#define FOOTER_MAGIC 0x315844494a594c52u /* "RLYJIDX1" */

enum {
	HEADER_LEN = 64,
	HEADER_AT_GENERATION = 8,
	HEADER_AT_SECRET = 16,
	HEADER_AT_ID_MARK = 24,
	HEADER_AT_SIZE = 32,
	HEADER_AT_SUM = 56,

	FOOTER_AT_GENERATION = 8,
	FOOTER_AT_INDEX = 16,
	FOOTER_AT_INDEX_LEN = 24,
	FOOTER_AT_END = 32,
	FOOTER_AT_ID_MAX = 40,
	FOOTER_AT_INDEX_SUM = 48,
	FOOTER_AT_SUM = 56,
};

struct segment *
segment_new(uint32_t number, uint64_t size)
{
	struct segment *segment = xcalloc(1, sizeof(*segment));

	segment->number = number;
	segment->size = size;
	segment->fd = -1;
	segment->end = SEGMENT_RECORDS;
	buf_init(&segment->index, size);
	return segment;
}

void
segment_free(struct segment *segment)
{
	if (segment == NULL)
		return;
	assert(segment->fd == -1);
	buf_clear(&segment->index);
	free(segment->tombs);
	free(segment);
}

bool
segment_has_room(const struct segment *segment, uint64_t size, size_t index_len)
{
	uint64_t used = segment->end + segment->index.len + SEGMENT_FOOTER;
	uint64_t left = segment->size > used ? segment->size - used : 0;

	return size <= left && index_len <= left - size;
}

bool
segment_write_header(const struct disk *disk, struct segment *segment,
    uint64_t generation, uint64_t secret, uint64_t id_mark, uint64_t *written)
{
	unsigned char blocks[SEGMENT_RECORDS] = { 0 };
	struct iovec part = { blocks, sizeof(blocks) };

	bytes_put64(blocks, HEADER_MAGIC);
	bytes_put64(blocks + HEADER_AT_GENERATION, generation);
	bytes_put64(blocks + HEADER_AT_SECRET, secret);
	bytes_put64(blocks + HEADER_AT_ID_MARK, id_mark);
	bytes_put64(blocks + HEADER_AT_SIZE, segment->size);
	bytes_put64(blocks + HEADER_AT_SUM, XXH3_64bits(blocks, HEADER_AT_SUM));
	memcpy(blocks + SEGMENT_BLOCK, blocks, HEADER_LEN);
	return file_write(disk, segment->fd, &part, 1, 0, written);
}

static bool
take_header(struct segment *segment, const unsigned char *block)
{
	uint64_t generation = bytes_get64(block + HEADER_AT_GENERATION);
	uint64_t size = bytes_get64(block + HEADER_AT_SIZE);

	if (bytes_get64(block) != HEADER_MAGIC ||
	    bytes_get64(block + HEADER_AT_SUM) !=
		XXH3_64bits(block, HEADER_AT_SUM) ||
	    size < SEGMENT_SIZE_MIN || size > (uint64_t)1 << 35)
		return false;
	if (generation < segment->generation)
		return true;
	segment->generation = generation;
	segment->secret = bytes_get64(block + HEADER_AT_SECRET);
	segment->id_mark = bytes_get64(block + HEADER_AT_ID_MARK);
	segment->size = size;
	return true;
}

enum header_found
segment_read_header(const struct disk *disk, struct segment *segment)
{
	unsigned char blocks[2 * SEGMENT_RECORDS] = { 0 };
	bool first, second;
	ssize_t n;
	size_t i;

	n = file_read(disk, segment->fd, blocks, sizeof(blocks), 0);
	if (n == -1)
		return HEADER_UNREADABLE;
	segment->generation = 0;
	first = take_header(segment, blocks);
	second = take_header(segment, blocks + SEGMENT_BLOCK);
	if (first || second)
		return HEADER_GOOD;
	for (i = 0; i < sizeof(blocks); i++)
		if (blocks[i] != 0)
			return HEADER_BAD;
	return HEADER_NEVER_WRITTEN;
}

static uint64_t
footer_sum(const unsigned char *footer, uint64_t secret)
{
	return XXH3_64bits_withSeed(footer, FOOTER_AT_SUM, secret);
}

bool
segment_write_index(const struct disk *disk, struct segment *segment,
    uint64_t *written)
{
	unsigned char footer[SEGMENT_FOOTER] = { 0 };
	struct span items = buf_span(&segment->index);
	uint64_t at = segment->size - SEGMENT_FOOTER - items.len;
	struct iovec parts[] = {
		{ (void *)(uintptr_t)items.data, items.len },
		{ footer, sizeof(footer) },
	};

	assert(at >= segment->end);
	bytes_put64(footer, FOOTER_MAGIC);
	bytes_put64(footer + FOOTER_AT_GENERATION, segment->generation);
	bytes_put64(footer + FOOTER_AT_INDEX, at);
	bytes_put64(footer + FOOTER_AT_INDEX_LEN, items.len);
	bytes_put64(footer + FOOTER_AT_END, segment->end);
	bytes_put64(footer + FOOTER_AT_ID_MAX, segment->id_max);
	bytes_put64(footer + FOOTER_AT_INDEX_SUM,
	    XXH3_64bits_withSeed(items.data, items.len, segment->secret));
	bytes_put64(footer + FOOTER_AT_SUM,
	    footer_sum(footer, segment->secret));
	return file_write(disk, segment->fd, parts, 2, at, written);
}

bool
segment_read_footer(const struct disk *disk, struct segment *segment,
    uint64_t *at, uint64_t *len, uint64_t *sum)
{
	unsigned char footer[SEGMENT_FOOTER];
	uint64_t last = segment->size - SEGMENT_FOOTER, end;

	if (file_read(disk, segment->fd, footer, sizeof(footer), last) !=
		sizeof(footer) ||
	    bytes_get64(footer) != FOOTER_MAGIC ||
	    bytes_get64(footer + FOOTER_AT_GENERATION) != segment->generation ||
	    bytes_get64(footer + FOOTER_AT_SUM) !=
		footer_sum(footer, segment->secret))
		return false;
	*at = bytes_get64(footer + FOOTER_AT_INDEX);
	*len = bytes_get64(footer + FOOTER_AT_INDEX_LEN);
	*sum = bytes_get64(footer + FOOTER_AT_INDEX_SUM);
	end = bytes_get64(footer + FOOTER_AT_END);
	if (end < SEGMENT_RECORDS || *at < end || *at > last ||
	    *len != last - *at)
		return false;
	segment->end = end;
	segment->id_max = bytes_get64(footer + FOOTER_AT_ID_MAX);
	return true;
}

bool
segment_read_index(const struct disk *disk, struct segment *segment,
    struct buf *items)
{
	uint64_t at, len, sum;
	size_t room;
	ssize_t n;
	char *to;

	if (!segment_read_footer(disk, segment, &at, &len, &sum))
		return false;
	buf_empty(items);
	if (len > 0) {
		to = buf_room(items, len, &room);
		if (to == NULL || room < len)
			return false;
		n = file_read(disk, segment->fd, to, len, at);
		if (n == -1 || (uint64_t)n < len)
			return false;
		buf_grew(items, len);
	}
	return XXH3_64bits_withSeed(buf_span(items).data, len,
		   segment->secret) == sum;
}
