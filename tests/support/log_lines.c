/*
 * log_lines - finds lines in a log by the texts that they hold.
 *
 * Job:     count the lines that hold every one of some texts.
 * Called:  by daemon.c for its tests.
 * Owns:    nothing.
 * Never:   cares for the order of keys in a line.
 */
#include "tests/support/log_lines.h"

#include <stdbool.h>
#include <string.h>

#include "base/xalloc.h"

void
log_texts_gather(struct log_texts *wanted, const char *first, va_list args)
{
	const char *text = first;

	wanted->count = 0;
	while (text != NULL) {
		assert(wanted->count < LOG_TEXTS_MAX);
		wanted->texts[wanted->count++] = text;
		text = va_arg(args, const char *);
	}
}

static bool
holds(struct span line, const struct log_texts *wanted)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (line.len == 0 ||
		    memmem(line.data, line.len, wanted->texts[i],
			strlen(wanted->texts[i])) == NULL)
			return false;
	return true;
}

int
log_lines_with(struct span log, const struct log_texts *wanted)
{
	int lines = 0;

	while (log.data != NULL)
		lines += holds(span_cut(&log, '\n'), wanted);
	return lines;
}
