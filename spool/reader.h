#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/record.h"
#include "spool/spool.h"

struct segment;

enum read_result {
	READ_WELL,
	READ_ROTTEN, /* it is not what was written */
	READ_LATER,  /* errno: not now */
};

/*
 * The record of a message at a place that is known: head checked, and that it
 * is this message's.  meta (may be NULL) gets envelope, state and prefix, and
 * their checksum is verified.
 */
enum read_result reader_message(struct spool *spool, struct segment *segment,
    uint64_t at, uint64_t id, struct record *record, struct buf *meta);
/* Verifies the checksum of len bytes of fd from at. */
enum read_result reader_verify(struct spool *spool, int fd, uint64_t at,
    uint64_t len, uint64_t sum);

#endif
