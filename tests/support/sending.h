#ifndef SENDING_H
#define SENDING_H

#include <stddef.h>

#include "tests/support/far_side.h"
#include "tests/support/sending_parts.h"

/* The sending side in virtual time, with the doubles of far_side.h. */

/* hosted: the table's text. */
void sending_open(struct sending *sending, const char *hosted,
    struct far_host *hosts, size_t host_count);
void sending_close(struct sending *sending);
/* The relay dies and starts anew: the spool is read again. */
void sending_restart(struct sending *sending);

#endif
