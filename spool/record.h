#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A record of the journal as it lies in a segment, at a multiple of 16:
 *
 *     head  pad  envelope  state  prefix  content
 *
 * pad (0 to 15 zero bytes) stands there, not at the end, so that prefix and
 * content are one piece of the file.  state is the bitmap of recipients that
 * were settled when the record was written (a copied message); it is left out
 * while none were.  The content of a large message is in its own file.
 */
enum {
	RECORD_HEAD = 80,
	RECORD_ALIGN = 16,
	RECORD_PREFIX_MAX = 64 << 10,
};

enum record_kind {
	RECORD_MESSAGE = 1,
	RECORD_RESULTS = 2, /* its content is items as in index.h */
};

enum record_flag {
	RECORD_LARGE = 1 << 0, /* the content is the file large/ID */
	RECORD_DOTS = 1 << 1,  /* some line begins with a dot */
};

struct record {
	enum record_kind kind;
	unsigned flags;
	uint64_t generation; /* of the segment's life it was written in */
	uint64_t id;
	int64_t arrival;
	uint32_t envelope_len;
	uint32_t state_len;
	uint32_t prefix_len;
	uint32_t recipient_count;
	uint64_t content_len;
	uint64_t meta_sum;    /* of envelope, state and prefix */
	uint64_t content_sum; /* of content, wherever it lies */
};

uint64_t record_sum(const void *data, size_t len);

/* From the head to the envelope. */
uint64_t record_meta_at(const struct record *record);
/* Envelope, state and prefix together. */
uint64_t record_meta_len(const struct record *record);
/* From the head to the prefix. */
uint64_t record_prefix_at(const struct record *record);
/* Bytes of content in the segment: none of a large message. */
uint64_t record_inline_len(const struct record *record);
/* The whole record; a multiple of RECORD_ALIGN. */
uint64_t record_size(const struct record *record);

/*
 * The head is sealed with the secret number of the segment's life and its own
 * place, so neither a record of an earlier life, nor one that was moved, nor
 * bytes that somebody put into a message can pass for one.
 */
void record_encode(const struct record *record, uint64_t secret, uint64_t at,
    unsigned char out[RECORD_HEAD]);
/* False for anything that is not such a head with sane lengths. */
bool record_decode(const unsigned char in[RECORD_HEAD], uint64_t generation,
    uint64_t secret, uint64_t at, struct record *record);

#endif
