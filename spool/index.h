#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Items: one for each thing that a segment holds.  The index at the end of a
 * sealed segment is a row of them, enough to queue its messages without
 * reading them; a results record is a row of result items.
 */
enum index_kind {
	INDEX_MESSAGE = 1,
	INDEX_RESULT = 2,
};

enum {
	INDEX_RESULT_LEN = 24,   /* of a result without marks */
	INDEX_MARKS_MAX = 1024,  /* in one result */
	INDEX_DOMAINS_MAX = 512, /* longer ones are read from the record */
	INDEX_STATE_MAX = 256,
};

struct index_message {
	uint64_t id;
	int64_t arrival;
	uint64_t at;   /* of its record, in the segment */
	uint64_t size; /* of its record */
	uint32_t recipient_count;
	uint16_t flow;  /* of flow.h */
	unsigned flags; /* enum record_flag */
	/* state or domains were too long: read the record for both */
	bool abridged;
	struct span state;   /* borrowed; bitmap of settled recipients */
	struct span domains; /* borrowed; separated by NUL */
};

/* Recipients were settled (marks: number << 1 | failed), or all were (end). */
struct index_result {
	uint64_t id;
	uint64_t
	    generation; /* of the message's record: needed while it lives */
	bool end;
	uint32_t mark_count;
	struct span marks; /* borrowed; 4 bytes each: index_mark() */
};

struct index_item {
	enum index_kind kind;
	struct span bytes; /* borrowed; the item itself, to be copied */
	struct index_message message;
	struct index_result result;
};

/* What index_add_message() will append. */
size_t index_message_len(const struct index_message *message);
void index_add_message(struct buf *out, const struct index_message *message);
void index_add_end(struct buf *out, uint64_t id, uint64_t generation);
/* At most INDEX_MARKS_MAX marks. */
void index_add_marks(struct buf *out, uint64_t id, uint64_t generation,
    const uint32_t *marks, size_t count);

/*
 * Cuts the next item off *items.  False at the end, and for anything that is
 * not an item: then *items is not empty.
 */
bool index_next(struct span *items, struct index_item *item);
uint32_t index_mark(const struct index_result *result, size_t number);

#endif
