#ifndef SENDING_H
#define SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/delivery.h"
#include "tests/support/far_side.h"
#include "tests/support/virtual_clock.h"

/*
 * The sending side in virtual time: real rules, a real spool on a disk that
 * never syncs, and the doubles of far_side.h.  There is one at a time.
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
	uint64_t random; /* the seam's next number */
	bool unreadable; /* the disk gives nothing back */
	size_t waiting;  /* how often the spool told of a message */
	struct buf log;  /* what delivery logged, a line each */
};

/* One recipient of a message. */
struct sending_to {
	const char *address;
	unsigned notify; /* enum notify_flag */
};

/* hosted: the table's text. */
void sending_open(struct sending *sending, const char *hosted,
    struct far_host *hosts, size_t host_count);
void sending_close(struct sending *sending);
/* The relay dies and starts anew: the spool is read again. */
void sending_restart(struct sending *sending);
/* Reloads with another hosted table. */
void sending_reload(struct sending *sending, const char *hosted);

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
