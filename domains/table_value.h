#ifndef TABLE_VALUE_H
#define TABLE_VALUE_H

#include "base/buf.h"
#include "base/span.h"

/* Writes key=value as a table has it: in quotes where it needs them. */
void table_value_add(struct buf *out, const char *key, struct span value);

#endif
