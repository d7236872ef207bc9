/*
 * aside - what could not be read is kept, reported, and out of the way.
 *
 * Job:     copy damaged bytes to corrupt/ and name segment, offset, cause.
 * Called:  by load.c (while scanning) and content.c (when a message is read).
 * Owns:    the names in corrupt/.
 * Never:   deletes; never ends a message whose bytes are not safe in corrupt/.
 *
 * It syncs in place, in the loop's thread: rot is rare, and losing the only
 * copy of it to a crash would be worse than a pause.
 */
#include "spool/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "spool/file.h"
#include "spool/inside.h"
#include "spool/large.h"
#include "spool/settle.h"

enum {
	PIECE = 64 << 10,
	NAME_MAX_LEN = 80
};

static bool
copy_range(struct spool *spool, int from, int to, uint64_t at, uint64_t len)
{
	static char piece[PIECE];
	struct iovec part;
	uint64_t done = 0;
	size_t want;
	ssize_t n;

	while (done < len) {
		want = len - done < PIECE ? (size_t)(len - done) : PIECE;
		n = file_read(spool->disk, from, piece, want, at + done);
		if (n == -1)
			return false;
		if (n == 0)
			break;
		part = (struct iovec){ piece, (size_t)n };
		if (!file_write(spool->disk, to, &part, 1, done,
			&spool->journal.bytes_written))
			return false;
		done += (uint64_t)n;
	}
	return spool->disk->sync(spool->disk->owner, to, false) == 0;
}

static bool
copy_out(struct spool *spool, struct segment *segment, uint64_t at,
    uint64_t len, const char *name)
{
	const struct disk *disk = spool->disk;
	int from = journal_fd(&spool->journal, segment), to, error;
	bool copied;

	if (from == -1)
		return false;
	to = disk->open(disk->owner, spool->corrupt_dir, name,
	    O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (to == -1)
		return false;
	copied = copy_range(spool, from, to, at, len);
	error = errno;
	disk->close(disk->owner, to);
	errno = error;
	return copied &&
	    disk->sync(disk->owner, spool->corrupt_dir, false) == 0;
}

bool
aside_range(struct spool *spool, struct segment *segment, uint64_t at,
    uint64_t len, const char *cause)
{
	char name[NAME_MAX_LEN];

	snprintf(name, sizeof(name), "%06u.%" PRIu64 ".%" PRIu64,
	    segment->number, segment->generation, at);
	if (spool->options.read_only) {
		spool_say(spool, SPOOL_WARNING,
		    "segment %06u offset %" PRIu64 ": %s (%" PRIu64 " bytes)",
		    segment->number, at, cause, len);
		return true;
	}
	if (copy_out(spool, segment, at, len, name)) {
		spool_say(spool, SPOOL_WARNING,
		    "segment %06u offset %" PRIu64 ": %s; %" PRIu64
		    " bytes set aside in corrupt/%s",
		    segment->number, at, cause, len, name);
		return true;
	}
	spool_say(spool, SPOOL_ERROR,
	    "segment %06u offset %" PRIu64
	    ": %s; cannot set it aside (%s), so the segment is kept",
	    segment->number, at, cause, strerror(errno));
	segment->keep = true;
	return false;
}

void
aside_message(struct spool *spool, struct spool_entry *entry, const char *cause)
{
	struct segment *segment = spool_segment(spool, entry);
	char id[SPOOL_ID_LEN + 1], text[128];
	bool safe;

	spool_id_text(entry->id, id);
	snprintf(text, sizeof(text), "message %s: %s", id, cause);
	safe =
	    aside_range(spool, segment, (uint64_t)entry->place * RECORD_ALIGN,
		(uint64_t)entry->size * RECORD_ALIGN, text);
	if (safe && entry->flags & ENTRY_LARGE && !spool->options.read_only) {
		if (large_set_aside(spool, entry->id))
			spool->large_files--;
		else if (errno != ENOENT)
			safe = false;
	}
	if (safe && !spool->options.read_only)
		settle_end(spool, entry->id, segment->generation);
	else
		segment->keep = true;
	spool_drop_entry(spool, entry);
}
