/*
 * stray - copies of a record beside the one that counts.
 *
 * Job:     remember where else a message's record lies.
 * Called:  by copier.c, batch.c, load.c (adding), settle.c (asking),
 *          keeper.c (releasing).
 * Owns:    the list; it is short, for it holds what a copier has just moved.
 * Never:   looks at the disk.
 */
#include "spool/stray.h"

#include <stdlib.h>

#include "base/xalloc.h"

void
strays_clear(struct strays *strays)
{
	free(strays->rows);
	*strays = (struct strays){ 0 };
}

void
strays_add(struct strays *strays, uint64_t id, uint64_t generation)
{
	if (strays->count == strays->size) {
		strays->size = strays->size == 0 ? 64 : 2 * strays->size;
		strays->rows =
		    xrealloc(strays->rows, strays->size, sizeof(*strays->rows));
	}
	strays->rows[strays->count++] = (struct stray){ id, generation };
}

uint64_t
strays_next(const struct strays *strays, uint64_t id, size_t *place)
{
	while (*place < strays->count) {
		const struct stray *stray = &strays->rows[(*place)++];

		if (stray->id == id)
			return stray->generation;
	}
	return 0;
}

void
strays_release(struct strays *strays, uint64_t generation)
{
	size_t i, kept = 0;

	for (i = 0; i < strays->count; i++)
		if (strays->rows[i].generation != generation)
			strays->rows[kept++] = strays->rows[i];
	strays->count = kept;
}
