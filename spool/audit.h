#ifndef AUDIT_H
#define AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "spool/spool.h"

/*
 * A look at all of a spool that nobody serves: every checksum verified,
 * everything odd told, nothing changed.
 */
enum audit_grade {
	AUDIT_NOTE,   /* what a crash leaves, or what is known already */
	AUDIT_DAMAGE, /* what was written is not there any more */
};

struct audit_segment {
	uint32_t number;
	uint64_t generation;
	const char *state;   /* "free", "sealed", "open" */
	size_t messages;     /* records of messages that are whole */
	size_t waiting;      /* of them: somebody is still to get it */
	size_t results;      /* of recipients and messages */
	uint64_t used;       /* bytes to the end of the last record */
	uint64_t size;       /* bytes */
	size_t torn, rotten; /* places: in an open tail; elsewhere */
};

struct audit_totals {
	size_t segments;
	size_t messages, waiting, results; /* as above */
	size_t large_files;                /* whole, and waited for */
	size_t unnamed;                    /* files that no message names */
	size_t set_aside;                  /* files in corrupt/ */
	size_t damage;                     /* how often AUDIT_DAMAGE was said */
};

struct audit_events {
	void *owner;
	void (*found)(void *owner, enum audit_grade grade, const char *text);
	void (*segment)(void *owner, const struct audit_segment *segment);
};

/*
 * Of options, directory and disk count (and segment_size, in tests).  False
 * with the reason in why: the spool could not even be looked at.
 */
bool audit_run(const struct spool_options *options,
    const struct audit_events *events, struct audit_totals *totals,
    struct buf *why);

#endif
