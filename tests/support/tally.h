#ifndef TALLY_H
#define TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tests/support/hop.h"

/*
 * The account of a load: numbered messages, which of them the relay said 250
 * to, and which arrived.  The content of a message follows from its number, so
 * that what arrives can be compared byte for byte.  Safe to use from threads.
 */
struct tally;

enum {
	TALLY_MAX = 200000
};

struct tally *tally_new(void);
void tally_free(struct tally *tally);

/* The number of a new message. */
size_t tally_next(struct tally *tally);
/* Appends the content of message n: CRLF lines, some begin with a dot. */
void tally_content(size_t n, struct buf *out);
void tally_acknowledged(struct tally *tally, size_t n);
size_t tally_acknowledged_count(struct tally *tally);

struct tally_balance {
	size_t sent;         /* numbers given out */
	size_t acknowledged; /* 250 was heard */
	size_t missing;      /* of those: did not arrive */
	size_t wrong;        /* arrived with other bytes than were sent */
	size_t twice;        /* arrivals beyond the first; allowed */
};
/* Compares with what a hop has accepted so far. */
void tally_balance(struct tally *tally, struct hop *hop,
    struct tally_balance *balance);

/*
 * Clients in threads that send new messages of a tally over and over to a
 * relay on 127.0.0.1 that may die and come back under them.
 */
struct crowd;

struct crowd *crowd_start(struct tally *tally, uint16_t port, size_t clients,
    const char *sender, const char *recipient);
/* Lets each finish its message (or lose it), then ends the threads. */
void crowd_stop(struct crowd *crowd);

#endif
