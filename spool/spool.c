/*
 * spool - the durable queue as its owner sees it.
 *
 * Job:     open and close a spool; its health, its counts, finding a message.
 * Called:  by main, the receiving and the sending side through spool.h.
 * Owns:    struct spool and the directories.
 * Never:   touches the disk but through struct disk.
 */
#include "spool/spool.h"

#include <sys/random.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/xalloc.h"
#include "spool/inside.h"
#include "spool/load.h"
#include "spool/survey.h"

#define PENDING_MAX ((size_t)1 << 36) /* no ceiling but memory */
#define LOOK_US     1000000           /* at the free space, at most so often */

enum {
	SEGMENT_SIZE = 64 << 20,
	LARGE_FROM = 128 << 10,
	INTAKE_MEMORY = 64 << 20,
	SAID_MAX = 1024,
};

static int64_t
real_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t
real_random(void)
{
	uint64_t number;

	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;
	return number;
}

/* ---- opening ---- */

static void
set_defaults(struct spool_options *options)
{
	if (options->disk == NULL)
		options->disk = &disk_posix;
	if (options->segment_size == 0)
		options->segment_size = SEGMENT_SIZE;
	if (options->segment_size < SEGMENT_SIZE_MIN)
		options->segment_size = SEGMENT_SIZE_MIN;
	options->segment_size &= ~(size_t)(SEGMENT_BLOCK - 1);
	if (options->large_from == 0)
		options->large_from = LARGE_FROM;
	if (options->large_from > options->segment_size / 4)
		options->large_from = options->segment_size / 4;
	if (options->intake_memory == 0)
		options->intake_memory = INTAKE_MEMORY;
	if (options->wall_us == NULL)
		options->wall_us = real_clock;
	if (options->random == NULL)
		options->random = real_random;
}

static struct spool *
make(const struct spool_options *options, const struct spool_events *events)
{
	struct spool *spool = xcalloc(1, sizeof(*spool));

	spool->options = *options;
	set_defaults(&spool->options);
	spool->options.directory = NULL;
	if (events != NULL)
		spool->events = *events;
	spool->disk = spool->options.disk;
	spool->root = spool->large_dir = spool->corrupt_dir = -1;
	spool->lock = -1;
	journal_init(&spool->journal, spool->disk, spool->options.segment_size,
	    spool->options.random);
	spool->journal.read_only = options->read_only;
	entries_init(&spool->entries);
	TAILQ_INIT(&spool->receiving);
	TAILQ_INIT(&spool->filing);
	TAILQ_INIT(&spool->ready);
	buf_init(&spool->results, PENDING_MAX);
	buf_init(&spool->ended_large, PENDING_MAX);
	buf_init(&spool->lapsed, PENDING_MAX);
	buf_init(&spool->orphans, PENDING_MAX);
	batch_init(spool);
	return spool;
}

/* Always false, so that a check is a return. */
static bool
refuse(struct buf *why, const char *verb, const char *name)
{
	buf_addf(why, "cannot %s %s: %s", verb, name, strerror(errno));
	return false;
}

static bool
open_directory(struct spool *spool, int *dir, const char *name, struct buf *why)
{
	const struct disk *disk = spool->disk;

	if (!spool->options.read_only &&
	    disk->mkdir(disk->owner, spool->root, name, 0700) == -1 &&
	    errno != EEXIST)
		return refuse(why, "make directory", name);
	*dir = disk->open(disk->owner, spool->root, name,
	    O_RDONLY | O_DIRECTORY, 0);
	if (*dir == -1)
		return refuse(why, "open directory", name);
	return true;
}

static bool
take_lock(struct spool *spool, struct buf *why)
{
	const struct disk *disk = spool->disk;

	spool->lock = disk->open(disk->owner, spool->root, "lock",
	    O_RDWR | O_CREAT, 0600);
	if (spool->lock == -1)
		return refuse(why, "open", "lock");
	if (disk->lock(disk->owner, spool->lock) == 0)
		return true;
	if (errno != EWOULDBLOCK)
		return refuse(why, "lock", "lock");
	buf_addf(why, "in use by another relayd");
	return false;
}

/*
 * Whatever names the directories have been seen to hold, they are durable
 * from here: a kill -9 may have left some that were not.
 */
static bool
sync_directories(struct spool *spool, struct buf *why)
{
	const int dirs[] = { spool->journal.dir, spool->large_dir,
		spool->corrupt_dir, spool->root };
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (spool->disk->sync(spool->disk->owner, dirs[i], false) == -1)
			return refuse(why, "sync", "its directories");
	return true;
}

/* The first segment of a new spool: a disk that cannot be written shows. */
static bool
make_first(struct spool *spool, struct buf *why)
{
	struct journal *journal = &spool->journal;

	if (spool->options.read_only || journal->segment_count > 0)
		return true;
	if (journal_advance(journal, spool->last_id) == NULL)
		return refuse(why, "make", "the first segment");
	return true;
}

static bool
open_all(struct spool *spool, const char *directory, struct buf *why)
{
	const struct disk *disk = spool->disk;

	spool->root = disk->open(disk->owner, AT_FDCWD, directory,
	    O_RDONLY | O_DIRECTORY, 0);
	if (spool->root == -1)
		return refuse(why, "open", "the directory");
	if (!spool->options.read_only && !take_lock(spool, why))
		return false;
	if (!open_directory(spool, &spool->journal.dir, "journal", why) ||
	    !open_directory(spool, &spool->large_dir, "large", why) ||
	    !open_directory(spool, &spool->corrupt_dir, "corrupt", why))
		return false;
	if (!survey_journal(spool, why))
		return false;
	if (spool->options.read_only)
		return true;
	spool->syncer = syncer_new(disk, !spool->options.no_thread, why);
	return spool->syncer != NULL && make_first(spool, why) &&
	    sync_directories(spool, why);
}

struct spool *
spool_open(const struct spool_options *options,
    const struct spool_events *events, struct buf *why)
{
	struct spool *spool = make(options, events);
	struct buf reason;

	buf_init(&reason, SAID_MAX);
	if (open_all(spool, options->directory, &reason)) {
		load_init(spool);
		return spool;
	}
	buf_addf(why, "spool %s: %s", options->directory, buf_text(&reason));
	buf_clear(&reason);
	spool_close(spool);
	return NULL;
}

/* ---- closing ---- */

/* Results that were waiting, so that an orderly stop repeats nothing. */
static void
write_last_results(struct spool *spool)
{
	if (spool->syncer == NULL)
		return;
	spool->events = (struct spool_events){ 0 };
	if (syncer_busy(spool->syncer))
		return;
	spool->bad_at = 0; /* a bad disk gets its last chance now */
	batch_write(spool);
	syncer_hand(spool->syncer);
}

static void
drop_intakes(struct spool *spool, struct intake_list *list, bool remove_file)
{
	struct intake *intake;

	while ((intake = TAILQ_FIRST(list)) != NULL) {
		intake->done = NULL;
		intake_fail(spool, intake, remove_file);
	}
}

static void
close_fd(const struct spool *spool, int fd)
{
	if (fd != -1)
		spool->disk->close(spool->disk->owner, fd);
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	drop_intakes(spool, &spool->receiving, true);
	drop_intakes(spool, &spool->ready, true);
	write_last_results(spool);
	syncer_free(spool->syncer);
	drop_intakes(spool, &spool->filing, true);
	drop_intakes(spool, &spool->batch.intakes, false);
	drop_intakes(spool, &spool->batch.failed, false);
	load_clear(spool);
	batch_clear(spool);
	copier_clear(spool);
	strays_clear(&spool->strays);
	entries_clear(&spool->entries);
	journal_clear(&spool->journal);
	buf_clear(&spool->results);
	buf_clear(&spool->ended_large);
	buf_clear(&spool->lapsed);
	buf_clear(&spool->orphans);
	close_fd(spool, spool->large_dir);
	close_fd(spool, spool->corrupt_dir);
	close_fd(spool, spool->lock);
	close_fd(spool, spool->root);
	free(spool);
}

/* ---- health ---- */

static void
look_at_space(struct spool *spool)
{
	uint64_t bytes, inodes;
	bool full;

	if (!spool_since(spool, spool->looked_at, LOOK_US))
		return;
	spool->looked_at = spool_now(spool);
	if (spool->disk->space(spool->disk->owner, spool->root, &bytes,
		&inodes) == -1)
		return;
	full = bytes < spool->options.minimum_free ||
	    inodes < spool->options.minimum_inodes;
	if (full != spool->full)
		spool_say(spool, full ? SPOOL_WARNING : SPOOL_NOTE,
		    "%llu bytes and %llu inodes are free: %s",
		    (unsigned long long)bytes, (unsigned long long)inodes,
		    full ? "new mail is refused until there is more" :
			   "new mail is taken again");
	spool->full = full;
}

enum spool_health
spool_health(struct spool *spool)
{
	look_at_space(spool);
	if (spool->bad)
		return spool->bad_full ? SPOOL_FULL : SPOOL_BAD;
	return spool->full ? SPOOL_FULL : SPOOL_FINE;
}

/* ---- looking ---- */

void
spool_count(const struct spool *spool, struct spool_counts *counts)
{
	*counts = (struct spool_counts){
		.messages = spool->entries.count,
		.segments = spool->journal.segment_count,
		.segments_free = spool->journal.free_count,
		.large_files = spool->large_files,
		.memory = entries_memory(&spool->entries),
		.bytes_written = spool->journal.bytes_written,
		.syncs =
		    spool->syncer == NULL ? 0 : syncer_count(spool->syncer),
	};
}

struct spool_entry *
spool_find(struct spool *spool, uint64_t id)
{
	struct spool_entry *entry = entries_find(&spool->entries, id);

	return entry == NULL || entry->flags & ENTRY_LAPSED ? NULL : entry;
}

uint64_t
spool_entry_id(const struct spool_entry *entry)
{
	return entry->id;
}

int64_t
spool_entry_arrival(const struct spool_entry *entry)
{
	return entry->arrival;
}

uint16_t
spool_entry_flow(const struct spool_entry *entry)
{
	return entry->flow;
}

void **
spool_entry_slot(struct spool_entry *entry)
{
	return &entry->slot;
}

/* ---- for the modules ---- */

void
spool_say(const struct spool *spool, enum spool_level level, const char *format,
    ...)
{
	struct buf text;
	va_list args;

	if (spool->events.said == NULL)
		return;
	buf_init(&text, SAID_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	spool->events.said(spool->events.owner, level, buf_text(&text));
	buf_clear(&text);
}

int64_t
spool_now(const struct spool *spool)
{
	return spool->options.wall_us();
}

bool
spool_since(const struct spool *spool, int64_t then, int64_t us)
{
	int64_t now = spool_now(spool);

	return now < then || now - then >= us;
}

struct segment *
spool_segment(const struct spool *spool, const struct spool_entry *entry)
{
	return spool->journal.slots[entry->segment];
}

void
spool_drop_entry(struct spool *spool, struct spool_entry *entry)
{
	journal_lose(&spool->journal, spool_segment(spool, entry),
	    (uint64_t)entry->size * RECORD_ALIGN);
	entries_remove(&spool->entries, entry);
}
