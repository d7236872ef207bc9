#ifndef INSIDE_H
#define INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/batch.h"
#include "spool/copier.h"
#include "spool/entry.h"
#include "spool/intake.h"
#include "spool/journal.h"
#include "spool/spool.h"
#include "spool/stray.h"
#include "spool/syncer.h"

/* The spool as its own modules see it. */
struct spool {
	struct spool_options options; /* directory is not kept */
	struct spool_events events;
	const struct disk *disk;                /* borrowed */
	int root, large_dir, corrupt_dir, lock; /* owned; -1 while not open */
	struct journal journal;
	struct entries entries;
	struct syncer *syncer; /* owned; NULL when only looking */
	struct batch batch;
	struct copier copier;
	struct strays strays;
	struct loader *loader; /* owned; NULL once everything is loaded */
	bool hold; /* a recovered tail would not sync: free nothing */
	size_t unsynced_count;    /* recovered tails to be synced first */
	int64_t keeper_failed_at; /* spool_now */

	/* Waiting for the next batch: */
	struct buf results;     /* items of index.h */
	struct buf ended_large; /* IDs whose file goes when those are durable */
	struct intake_list receiving; /* not committed */
	struct intake_list filing; /* committed; their file waits for a sync */
	struct intake_list ready;  /* committed; the next batch takes them */
	bool filing_synced;        /* a job with files of filing is out */
	int large_dir_error;       /* of its sync */
	size_t intake_memory;      /* bytes that intakes hold */

	bool bad;           /* the last batch failed */
	bool bad_full;      /* for want of space */
	bool full;          /* below the floor when it was looked at */
	int64_t bad_at;     /* when it failed, or was tried again; spool_now */
	int64_t looked_at;  /* at the free space; spool_now; 0: never */
	struct buf orphans; /* of orphan.c */
	struct buf lapsed;  /* IDs that could not be read */
	int64_t lapsed_at;  /* when one was added last */
	uint64_t last_id;   /* no ID above this was used */
	size_t large_files;
};

void spool_say(const struct spool *spool, enum spool_level level,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Wall-clock microseconds by the options' clock. */
int64_t spool_now(const struct spool *spool);
/* Has it been so long since then?  A clock that went back counts as yes. */
bool spool_since(const struct spool *spool, int64_t then, int64_t us);
/* The segment that holds an entry's record. */
struct segment *spool_segment(const struct spool *spool,
    const struct spool_entry *entry);

/*
 * The entry's message is not owed any more, or not by this life: takes it
 * out of the table and of its segment's account.
 */
void spool_drop_entry(struct spool *spool, struct spool_entry *entry);

#endif
