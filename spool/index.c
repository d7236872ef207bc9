/*
 * index - what a segment holds, as a row of items.
 *
 * Job:     write and read items: messages and results.
 * Called:  by batch.c and scan.c (writing), load.c and copier.c (reading).
 * Owns:    the layout of an item.
 * Never:   reads beyond the bytes it was given, whatever they say.
 */
#include "spool/index.h"

#include <string.h>

#include "base/xalloc.h"
#include "spool/bytes.h"
#include "spool/record.h"

/* Both kinds begin with these 24 bytes; all items are multiples of 8. */
enum {
	AT_KIND = 0,
	AT_FLAGS = 1,
	AT_DOMAINS_LEN = 2, /* of a message */
	AT_COUNT = 4,       /* recipients, or marks */
	AT_ID = 8,
	AT_WORD = 16, /* arrival, or generation */
	COMMON_LEN = 24,
	/* and a message goes on with these */
	AT_PLACE = 24, /* in units of RECORD_ALIGN */
	AT_SIZE = 28,  /* likewise */
	AT_STATE_LEN = 32,
	AT_FLOW = 36,
	MESSAGE_LEN = 40,
};

enum flag {
	FLAG_ABRIDGED = 1 << 6,
	FLAG_END = 1 << 7,
};

static size_t
padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static void
add_padding(struct buf *out, size_t len)
{
	static const char zeros[8];

	buf_add(out, span_make(zeros, padded(len) - len));
}

static bool
too_long(const struct index_message *message)
{
	return message->abridged || message->state.len > INDEX_STATE_MAX ||
	    message->domains.len > INDEX_DOMAINS_MAX;
}

size_t
index_message_len(const struct index_message *message)
{
	if (too_long(message))
		return MESSAGE_LEN;
	return padded(MESSAGE_LEN + message->state.len + message->domains.len);
}

void
index_add_message(struct buf *out, const struct index_message *message)
{
	bool abridged = too_long(message);
	unsigned char head[MESSAGE_LEN] = { 0 };

	head[AT_KIND] = INDEX_MESSAGE;
	head[AT_FLAGS] =
	    (unsigned char)(message->flags | (abridged ? FLAG_ABRIDGED : 0u));
	bytes_put32(head + AT_COUNT, message->recipient_count);
	bytes_put64(head + AT_ID, message->id);
	bytes_put64(head + AT_WORD, (uint64_t)message->arrival);
	bytes_put32(head + AT_PLACE, (uint32_t)(message->at / RECORD_ALIGN));
	bytes_put32(head + AT_SIZE, (uint32_t)(message->size / RECORD_ALIGN));
	bytes_put16(head + AT_FLOW, message->flow);
	if (!abridged) {
		bytes_put16(head + AT_DOMAINS_LEN,
		    (uint16_t)message->domains.len);
		bytes_put32(head + AT_STATE_LEN, (uint32_t)message->state.len);
	}
	buf_add(out, span_make((const char *)head, sizeof(head)));
	if (abridged)
		return;
	buf_add(out, message->state);
	buf_add(out, message->domains);
	add_padding(out, message->state.len + message->domains.len);
}

static void
add_result(struct buf *out, unsigned flags, uint64_t id, uint64_t generation,
    size_t count)
{
	unsigned char head[COMMON_LEN] = { 0 };

	head[AT_KIND] = INDEX_RESULT;
	head[AT_FLAGS] = (unsigned char)flags;
	bytes_put32(head + AT_COUNT, (uint32_t)count);
	bytes_put64(head + AT_ID, id);
	bytes_put64(head + AT_WORD, generation);
	buf_add(out, span_make((const char *)head, sizeof(head)));
}

void
index_add_end(struct buf *out, uint64_t id, uint64_t generation)
{
	add_result(out, FLAG_END, id, generation, 0);
}

void
index_add_marks(struct buf *out, uint64_t id, uint64_t generation,
    const uint32_t *marks, size_t count)
{
	unsigned char mark[4];
	size_t i;

	assert(count <= INDEX_MARKS_MAX);
	add_result(out, 0, id, generation, count);
	for (i = 0; i < count; i++) {
		bytes_put32(mark, marks[i]);
		buf_add(out, span_make((const char *)mark, sizeof(mark)));
	}
	add_padding(out, count * sizeof(mark));
}

static bool
read_message(struct span *items, const unsigned char *head,
    struct index_item *item)
{
	struct index_message *message = &item->message;
	size_t domains_len, state_len, len;

	if (items->len < MESSAGE_LEN)
		return false;
	domains_len = bytes_get16(head + AT_DOMAINS_LEN);
	state_len = bytes_get32(head + AT_STATE_LEN);
	if (domains_len > INDEX_DOMAINS_MAX || state_len > INDEX_STATE_MAX)
		return false;
	len = padded(MESSAGE_LEN + state_len + domains_len);
	if (items->len < len)
		return false;
	*message = (struct index_message){
		.id = bytes_get64(head + AT_ID),
		.arrival = (int64_t)bytes_get64(head + AT_WORD),
		.at = (uint64_t)bytes_get32(head + AT_PLACE) * RECORD_ALIGN,
		.size = (uint64_t)bytes_get32(head + AT_SIZE) * RECORD_ALIGN,
		.recipient_count = bytes_get32(head + AT_COUNT),
		.flow = bytes_get16(head + AT_FLOW),
		.flags = head[AT_FLAGS] & (RECORD_LARGE | RECORD_DOTS),
		.abridged = (head[AT_FLAGS] & FLAG_ABRIDGED) != 0,
		.state = span_make(items->data + MESSAGE_LEN, state_len),
		.domains = span_make(items->data + MESSAGE_LEN + state_len,
		    domains_len),
	};
	item->kind = INDEX_MESSAGE;
	item->bytes = span_head(*items, len);
	*items = span_skip(*items, len);
	return true;
}

static bool
read_result(struct span *items, const unsigned char *head,
    struct index_item *item)
{
	uint32_t count = bytes_get32(head + AT_COUNT);
	size_t len;

	if (count > INDEX_MARKS_MAX)
		return false;
	len = padded(COMMON_LEN + (size_t)count * 4);
	if (items->len < len)
		return false;
	item->result = (struct index_result){
		.id = bytes_get64(head + AT_ID),
		.generation = bytes_get64(head + AT_WORD),
		.end = (head[AT_FLAGS] & FLAG_END) != 0,
		.mark_count = count,
		.marks = span_make(items->data + COMMON_LEN, (size_t)count * 4),
	};
	item->kind = INDEX_RESULT;
	item->bytes = span_head(*items, len);
	*items = span_skip(*items, len);
	return true;
}

bool
index_next(struct span *items, struct index_item *item)
{
	const unsigned char *head = (const unsigned char *)items->data;

	if (items->len < COMMON_LEN)
		return false;
	if (head[AT_KIND] == INDEX_MESSAGE)
		return read_message(items, head, item);
	if (head[AT_KIND] == INDEX_RESULT)
		return read_result(items, head, item);
	return false;
}

uint32_t
index_mark(const struct index_result *result, size_t number)
{
	assert(number < result->mark_count);
	return bytes_get32(
	    (const unsigned char *)result->marks.data + 4 * number);
}
