#ifndef LOAD_H
#define LOAD_H

#include <stdint.h>

struct spool;

/* What an earlier life left: read by spool_load(), segment by segment. */
void load_init(struct spool *spool);
void load_clear(struct spool *spool);
/* A message ended while others were loaded: its older copies have too. */
void load_note_end(struct spool *spool, uint64_t id, uint64_t generation);

#endif
