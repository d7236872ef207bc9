#ifndef TABLE_EDIT_H
#define TABLE_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * One change to the text of an allowlist.  Every other byte of it, comments and
 * order and line ends, stays as it is.
 */

/*
 * Writes text with one more line to out: behind the last line of the same
 * subject, else at the end.  line is whole but for its line end.
 */
void table_edit_add(struct span text, struct span line, struct buf *out);

/*
 * Writes text without the lines that speak of subject ("192.0.2.17",
 * "192.0.2.0/28", "!192.0.2.9", a name; however it is spelled).  How many they
 * were.
 */
size_t table_edit_remove(struct span text, struct span subject,
    struct buf *out);

#endif
