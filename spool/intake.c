/*
 * intake - a message that is being received.
 *
 * Job:     gather content in memory, or in a file when it is large or memory
 *          is short; make of it, at the commit, all that its record needs.
 * Called:  by the receiving side through spool.h; by batch.c and turn.c.
 * Owns:    struct intake, its memory and its open file.
 * Never:   calls done() from within intake_commit(), and never lets a record
 *          be written before the large file it names is durable.
 */
#include "spool/intake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/xalloc.h"
#include "spool/domains.h"
#include "spool/file.h"
#include "spool/flow.h"
#include "spool/index.h"
#include "spool/inside.h"
#include "spool/large.h"

enum {
	MEMORY_FIRST = 4096,
	FILE_BUFFER = 64 << 10, /* gathered before it goes to the file */
};

static uint64_t
next_id(struct spool *spool)
{
	uint64_t now = (uint64_t)spool_now(spool);

	spool->last_id = now > spool->last_id ? now : spool->last_id + 1;
	return spool->last_id;
}

struct intake *
spool_begin(struct spool *spool)
{
	struct intake *intake;

	if (spool->options.read_only || spool_health(spool) != SPOOL_FINE)
		return NULL;
	intake = xcalloc(1, sizeof(*intake));
	intake->spool = spool;
	intake->id = next_id(spool);
	intake->fd = -1;
	intake->list = &spool->receiving;
	TAILQ_INSERT_TAIL(intake->list, intake, link);
	return intake;
}

uint64_t
intake_id(const struct intake *intake)
{
	return intake->id;
}

uint64_t
intake_size(const struct intake *intake)
{
	return intake->content_len;
}

void
intake_move(struct intake *intake, struct intake_list *list)
{
	TAILQ_REMOVE(intake->list, intake, link);
	intake->list = list;
	TAILQ_INSERT_TAIL(list, intake, link);
}

void
intake_release(struct spool *spool, struct intake *intake)
{
	spool->intake_memory -= intake->size;
	free(intake->memory);
	intake->memory = NULL;
	intake->len = intake->size = 0;
}

void
intake_free(struct spool *spool, struct intake *intake)
{
	TAILQ_REMOVE(intake->list, intake, link);
	intake_release(spool, intake);
	if (intake->fd != -1)
		spool->disk->close(spool->disk->owner, intake->fd);
	XXH3_freeState(intake->sum);
	free(intake->meta);
	free(intake->domains);
	free(intake);
}

void
intake_fail(struct spool *spool, struct intake *intake, bool remove_file)
{
	void (*done)(void *owner, enum commit_result result) = intake->done;
	void *owner = intake->owner;

	if (intake->fd != -1 && remove_file) {
		large_unlink(spool, intake->id);
		spool->large_files--;
	}
	intake_free(spool, intake);
	if (done != NULL)
		done(owner, COMMIT_FAILED);
}

/* The disk failed: says what, once. */
static bool
fail(struct intake *intake, const char *verb)
{
	char id[SPOOL_ID_LEN + 1];
	int error = errno;

	spool_id_text(intake->id, id);
	spool_say(intake->spool, SPOOL_ERROR, "cannot %s large/%s: %s", verb,
	    id, strerror(error));
	intake->failed = true;
	return false;
}

/* ---- content ---- */

/* Room in memory for extra bytes; false: they must go to the file. */
static bool
make_room(struct intake *intake, size_t extra, size_t most)
{
	struct spool *spool = intake->spool;
	size_t size = intake->size == 0 ? MEMORY_FIRST : intake->size;

	if (extra > most || intake->len > most - extra)
		return false;
	while (size < intake->len + extra)
		size *= 2;
	if (size > most)
		size = most;
	if (size <= intake->size)
		return true;
	if (size - intake->size >
	    spool->options.intake_memory - spool->intake_memory)
		return false;
	spool->intake_memory += size - intake->size;
	intake->memory = xrealloc(intake->memory, size, 1);
	intake->size = size;
	return true;
}

static void
keep_in_memory(struct intake *intake, struct span content)
{
	memcpy(intake->memory + intake->len, content.data, content.len);
	intake->len += content.len;
}

/* Writes what is gathered, then more, to the file. */
static bool
write_file(struct intake *intake, struct span more)
{
	struct iovec parts[] = {
		{ intake->memory, intake->len },
		{ (void *)(uintptr_t)more.data, more.len },
	};
	struct spool *spool = intake->spool;
	uint64_t at = intake->filed;

	if (!file_write(spool->disk, intake->fd, parts, 2, at,
		&spool->journal.bytes_written))
		return fail(intake, "write");
	intake->filed += intake->len + more.len;
	intake->len = 0;
	return true;
}

/* From memory to a file of its own. */
static bool
spill(struct intake *intake)
{
	struct spool *spool = intake->spool;

	intake->fd = large_create(spool, intake->id);
	if (intake->fd == -1)
		return fail(intake, "create");
	spool->large_files++;
	intake->sum = XXH3_createState();
	assert(intake->sum != NULL);
	XXH3_64bits_reset(intake->sum);
	XXH3_64bits_update(intake->sum, intake->memory, intake->len);
	if (!write_file(intake, span_make(NULL, 0)))
		return false;
	intake_release(spool, intake);
	return true;
}

bool
intake_add(struct intake *intake, struct span content)
{
	if (intake->failed)
		return false;
	if (content.len == 0)
		return true;
	intake->content_len += content.len;
	if (intake->fd == -1) {
		if (make_room(intake, content.len,
			intake->spool->options.large_from)) {
			keep_in_memory(intake, content);
			return true;
		}
		if (!spill(intake))
			return false;
	}
	XXH3_64bits_update(intake->sum, content.data, content.len);
	if (make_room(intake, content.len, FILE_BUFFER)) {
		keep_in_memory(intake, content);
		return true;
	}
	return write_file(intake, content);
}

/* ---- commit ---- */

/* Everything of the record but the content; its head is filled in later. */
static bool
make_meta(struct intake *intake, const struct envelope *envelope,
    struct span prefix)
{
	struct record *record = &intake->record;
	struct buf bytes;
	size_t at;

	buf_init(&bytes, ENVELOPE_MAX);
	envelope_encode(envelope, &bytes);
	if (bytes.full || prefix.len > RECORD_PREFIX_MAX) {
		buf_clear(&bytes);
		return false;
	}
	record->envelope_len = (uint32_t)bytes.len;
	record->prefix_len = (uint32_t)prefix.len;
	at = record_meta_at(record);
	intake->meta_len = at + bytes.len + prefix.len;
	intake->meta = xcalloc(intake->meta_len, 1);
	memcpy(intake->meta + at, bytes.data, bytes.len);
	if (prefix.len > 0)
		memcpy(intake->meta + at + bytes.len, prefix.data, prefix.len);
	record->meta_sum =
	    record_sum(intake->meta + at, bytes.len + prefix.len);
	buf_clear(&bytes);
	return true;
}

static bool
fits_a_segment(const struct intake *intake)
{
	uint64_t room = intake->spool->journal.segment_size - SEGMENT_RECORDS -
	    SEGMENT_FOOTER;

	/* With the longest item that it can have in the index. */
	return record_size(&intake->record) + 64 + INDEX_DOMAINS_MAX <= room;
}

static bool
prepare(struct intake *intake, const struct envelope *envelope,
    struct span prefix, bool has_dot_lines)
{
	struct record *record = &intake->record;

	if (intake->failed || envelope->recipient_count == 0)
		return false;
	if (intake->fd != -1 && intake->len > 0 &&
	    !write_file(intake, span_make(NULL, 0)))
		return false;
	*record = (struct record){
		.kind = RECORD_MESSAGE,
		.id = intake->id,
		.arrival = envelope->arrival,
		.recipient_count = (uint32_t)envelope->recipient_count,
		.content_len = intake->content_len,
	};
	if (has_dot_lines)
		record->flags |= RECORD_DOTS;
	if (intake->fd != -1)
		record->flags |= RECORD_LARGE;
	record->content_sum = intake->fd != -1 ?
	    XXH3_64bits_digest(intake->sum) :
	    record_sum(intake->memory, intake->len);
	if (!make_meta(intake, envelope, prefix))
		return false;
	intake->domains = domains_of(envelope, &intake->domains_len);
	intake->flow = flow_of(envelope);
	return fits_a_segment(intake);
}

void
intake_commit(struct intake *intake, const struct envelope *envelope,
    struct span prefix, bool has_dot_lines,
    void (*done)(void *owner, enum commit_result result), void *owner)
{
	struct spool *spool = intake->spool;

	intake->done = done;
	intake->owner = owner;
	if (!prepare(intake, envelope, prefix, has_dot_lines))
		intake->failed = true;
	if (intake->fd != -1)
		intake_release(spool, intake);
	intake_move(intake,
	    intake->fd != -1 && !intake->failed ? &spool->filing :
						  &spool->ready);
}

static void
forget_in(struct intake_list *list, void *owner)
{
	struct intake *intake;

	TAILQ_FOREACH(intake, list, link)
		if (intake->owner == owner)
			intake->done = NULL;
}

void
intake_forget(struct spool *spool, void *owner)
{
	forget_in(&spool->filing, owner);
	forget_in(&spool->ready, owner);
	forget_in(&spool->batch.intakes, owner);
	forget_in(&spool->batch.failed, owner);
}

void
intake_cancel(struct intake *intake)
{
	intake->done = NULL;
	intake_fail(intake->spool, intake, true);
}

/* ---- the files of large messages ---- */

void
intake_sync_files(struct spool *spool)
{
	struct intake *intake;

	if (TAILQ_EMPTY(&spool->filing))
		return;
	TAILQ_FOREACH(intake, &spool->filing, link)
		syncer_add(spool->syncer, intake->fd, false,
		    &intake->file_error);
	syncer_add(spool->syncer, spool->large_dir, false,
	    &spool->large_dir_error);
	spool->filing_synced = true;
}

void
intake_files_synced(struct spool *spool)
{
	struct intake *intake, *next;

	if (!spool->filing_synced)
		return;
	spool->filing_synced = false;
	for (intake = TAILQ_FIRST(&spool->filing); intake != NULL;
	     intake = next) {
		next = TAILQ_NEXT(intake, link);
		errno = intake->file_error != 0 ? intake->file_error :
						  spool->large_dir_error;
		if (errno != 0)
			fail(intake, "sync");
		intake_move(intake, &spool->ready);
	}
}
