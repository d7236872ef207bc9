#ifndef LOG_LINES_H
#define LOG_LINES_H

#include <stdarg.h>
#include <stddef.h>

#include "base/span.h"

/* Looking for log lines that hold several texts, in any order. */
enum {
	LOG_TEXTS_MAX = 8
};

struct log_texts {
	size_t count;
	const char *texts[LOG_TEXTS_MAX]; /* borrowed */
};

/* Takes first and what follows in args up to a NULL. */
void log_texts_gather(struct log_texts *wanted, const char *first,
    va_list args);
/* How many lines of log hold all of them. */
int log_lines_with(struct span log, const struct log_texts *wanted);

#endif
