#ifndef GRANT_H
#define GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "patterns.h"
#include "table_reader.h"

/* What a line of the allowlist allows: its options. */
struct grant {
	char *owner; /* owned; a whole address, or NULL */
	char *note;  /* owned; or NULL */
	int64_t
	    until; /* wall-clock second at which it ends; INT64_MAX: never */
	uint32_t rate; /* messages an hour, or 0: not given */
	struct patterns from, to;
};

/*
 * Reads the options of a line, complaining about each that is wrong.
 * exclusion: the line begins with "!", and only owner= and note= make sense.
 */
bool grant_read(struct grant *grant, struct table_reader *reader,
    struct table_line *line, bool exclusion);
/* Is it in force? */
bool grant_live(const struct grant *grant, int64_t now);
/* Does it speak of this sender, of this recipient? */
bool grant_from(const struct grant *grant, const struct address *sender);
bool grant_to(const struct grant *grant, const struct address *recipient);
/* Appends " owner=... until=..." as a line has it; nothing for no option. */
void grant_text(const struct grant *grant, struct buf *out);
void grant_clear(struct grant *grant);

#endif
