#ifndef DIAL_H
#define DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "relayd/delivery/hosts.h"

/*
 * Begins a TCP connection to host from local_address (NULL, or of another
 * family: the kernel chooses).  The descriptor does not block and is closed
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
