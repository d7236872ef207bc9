#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tests/support/hop.h"

/*
 * The account of a load: numbered messages, which of them the relay said 250
 * to, and which arrived.  The content of a message follows from its number, so
 * that what arrives can be compared byte for byte.  Safe to use from threads.
 */
struct ledger;

enum {
	LEDGER_MAX = 200000
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* The number of a new message. */
size_t ledger_next(struct ledger *ledger);
/* Appends the content of message n: CRLF lines, some begin with a dot. */
void ledger_content(size_t n, struct buf *out);
void ledger_acknowledged(struct ledger *ledger, size_t n);
size_t ledger_acknowledged_count(struct ledger *ledger);

struct ledger_balance {
	size_t sent;         /* numbers given out */
	size_t acknowledged; /* 250 was heard */
	size_t missing;      /* of those: did not arrive */
	size_t wrong;        /* arrived with other bytes than were sent */
	size_t twice;        /* arrivals beyond the first; allowed */
};
/* Compares with what a hop has accepted so far. */
void ledger_balance(struct ledger *ledger, struct hop *hop,
    struct ledger_balance *balance);

/*
 * Clients in threads that send new messages of a ledger over and over to a
 * relay on 127.0.0.1 that may die and come back under them.
 */
struct load;

struct load *load_start(struct ledger *ledger, uint16_t port, size_t clients,
    const char *sender, const char *recipient);
/* Lets each finish its message (or lose it), then ends the threads. */
void load_stop(struct load *load);

#endif
