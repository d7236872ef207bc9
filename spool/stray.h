#ifndef STRAY_H
#define STRAY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies of a message's record beside the one that counts: the place it was
 * copied from, until that life is gone from the disk; a copy in a batch that
 * failed.  The message's end must be kept as long as any of them.
 */
struct stray {
	uint64_t id;
	uint64_t generation;
};

struct strays {
	struct stray *rows; /* owned */
	size_t count, size;
};

void strays_clear(struct strays *strays);
void strays_add(struct strays *strays, uint64_t id, uint64_t generation);
/* The next generation that holds a copy of id; *place is 0 at first; 0: none. */
uint64_t strays_next(const struct strays *strays, uint64_t id, size_t *place);
/* That life is gone from the disk. */
void strays_release(struct strays *strays, uint64_t generation);

#endif
