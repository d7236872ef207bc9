#ifndef SENDING_PARTS_H
#define SENDING_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/delivery.h"
#include "tests/support/virtual_clock.h"

/*
 * The sending side in virtual time: real rules, and a real spool on a disk that
 * never syncs.  There is one at a time.
 */
struct sending {
	char directory[64];
	struct virtual_clock clock;
	struct loop *loop;
	struct disk disk;
	struct conf conf;
	struct rules *rules;
	struct spool *spool;
	struct delivery *delivery;
	uint64_t random;    /* the seam's next number */
	bool unreadable;    /* the disk gives nothing back */
	size_t waiting;     /* how often the spool told of a message */
	const char *client; /* of what is accepted; an address */
	const char *held;   /* a file of held messages, read at a start; NULL */
	struct buf log;     /* what delivery logged, a line each */
};

/* One recipient of a message. */
struct sending_to {
	const char *address;
	unsigned notify; /* enum notify_flag */
};

/* Loop, clock, log and configuration, for the test to change; then the rest. */
void sending_parts_open(struct sending *sending);
/* hosted: the table's text. */
void sending_parts_start(struct sending *sending, const char *hosted);
/* The end: delivery goes, then the spool, then all. */
void sending_parts_stop(struct sending *sending);
void sending_parts_rest(struct sending *sending);
void sending_parts_close(struct sending *sending);
/* Starts anew behind rest: the spool is read again. */
void sending_parts_again(struct sending *sending);
/* Reloads with another hosted table. */
void sending_reload(struct sending *sending, const char *hosted);

/* From the next start or reload on, what goes outside goes to these hops. */
void sending_outside(struct sending *sending, const char *via);

/* Accepts a message: its ID. */
uint64_t sending_mail(struct sending *sending, const char *sender,
    const struct sending_to *recipients, size_t count);
uint64_t sending_one(struct sending *sending, const char *recipient);
void sending_many(struct sending *sending, const char *recipient, size_t count);
/* 250 recipients, each with its number: a hundred by one name, then the other. */
void sending_250(struct sending *sending, const char *first, const char *rest);
/* Lets so much virtual time pass. */
void sending_run(struct sending *sending, uint64_t milliseconds);
/* Messages that are owed. */
size_t sending_owed(const struct sending *sending);
struct delivery_counts sending_counts(const struct sending *sending);
/* How many lines of the log hold this text. */
size_t sending_logged(const struct sending *sending, const char *text);

#endif
