#ifndef BODY_H
#define BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/delivery/downgrade.h"
#include "relayd/delivery/stuff.h"
#include "relayd/net/stream.h"
#include "spool/spool.h"

/*
 * The content of one message on its way out, up to and with the final dot:
 * by sendfile(2) where that pays, else read, dot-stuffed and written.
 */
enum body_verdict {
	BODY_GONE_OUT,   /* everything, the dot too, has been written */
	BODY_WAITING,    /* poll for stream_wants() */
	BODY_MORE,       /* the budget is used up: come again */
	BODY_BROKEN,     /* the connection: stream_error() says why */
	BODY_UNREADABLE, /* the disk does not give it: errno in body.error */
};

struct body {
	struct spool *spool;           /* borrowed */
	const struct content *content; /* borrowed */
	struct downgrade *downgrade;   /* borrowed; NULL: as it is */
	struct stuff stuff;
	uint64_t at;  /* content bytes that were taken */
	size_t piece; /* of the content, for sendfile */
	bool by_file; /* sendfile */
	bool corked;
	bool ended;     /* the final dot is in the buffer, or gone */
	uint64_t moved; /* bytes that the socket took */
	int error;
};

/* downgrade (surveyed) makes 7-bit lines of 8-bit ones, or is NULL. */
void body_begin(struct body *body, struct spool *spool,
    const struct content *content, struct downgrade *downgrade);
/*
 * Sends on, about budget bytes at most.  out is the connection's buffer and
 * was empty when the body began.
 */
enum body_verdict body_send(struct body *body, struct stream *stream,
    struct buf *out, size_t budget);
/*
 * The part of it that needs no socket: appends the next block to out, the
 * final dot behind the last one.  False: unreadable.
 */
bool body_fill(struct body *body, struct buf *out);

#endif
