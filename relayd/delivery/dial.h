#ifndef DIAL_H
#define DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/hosts.h"

/*
 * Begins a connection to host: TCP from local_address (NULL, or of another
 * family: the kernel chooses), or to the Unix socket that it names.  The descriptor does not block and is closed
 * on exec; -1 with errno.
 */
int dial_begin(const struct host *host, const char *local_address);

enum dial_state {
	DIAL_WAITING, /* poll for POLLOUT */
	DIAL_DONE,
	DIAL_FAILED /* *error is an errno */
};
enum dial_state dial_state(int fd, int *error);

#endif
