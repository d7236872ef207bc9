#ifndef CONF_SOURCE_H
#define CONF_SOURCE_H

#include <stdbool.h>

#include "base/buf.h"
#include "domains/complaints.h"

enum {
	CONF_SOURCE_MAX = 1 << 20 /* bytes that relayd.conf may have */
};

/*
 * Reads the file at path into text, and complains (naming it file) of what
 * libconfig would take without a word or die of: a NUL byte, a number that
 * it would wrap, @include.  False when anything was wrong.
 */
bool conf_source_read(const char *path, const char *file, struct buf *text,
    struct complaints *complaints);

#endif
