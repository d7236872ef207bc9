#ifndef COMPLAINTS_H
#define COMPLAINTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Everything that is wrong with a file, a line each:
 *     file:line:column: what was found; what was expected
 * All errors of a file are told, not only the first; beyond COMPLAINTS_TOLD
 * they are counted, and the last line says how many were left out.
 */
enum {
	COMPLAINTS_TOLD = 200
};

struct complaints {
	struct buf
	    text;      /* the lines, each ending in \n; peers' bytes escaped */
	size_t errors; /* how many there were, told or not */
	size_t warnings;
	size_t told; /* private: bytes of text that are complaints */
};

void complaints_init(struct complaints *complaints);
void complaints_clear(struct complaints *complaints);

/*
 * Adds one error.  line and column count from 1; 0 leaves them out.  Always
 * false, so that a check is a `return complain(...)`.
 */
bool complain(struct complaints *complaints, const char *file, size_t line,
    size_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The same for something that is allowed but probably not meant ("warning: "). */
void complain_softly(struct complaints *complaints, const char *file,
    size_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/*
 * The text as a C string, with the "and N more" line where some were left out.
 * Valid until the next complaint.
 */
const char *complaints_text(struct complaints *complaints);

#endif
