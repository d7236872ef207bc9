#ifndef LOG_STAMP_H
#define LOG_STAMP_H

#include <stdint.h>

#include "base/buf.h"
#include "log.h"
#include "log_target.h"

/*
 * Appends what stands before a line on that kind of target: the time and the
 * level, or the priority.  Returns the wall-clock second.
 */
int64_t log_stamp(struct buf *out, enum log_target_kind kind,
    enum log_level level);

#endif
