#ifndef WALK_H
#define WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/disk.h"
#include "spool/record.h"
#include "spool/segment.h"
#include "spool/window.h"

/*
 * One segment seen record by record, every checksum verified, nothing believed
 * and nothing changed: what a look from outside needs.
 */
enum walk_step {
	WALK_MESSAGE, /* whole: record, and payload is its envelope and state */
	WALK_RESULTS, /* whole: payload is its items */
	WALK_TORN,    /* a good head, and a payload that is not its own */
	WALK_GAP,     /* no record, though there are later ones */
	WALK_BLIND,   /* the disk would not show it: errno in error */
	WALK_END,
};

struct walk {
	const struct disk *disk; /* borrowed */
	const struct segment *segment;
	struct window window;
	struct buf payload; /* of the record that was met last */
	struct record record;
	uint64_t at, len;  /* of what was met last */
	uint64_t next;     /* where to go on */
	uint64_t limit;    /* no record reaches beyond */
	uint64_t lost;     /* bytes without a record begin here; 0: none do */
	bool have_head;    /* record stands at next and was not looked into */
	int error, failed; /* failed: of the bytes from lost on */
};

/*
 * Begins at the first record of a segment whose descriptor is open.  limit is
 * where its records end, or where its footer begins if that is not known.
 */
void walk_init(struct walk *walk, const struct disk *disk,
    const struct segment *segment, uint64_t limit);
enum walk_step walk_next(struct walk *walk);
void walk_clear(struct walk *walk);

#endif
