#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/intake.h"
#include "spool/writer.h"

/* A record that was copied forward, until the batch is durable. */
struct move {
	uint64_t id;
	struct segment *from; /* borrowed; it lives as long as the batch */
	uint32_t from_place, from_size; /* as in struct spool_entry */
	struct segment *to;
	uint32_t to_size;
};

/* All that was written since the last sync and waits for the next. */
struct batch {
	bool open; /* written; its sync is to come or under way */
	struct writer writer;
	struct intake_list intakes; /* written */
	struct intake_list failed;  /* to be told so */
	struct buf results;     /* items; written again if the batch fails */
	struct buf ended_large; /* IDs whose file goes with the batch */
	struct move *moves;     /* owned */
	size_t move_count, move_size;
	struct segment *emptied; /* borrowed; all of it was copied, or NULL */
	void **scratch;          /* owned; memory that the writer borrows */
	size_t scratch_count, scratch_size;
	int dir_error; /* of the journal directory's sync */
};

struct spool;
struct record;

void batch_init(struct spool *spool);
void batch_clear(struct spool *spool);

/*
 * Writes what is uncommitted to the head and adds its files to the next sync
 * job.  When it fails, those who waited are told.
 */
void batch_write(struct spool *spool);
/* The job has ended: everything of the batch is durable, or nothing is. */
void batch_synced(struct spool *spool);
/* Is there anything that batch_write() would write now? */
bool batch_wanted(struct spool *spool);

/* Memory that is freed when the batch is decided. */
void *batch_scratch(struct spool *spool, size_t len);
void batch_free_scratch(struct batch *batch);
/* For the copier: entry's record is now at the end of segment. */
void batch_moved(struct spool *spool, struct spool_entry *entry,
    struct segment *to, uint64_t at, uint64_t size);

#endif
