#ifndef TERMINAL_H
#define TERMINAL_H

#include "base/buf.h"
#include "base/span.h"

/*
 * Runs a program to its end on a terminal of so many columns, where typed is
 * typed at once; what the terminal shows (echo and line ends as CRLF included)
 * is appended to shown.  Its exit status, or PROGRAM_FAILED.
 */
int terminal_run(const char *const *argv, unsigned short columns,
    struct span typed, struct buf *shown);

#endif
