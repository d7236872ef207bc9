#ifndef JOURNAL_H
#define JOURNAL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/segment.h"

/*
 * All segments.  Heads follow each other in the order of their generations,
 * so whatever ends or settles a message lies in the life of the message's
 * record or in a later one.
 */
TAILQ_HEAD(segment_queue, segment);

struct journal {
	const struct disk *disk; /* borrowed */
	int dir;                 /* owned; -1 while not open */
	bool read_only;
	uint64_t segment_size; /* of new ones */
	uint64_t (*random)(void);
	struct segment **slots; /* owned; NULL where one was unlinked */
	size_t slot_count;
	size_t segment_count, free_count, closed_count;
	struct segment *head; /* NULL: the next batch takes a new one */
	struct segment_queue dying;
	uint64_t next_generation;
	uint32_t next_number;
	struct segment *found; /* what journal_find() found last */
	bool look;             /* something may have died, or the head moved */
	size_t open_count;     /* descriptors */
	uint64_t uses;         /* of descriptors */
	uint64_t bytes_written;
};

void journal_init(struct journal *journal, const struct disk *disk,
    uint64_t segment_size, uint64_t (*random)(void));
void journal_clear(struct journal *journal);

void journal_name(uint32_t number, char name[16]);
/* Gives it a slot; the journal owns it from here. */
void journal_adopt(struct journal *journal, struct segment *segment);
/* Closes it and takes it out; it is freed. */
void journal_forget(struct journal *journal, struct segment *segment);
/* The life with this generation, NULL when it is not on the disk any more. */
struct segment *journal_find(struct journal *journal, uint64_t generation);
/* Its descriptor, opened when it is closed; -1 with errno. */
int journal_fd(struct journal *journal, struct segment *segment);
void journal_close_fd(struct journal *journal, struct segment *segment);

/*
 * Closes the head and makes a free segment, or else a new one, the head; NULL
 * with errno when there is none to be had.  A new one is fresh: its sync must
 * be a full one, and the directory's belongs to it.
 */
struct segment *journal_advance(struct journal *journal, uint64_t id_mark);
/* An error: it is read from here, and never written. */
void journal_retire(struct journal *journal, struct segment *segment);

/* The segments of the batch, one a call; *slot is 0 at first. */
struct segment *journal_next_touched(struct journal *journal, size_t *slot);

/* ---- what is still needed in a segment ---- */

void journal_gain(struct segment *segment, uint64_t bytes);
void journal_lose(struct journal *journal, struct segment *segment,
    uint64_t bytes);
/* bytes of results in segment are needed while generation is on the disk. */
void journal_tomb(struct segment *segment, uint64_t generation, uint64_t bytes);
/* generation is not on the disk any more. */
void journal_release(struct journal *journal, uint64_t generation);
/* All results in segment were written again elsewhere. */
void journal_drop_tombs(struct journal *journal, struct segment *segment);

#endif
