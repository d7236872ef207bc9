#ifndef TABLE_ROWS_H
#define TABLE_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/rules.h"
#include "relayd/admin/file_stamp.h"
#include "relayd/admin/uses.h"

/*
 * What explain and grants answer, as JSON: by the control socket, and by
 * relayctl itself from the files when no relayd runs.  The members are in
 * relayctl(8).
 */

/* NULL with a static text in *why for an address that is none.  The caller owns it. */
json_t *explain_row(const struct rules *rules, const char *client,
    const char *sender, const char *recipient, int64_t now, const char **why);

/* Adds which life of the file the line that decided is of. */
void explain_row_stamp(json_t *row, const struct rules *rules,
    const struct file_stamp *hosted, const struct file_stamp *allowlist);

/* Which lines of the allowlist are wanted. */
struct grants_wanted {
	int64_t expiring_days; /* that end within these; -1: any */
	int64_t unused_days;   /* not used for these; -1: any */
	const char *owner;     /* NULL: any */
};
/* Line n; NULL when it is not wanted, or there is none.  uses may be NULL. */
json_t *grant_row(const struct rules *rules, const struct uses *uses, size_t n,
    const struct grants_wanted *wanted, int64_t now);

#endif
