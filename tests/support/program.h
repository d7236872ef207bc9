#ifndef PROGRAM_H
#define PROGRAM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Other people's programs.  They die with the test; every wait is bounded.
 */
enum {
	PROGRAM_WAIT_MS = 30000,
	PROGRAM_FAILED = -1, /* not there, ended by a signal, or too slow */
};

/*
 * Runs a program (looked for in PATH) to its end with input on its standard
 * input; what it writes to standard output and error is appended to output.
 * Its exit status, or PROGRAM_FAILED.
 */
int program_run(const char *const *argv, struct span input, struct buf *output);

/*
 * Starts a server on 127.0.0.1:port and waits until one can connect to it;
 * its output goes to the file log.  0 when that takes too long.
 */
pid_t program_serve(const char *const *argv, uint16_t port, const char *log);
/* Ends it by its pid. */
void program_end(pid_t pid);

#endif
