#ifndef FILE_ATTRIBUTES_H
#define FILE_ATTRIBUTES_H

#include <stdbool.h>

/*
 * Gives the file at `to` the access control list and the extended attributes
 * of the file at `from`, and no list when that has none: both are descriptors.
 * Call it when owner and mode are set.  Labels that only the system may set
 * (security.*, trusted.*) are left as they are where that is refused.  False
 * with errno.
 */
bool file_attributes_copy(int from, int to);

#endif
