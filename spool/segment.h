#ifndef SEGMENT_H
#define SEGMENT_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/disk.h"

/*
 * One segment file of the journal: two copies of its header in a 4 KiB block
 * each, records, and when it is sealed an index with its footer at the end.
 */
enum {
	SEGMENT_BLOCK = 4096,
	SEGMENT_RECORDS = 2 * SEGMENT_BLOCK, /* where they begin */
	SEGMENT_FOOTER = 64,                 /* the last bytes of the file */
	SEGMENT_SIZE_MIN = 32 << 10,
};

enum segment_state {
	SEGMENT_UNREAD,  /* of an earlier life; load.c has not been there */
	SEGMENT_FREE,    /* a new life began and is durable; no records */
	SEGMENT_HEAD,    /* the one that is written */
	SEGMENT_CLOSED,  /* full; its index is not written yet */
	SEGMENT_SEALING, /* its index is being synced */
	SEGMENT_SEALED,
	SEGMENT_RETIRED, /* an error: read, never written; unlinked when dead */
	SEGMENT_DYING,   /* its next life, or its unlink, is being synced */
};

/* Results in a segment that are needed while another life is on the disk. */
struct tomb {
	uint64_t generation;
	uint64_t bytes;
};

struct segment {
	TAILQ_ENTRY(segment) dying; /* in the journal's queue */
	uint32_t slot;              /* in the journal */
	uint32_t number;            /* its name */
	int fd;                     /* owned; -1 while closed */
	enum segment_state state;
	uint64_t size;
	uint64_t generation;
	uint64_t secret;
	uint64_t id_mark;   /* no ID above this was used when the life began */
	uint64_t id_max;    /* of its records */
	uint64_t end;       /* of its records */
	uint64_t zeroed;    /* blocks below this were written once */
	uint64_t live;      /* bytes of records and results still needed */
	unsigned pins;      /* contents that are open */
	bool fresh;         /* the file is new: its name is not durable yet */
	bool touched;       /* written in the batch that waits for its sync */
	bool sealed;        /* found with a whole index */
	bool keep;          /* holds what could not be read: never recycled */
	bool copied;        /* the copier was here */
	bool odd;           /* of another size than it says: not recycled */
	bool unsynced;      /* recovered: what was read may not be durable */
	bool syncing;       /* unsynced, or dying: its sync is in the job */
	uint64_t used_at;   /* of the descriptor, for the cache */
	int error;          /* of its sync */
	int zero_error;     /* of the sync of zeros ahead */
	struct tomb *tombs; /* owned */
	size_t tomb_count;
	struct buf index;         /* items, until they are written */
	uint64_t next_generation; /* while DYING */
	uint64_t next_secret;     /* likewise */
	bool unlinked;            /* while DYING: this way, not recycled */
};

struct segment *segment_new(uint32_t number, uint64_t size);
/* The descriptor must be closed. */
void segment_free(struct segment *segment);

/* Room for one more record of size bytes with index_len in the index. */
bool segment_has_room(const struct segment *segment, uint64_t size,
    size_t index_len);

/* Both copies of the header of a life; false with errno. */
bool segment_write_header(const struct disk *disk, struct segment *segment,
    uint64_t generation, uint64_t secret, uint64_t id_mark, uint64_t *written);

enum header_found {
	HEADER_GOOD,
	HEADER_NEVER_WRITTEN, /* zeros, and so are the first records */
	HEADER_BAD,
	HEADER_UNREADABLE, /* errno */
};
/* Fills in generation, secret, id_mark and size from the better copy. */
enum header_found segment_read_header(const struct disk *disk,
    struct segment *segment);

/* The index (items in segment->index) and its footer; false with errno. */
bool segment_write_index(const struct disk *disk, struct segment *segment,
    uint64_t *written);
/*
 * What the footer of this life says of the index: false when there is none.
 * Sets end and id_max.
 */
bool segment_read_footer(const struct disk *disk, struct segment *segment,
    uint64_t *at, uint64_t *len, uint64_t *sum);
/* Reads the whole index into items; false when it is not what was written. */
bool segment_read_index(const struct disk *disk, struct segment *segment,
    struct buf *items);

#endif
