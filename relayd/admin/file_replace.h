#ifndef FILE_REPLACE_H
#define FILE_REPLACE_H

#include <stdbool.h>

#include "base/span.h"

/*
 * A small file of relayd's own, mode 0600, in the place of the old one: written
 * aside (path.new), synced, renamed.  It waits for the disk.
 */
bool file_replace(const char *path, struct span text);

#endif
