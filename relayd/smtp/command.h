#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * Command lines out of a stream of bytes.  Pure, and it can stop anywhere.
 *
 * RFC 5321 4.5.3.1.4 allows 512 octets, plus what each extension adds (SIZE,
 * ENVID, ORCPT, ...); 4096 has room for all of them together.
 */
enum {
	COMMAND_MAX = 4096,
	/* The rest of an over-long line is skipped, but not for ever. */
	COMMAND_SKIP_MAX = 256 << 10,
};

struct command {
	bool accept_bare_lf; /* a listener's option */
	bool tainted;        /* the line began behind a bare LF, private */
	bool skipping;       /* inside an over-long line, private */
	size_t skipped;      /* bytes of it, private */
};

enum command_verdict {
	COMMAND_LINE,    /* *line is a command */
	COMMAND_MORE,    /* no whole line yet; *used bytes may go */
	COMMAND_BARE_LF, /* the line ended in LF alone, or began behind one */
	COMMAND_CONTROL, /* it holds a NUL or another control character */
	COMMAND_LONG,    /* it is over-long; said once, the rest is skipped */
	COMMAND_ENDLESS, /* ... and does not end: hang up */
};

void command_init(struct command *command, bool accept_bare_lf);

/*
 * Looks for the next line in `in`.  *used bytes of it are dealt with in any
 * case and may be dropped once *line (borrowed from in, no line end) is.
 * *bare_lf is set when the line ended in LF alone and was served all the same.
 */
enum command_verdict command_next(struct command *command, struct span in,
    struct span *line, size_t *used, bool *bare_lf);

/* Cuts a line into its verb and the rest, blanks at both ends taken off. */
void command_split(struct span line, struct span *verb, struct span *args);

#endif
