/*
 * record - the head of a record of the journal.
 *
 * Job:     bytes to struct record and back, checksums and lengths included.
 * Called:  by batch.c and copier.c (writing), scan.c and content.c (reading).
 * Owns:    the layout of a record.
 * Never:   trusts a length that it has not checked.
 */
#include "spool/record.h"

#include <xxhash.h>

#include "spool/bytes.h"
#include "spool/envelope.h"

#define MAGIC       0x43455259u /* "YREC" */
#define CONTENT_MAX ((uint64_t)1 << 40)

/* Where the fields of a head lie. */
enum {
	AT_MAGIC = 0,
	AT_KIND = 4,
	AT_FLAGS = 5,
	AT_GENERATION = 8,
	AT_ID = 16,
	AT_ARRIVAL = 24,
	AT_ENVELOPE_LEN = 32,
	AT_STATE_LEN = 36,
	AT_PREFIX_LEN = 40,
	AT_RECIPIENTS = 44,
	AT_CONTENT_LEN = 48,
	AT_META_SUM = 56,
	AT_CONTENT_SUM = 64,
	AT_HEAD_SUM = 72,
};

uint64_t
record_sum(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}

uint64_t
record_meta_len(const struct record *record)
{
	return (uint64_t)record->envelope_len + record->state_len +
	    record->prefix_len;
}

uint64_t
record_inline_len(const struct record *record)
{
	return record->flags & RECORD_LARGE ? 0 : record->content_len;
}

uint64_t
record_meta_at(const struct record *record)
{
	uint64_t len =
	    RECORD_HEAD + record_meta_len(record) + record_inline_len(record);

	return RECORD_HEAD + (-len & (RECORD_ALIGN - 1));
}

uint64_t
record_prefix_at(const struct record *record)
{
	return record_meta_at(record) + record->envelope_len +
	    record->state_len;
}

uint64_t
record_size(const struct record *record)
{
	return record_meta_at(record) + record_meta_len(record) +
	    record_inline_len(record);
}

static uint64_t
head_sum(const unsigned char *head, uint64_t secret, uint64_t at)
{
	return XXH3_64bits_withSeed(head, AT_HEAD_SUM, secret + at);
}

void
record_encode(const struct record *record, uint64_t secret, uint64_t at,
    unsigned char out[RECORD_HEAD])
{
	memset(out, 0, RECORD_HEAD);
	bytes_put32(out + AT_MAGIC, MAGIC);
	out[AT_KIND] = (unsigned char)record->kind;
	out[AT_FLAGS] = (unsigned char)record->flags;
	bytes_put64(out + AT_GENERATION, record->generation);
	bytes_put64(out + AT_ID, record->id);
	bytes_put64(out + AT_ARRIVAL, (uint64_t)record->arrival);
	bytes_put32(out + AT_ENVELOPE_LEN, record->envelope_len);
	bytes_put32(out + AT_STATE_LEN, record->state_len);
	bytes_put32(out + AT_PREFIX_LEN, record->prefix_len);
	bytes_put32(out + AT_RECIPIENTS, record->recipient_count);
	bytes_put64(out + AT_CONTENT_LEN, record->content_len);
	bytes_put64(out + AT_META_SUM, record->meta_sum);
	bytes_put64(out + AT_CONTENT_SUM, record->content_sum);
	bytes_put64(out + AT_HEAD_SUM, head_sum(out, secret, at));
}

static bool
lengths_make_sense(const struct record *record)
{
	if (record->content_len > CONTENT_MAX)
		return false;
	if (record->kind == RECORD_RESULTS)
		return record_meta_len(record) == 0 && record->flags == 0;
	return record->envelope_len <= ENVELOPE_MAX &&
	    record->prefix_len <= RECORD_PREFIX_MAX &&
	    record->recipient_count > 0 &&
	    record->recipient_count <= ENVELOPE_RECIPIENTS_MAX &&
	    (record->state_len == 0 ||
		record->state_len == (record->recipient_count + 7) / 8);
}

bool
record_decode(const unsigned char in[RECORD_HEAD], uint64_t generation,
    uint64_t secret, uint64_t at, struct record *record)
{
	if (bytes_get32(in + AT_MAGIC) != MAGIC ||
	    bytes_get64(in + AT_GENERATION) != generation ||
	    bytes_get64(in + AT_HEAD_SUM) != head_sum(in, secret, at))
		return false;
	if (in[AT_KIND] != RECORD_MESSAGE && in[AT_KIND] != RECORD_RESULTS)
		return false;
	*record = (struct record){
		.kind = (enum record_kind)in[AT_KIND],
		.flags = in[AT_FLAGS],
		.generation = generation,
		.id = bytes_get64(in + AT_ID),
		.arrival = (int64_t)bytes_get64(in + AT_ARRIVAL),
		.envelope_len = bytes_get32(in + AT_ENVELOPE_LEN),
		.state_len = bytes_get32(in + AT_STATE_LEN),
		.prefix_len = bytes_get32(in + AT_PREFIX_LEN),
		.recipient_count = bytes_get32(in + AT_RECIPIENTS),
		.content_len = bytes_get64(in + AT_CONTENT_LEN),
		.meta_sum = bytes_get64(in + AT_META_SUM),
		.content_sum = bytes_get64(in + AT_CONTENT_SUM),
	};
	return lengths_make_sense(record);
}
