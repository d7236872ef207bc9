/*
 * domains - the distinct domains of an envelope.
 *
 * Job:     what a queue is built from, without understanding addresses.
 * Called:  by intake.c when a message is committed; by scan.c, load.c and
 *          content.c when only the envelope is there.
 * Owns:    nothing; the caller owns the text.
 * Never:   compares domains other than byte by byte.
 */
#include "spool/domains.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static int
compare(const void *a, const void *b)
{
	return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static char *
join(const struct span *domains, size_t count, size_t *len)
{
	size_t i, at = 0, size = 1;
	char *text;

	for (i = 0; i < count; i++)
		size += domains[i].len + 1;
	text = xcalloc(size, 1);
	for (i = 0; i < count; i++) {
		if (i > 0 && span_equal(domains[i], domains[i - 1]))
			continue;
		if (at > 0)
			at++; /* the NUL between two */
		if (domains[i].len > 0)
			memcpy(text + at, domains[i].data, domains[i].len);
		at += domains[i].len;
	}
	*len = at;
	return text;
}

char *
domains_of(const struct envelope *envelope, size_t *len)
{
	size_t i, count = envelope->recipient_count;
	struct span *domains = xcalloc(count, sizeof(*domains));
	char *text;

	for (i = 0; i < count; i++)
		domains[i] = envelope->recipients[i].domain;
	qsort(domains, count, sizeof(*domains), compare);
	text = join(domains, count, len);
	free(domains);
	return text;
}
