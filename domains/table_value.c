/*
 * table_value - options as table_reader.c reads them, written.
 *
 * Job:     put quotes and backslashes where a value needs them.
 * Called:  by grant.c, hosted.c and whoever proposes or adds a line.
 * Owns:    nothing.
 * Never:   writes what would be read as something else.
 */
#include "domains/table_value.h"

static bool
needs_quotes(struct span value)
{
	size_t i;

	for (i = 0; i < value.len; i++)
		if (value.data[i] == ' ' || value.data[i] == '\t' ||
		    value.data[i] == '"' || value.data[i] == '\\' ||
		    value.data[i] == '#')
			return true;
	return value.len == 0;
}

void
table_value_add(struct buf *out, const char *key, struct span value)
{
	size_t i;

	buf_addf(out, "%s=", key);
	if (!needs_quotes(value)) {
		buf_add(out, value);
		return;
	}
	buf_add_byte(out, '"');
	for (i = 0; i < value.len; i++) {
		if (value.data[i] == '"' || value.data[i] == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, value.data[i]);
	}
	buf_add_byte(out, '"');
}
