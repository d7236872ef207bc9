#ifndef FOLD_H
#define FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Text of others in the lines of a message: no byte of it can end a line or
 * begin a field, and no line passes what RFC 5322 2.1.1 allows.
 */
enum fold_bytes {
	FOLD_ASCII, /* everything else becomes \xNN */
	FOLD_UTF8,  /* well-formed UTF-8 stays */
};

/*
 * Appends "name: value" and CRLF, folded at blanks beyond 78 columns (a word
 * of more than 900 bytes is broken).
 */
void fold_field(struct buf *out, const char *name, struct span value,
    enum fold_bytes bytes);
/*
 * Appends text as lines of at most about 76 columns, each indented, CRLF at
 * their ends.
 */
void fold_paragraph(struct buf *out, size_t indent, struct span text);
/* The same of a format, of which at most 8192 bytes are kept. */
void fold_say(struct buf *out, size_t indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
