#ifndef CTL_WRITTEN_H
#define CTL_WRITTEN_H

#include <jansson.h>
#include <stddef.h>

#include "relayd/admin/file_stamp.h"

/*
 * Line number of a table, from 1, as somebody wrote it, without blanks around
 * it; NULL when the file is no longer the one with that stamp, or cannot be
 * read.  The caller owns it.
 */
json_t *ctl_written(const char *file, size_t number,
    const struct file_stamp *stamp);

#endif
