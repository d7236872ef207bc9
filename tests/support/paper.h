#ifndef PAPER_H
#define PAPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "spool/spool.h"

/*
 * Content as the spool hands it out, made of any bytes: what the client
 * reads, without a message in a queue.
 */
struct paper {
	struct spool *spool; /* owned */
	char directory[64];
	struct content content;
	int fds[2]; /* owned */
};

/* Opens an empty spool in a directory of its own. */
void paper_open(struct paper *paper);
/* The bytes, cut into two pieces at cut (0 or all of it: one piece). */
void paper_write(struct paper *paper, struct span bytes, size_t cut);
void paper_close(struct paper *paper);

#endif
