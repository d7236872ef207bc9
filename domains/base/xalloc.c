/*
 * xalloc - memory that is there or the process is not.
 *
 * Job:     allocate, or say that there is no memory and abort.
 * Called:  by everyone.
 * Owns:    nothing.
 * Never:   returns NULL.
 */
#include "base/xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *memory, size_t count, size_t size)
{
	if (memory == NULL) {
		fprintf(stderr, "relayd: out of memory (%zu x %zu bytes)\n",
		    count, size);
		abort();
	}
	return memory;
}

void *
xcalloc(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	return must(calloc(count, size), count, size);
}

void *
xrealloc(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return must(NULL, count, size);
	return must(realloc(old, bytes == 0 ? 1 : bytes), count, size);
}

char *
xstrndup(const char *text, size_t len)
{
	char *copy;

	copy = xrealloc(NULL, len + 1, 1);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}
