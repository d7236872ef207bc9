#ifndef HELPER_H
#define HELPER_H

#include <stdbool.h>

#include "relayd/net/loop.h"

/*
 * A thread beside the loop, for work that takes long and that the loop must
 * not wait for: reading a large table, freeing one, writing a small file to disk.
 * One job at a time, in the order they came; between jobs there is no thread.
 */
struct helper;

struct helper *helper_new(struct loop *loop);

/*
 * work runs on the thread and touches nothing but what owner names, which is
 * its own until done runs, in the loop's thread.  done may be NULL.
 */
void helper_run(struct helper *helper, void (*work)(void *owner),
    void (*done)(void *owner), void *owner);
/* Is a job under way? */
bool helper_busy(const struct helper *helper);

/* Runs every job to its end, and those that their ends give.  helper may be NULL. */
void helper_wait(struct helper *helper);
/* The same, then frees. */
void helper_free(struct helper *helper);

#endif
