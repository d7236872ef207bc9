#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>

#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/tally.h"

/*
 * A relay under load: clients that never rest, a next hop that keeps what it
 * gets, and the account of both.  What goes wrong fails the test.
 */
struct load {
	struct hop *hop;
	struct daemon *daemon;
	struct tally *tally;
	struct crowd *crowd;
};

/* The table of hosts that may send outside; the load itself does not. */
#define LOAD_ALLOWLIST "127.0.0.2\n"

enum {
	LOAD_PATIENCE_MS = 60000
};

/* Not started yet.  spool: settings inside spool = { }, or NULL. */
void load_make(struct load *load, const char *spool);
void load_start(struct load *load);
/* Until so many more are acknowledged: what follows is in the middle of work. */
void load_wait(struct load *load, size_t more);
void load_pause(long milliseconds);
/* Ends the load; all that was acknowledged must arrive.  what: for the account. */
void load_end(struct load *load, const char *what);

#endif
