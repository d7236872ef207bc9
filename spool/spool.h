#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "disk.h"
#include "envelope.h"

/*
 * What we owe: a durable queue.  It knows messages by ID, recipients by
 * number, and nothing of SMTP.  All calls come from one thread, the loop's.
 *
 *   intake    spool_begin, intake_add ..., intake_commit   a message comes in
 *   commit    spool_turn once a turn; spool_synced when spool_fd is readable
 *   delivery  spool_read, content_open/close, spool_settle a message goes out
 */
struct spool;
struct intake; /* a message that is being received; not durable yet */
struct
    spool_entry; /* a message that we owe; valid until its last recipient is settled */

enum spool_level {
	SPOOL_NOTE,
	SPOOL_WARNING,
	SPOOL_ERROR
};

/* How the spool speaks upward.  Any member but owner may be NULL. */
struct spool_events {
	void *owner;
	/*
	 * We owe this message: just committed (its intake's done() ran before)
	 * or found while loading.  domains: the distinct domains of its
	 * recipients, separated by NUL bytes; borrowed for the call.
	 */
	void (*waiting)(void *owner, struct spool_entry *entry,
	    struct span domains);
	void (*loaded)(void *owner); /* all of an earlier life has been told */
	/* Something for the operator: names segment, offset, cause, errno text. */
	void (*said)(void *owner, enum spool_level level, const char *text);
};

struct spool_options {
	const char *directory;
	const struct disk *disk; /* borrowed; NULL: disk_posix */
	uint64_t minimum_free; /* bytes; below: spool_health says SPOOL_FULL */
	uint64_t minimum_inodes;
	size_t segment_size;  /* bytes; 0: 64 MiB; tests take less */
	size_t large_from;    /* bytes of content; 0: 128 KiB */
	size_t intake_memory; /* ceiling over all intakes; 0: 64 MiB */
	bool no_thread;       /* sync inside spool_turn: for tests and tools */
	bool read_only;       /* look, never write: relayctl --spool */
	bool verify; /* load by reading every record, not by the indexes */
	int64_t (*wall_us)(
	    void); /* wall-clock microseconds; NULL: the real clock */
	uint64_t (*random)(void); /* 64 bits; NULL: getrandom(2) */
};

/*
 * Opens and locks; makes directories and the first segment where missing.
 * Loads nothing yet.  NULL with the reason (directory, verb, errno) in why;
 * "in use" when another relayd serves it.
 */
struct spool *spool_open(const struct spool_options *options,
    const struct spool_events *events, struct buf *why);
/* Stops the sync thread, waits for the sync under way, closes.  Messages in intake are dropped. */
void spool_close(struct spool *spool);

/*
 * Reads on in what an earlier life left, at most about budget messages, and
 * tells each by waiting().  True when there is more to load.  Call it each
 * turn until false; messages are accepted meanwhile.
 */
bool spool_load(struct spool *spool, size_t budget);

enum spool_health {
	SPOOL_FINE,
	SPOOL_FULL, /* below minimum_free: refuse new mail with 452 4.3.1 */
	SPOOL_BAD, /* the disk refuses: refuse with 451 4.3.0; retried by itself */
};
/* Cheap; free space is looked at no more than once a second. */
enum spool_health spool_health(struct spool *spool);

/* ---- intake ---- */

enum commit_result {
	COMMITTED,     /* on disk: from here the message is ours */
	COMMIT_FAILED, /* not, and it will not be delivered: say 451 */
};

/* Begins a message; its ID is known at once.  NULL when the spool is full or bad. */
struct intake *spool_begin(struct spool *spool);
uint64_t intake_id(const struct intake *intake);
/*
 * Appends content bytes (CRLF line ends, dots unstuffed).  False: the disk
 * failed; cancel it and read the rest of the message without keeping it.
 */
bool intake_add(struct intake *intake, struct span content);
uint64_t intake_size(const struct intake *intake);
/*
 * The message is whole: prefix (header lines that stand above the content)
 * and envelope are copied or written before this returns.  has_dot_lines: some line of prefix or
 * content begins with a dot.  done() runs later, from spool_synced() or spool_turn(), never
 * from within this call.  The intake belongs to the spool from here.
 */
void intake_commit(struct intake *intake, const struct envelope *envelope,
    struct span prefix, bool has_dot_lines,
    void (*done)(void *owner, enum commit_result result), void *owner);
/* The owner went away: the commit goes on, done() will not be called. */
void intake_forget(struct spool *spool, void *owner);
/* Drops a message that was not committed. */
void intake_cancel(struct intake *intake);

/* ---- commit ---- */

/* Once a turn: if no sync runs and something is uncommitted, hand it over. */
void spool_turn(struct spool *spool);
/* A descriptor that is readable when a sync has ended; -1 with no_thread. */
int spool_fd(const struct spool *spool);
/* The sync has ended: runs the done() and waiting() of its batch. */
void spool_synced(struct spool *spool);
/* True while something waits for a sync or to be handed to one. */
bool spool_busy(const struct spool *spool);

/* ---- delivery ---- */

uint64_t spool_entry_id(const struct spool_entry *entry);
/* Wall-clock seconds at which it was accepted. */
int64_t spool_entry_arrival(const struct spool_entry *entry);
/* Whose mail it is: equal for all of one client (high byte) and sender (low). */
uint16_t spool_entry_flow(const struct spool_entry *entry);
/* A word for the queue's own use, 0 at first, kept with the entry (its pointer to the message's state). */
void **spool_entry_slot(struct spool_entry *entry);

/*
 * Reads the envelope into bytes (which must outlive it) and decodes it.
 * False: the entry is gone, and why was said.  Either what lies on the disk is
 * not what was written, and the message was set aside in corrupt/; or it could
 * not be read just now (EIO, EMFILE), and waiting() tells it again later.
 */
bool spool_read(struct spool *spool, struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope);
/* Has this recipient been settled (delivered or failed) already? */
bool spool_settled(struct spool *spool, const struct spool_entry *entry,
    size_t recipient);

/*
 * The content as up to two pieces of files (prefix and body), in order.  The
 * segment stays where it is until content_close().
 */
struct content_piece {
	int fd;      /* borrowed */
	uint64_t at; /* offset */
	uint64_t len;
};
struct content {
	struct content_piece pieces[2];
	size_t piece_count;
	uint64_t size;      /* of all pieces */
	bool has_dot_lines; /* false: it may be sent by sendfile(2) as it is */
	struct spool_entry *entry; /* private */
	uint32_t segment;          /* private */
};
/* False as spool_read() (checksums are verified once after a start). */
bool content_open(struct spool *spool, struct spool_entry *entry,
    struct content *content);
/* Up to len bytes of the content from offset at; -1 with errno. */
ssize_t content_read(struct spool *spool, const struct content *content,
    uint64_t at, char *data, size_t len);
void content_close(struct spool *spool, struct content *content);

enum settled {
	DELIVERED,
	FAILED, /* its notice, if one is due, is already durable */
};
struct settlement {
	size_t recipient; /* its number in the envelope */
	enum settled how;
};
/*
 * Records results; they ride in the next batch and nobody waits for them.
 * True when the message has ended with this: the entry is gone.  Close its
 * content first.
 */
bool spool_settle(struct spool *spool, struct spool_entry *entry,
    const struct settlement *settlements, size_t count);

/* ---- looking ---- */

struct spool_counts {
	size_t messages; /* waiting */
	size_t segments, segments_free;
	size_t large_files;
	size_t memory; /* bytes that waiting messages take, all structures */
	uint64_t bytes_written;
	uint64_t syncs;
};
void spool_count(const struct spool *spool, struct spool_counts *counts);
struct spool_entry *spool_find(struct spool *spool, uint64_t id);

/* IDs as people see them: 13 characters of lower-case base32, in time order. */
enum {
	SPOOL_ID_LEN = 13
};
void spool_id_text(uint64_t id, char out[SPOOL_ID_LEN + 1]);
bool spool_id_parse(struct span text, uint64_t *id);

#endif
