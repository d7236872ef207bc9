#ifndef ODD_STREAMS_H
#define ODD_STREAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * What clients say after the banner: valid, odd and hostile, of several kinds,
 * the same for the same number.  Every sender is sNmM@client.example, N the
 * number of the stream; every message begins with a field X-Mark.
 */
enum odd_kind {
	ODD_PLAIN,      /* transactions as the RFC has them */
	ODD_ORDER,      /* commands in any order */
	ODD_DEVICE,     /* paths and cases as devices have them */
	ODD_BDAT,       /* chunks cut anywhere */
	ODD_BODY,       /* NUL, 8-bit, long lines */
	ODD_CUT,        /* the end in the midst of it */
	ODD_PATHS,      /* recipients that are somebody else */
	ODD_LF_DATA,    /* lines of data that end in LF, and false ends */
	ODD_CR_DATA,    /* ... in CR */
	ODD_BREAK_BDAT, /* both, in chunks */
	ODD_LF_COMMAND, /* commands that end in LF */
	ODD_CONTROL,    /* control characters in commands */
	ODD_KINDS
};

/* clean: without the lines that the last two kinds are about. */
void odd_stream(enum odd_kind kind, unsigned number, bool clean,
    struct buf *out);

#endif
