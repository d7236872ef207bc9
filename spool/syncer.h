#ifndef SYNCER_H
#define SYNCER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "spool/disk.h"

/*
 * The sync thread: one job at a time, which is a row of files to be synced in
 * order.  Without a thread the job is done inside syncer_hand().
 */
struct syncer;

/* NULL with the reason in why. */
struct syncer *syncer_new(const struct disk *disk, bool with_thread,
    struct buf *why);
/* Waits for the job under way. */
void syncer_free(struct syncer *syncer);
/* Readable when a job has ended; -1 without a thread. */
int syncer_fd(const struct syncer *syncer);

/*
 * Adds a file to the next job.  *error becomes 0, and the errno of this sync
 * when syncer_done() says true; it must stay where it is until then.
 */
void syncer_add(struct syncer *syncer, int fd, bool data_only, int *error);
/* Is there anything in the next job? */
bool syncer_waiting(const struct syncer *syncer);
/* Hands the job over; false when nothing was added. */
bool syncer_hand(struct syncer *syncer);
/* True once for each job that has ended. */
bool syncer_done(struct syncer *syncer);
/* A job was handed over and syncer_done() has not said true yet. */
bool syncer_busy(const struct syncer *syncer);
/* How many files were synced so far. */
size_t syncer_count(const struct syncer *syncer);

#endif
