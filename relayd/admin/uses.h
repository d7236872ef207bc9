#ifndef USES_H
#define USES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/complaints.h"
#include "domains/rules.h"
#include "relayd/net/helper.h"
#include "relayd/net/loop.h"

/*
 * How often each line of the allowlist was used, and what its owner was told.
 * A line is known by whom it speaks of and its place among the lines that speak
 * of the same, so that a new until= or note= does not make it another.  Kept
 * in a small file, written at most once a minute: a crash loses no more.
 */
enum {
	USES_DAYS = 30,
	USES_MAX = 20000, /* lines; beyond, the longest unused is forgotten */
};

struct use {
	int64_t last;               /* wall-clock second, or 0: never */
	int64_t today;              /* number of the day that counts[0] is */
	uint32_t counts[USES_DAYS]; /* messages; counts[n] is n days before */
	int64_t until;  /* of the grant, when its owner was told; or 0 */
	int64_t warned; /* the fewest days ahead that were said; or 0 */
};

struct uses;

/* The file's name in a spool's folder; the caller owns it. */
char *uses_path(const char *folder);
/* Reads the file, if there is one; lines that are damaged are complained about softly. */
struct uses *uses_new(const char *path, struct complaints *complaints);
/* Writes itself from now on. */
void uses_run(struct uses *uses, struct loop *loop, struct helper *helper);
/* Writes what is not written yet. */
void uses_free(struct uses *uses);

/* A message of now was let in by this line of the file. */
void uses_count(struct uses *uses, const struct rules *rules, size_t line,
    int64_t now);
/* Of line n of the allowlist; NULL: never.  Valid until the next call. */
const struct use *uses_of(const struct uses *uses, const struct rules *rules,
    size_t n);
/* Messages in the 30 days that end now. */
uint64_t use_messages(const struct use *use, int64_t now);
/* Its owner was told that it ends at until, these days ahead. */
void uses_warned(struct uses *uses, const struct rules *rules, size_t n,
    int64_t until, int64_t days);

/* For tests: the file as it would be written. */
void uses_text(const struct uses *uses, struct buf *out);

#endif
