#ifndef LARGE_H
#define LARGE_H

#include <stdbool.h>
#include <stdint.h>

#include "spool/spool.h"

/* The files in large/, named by message ID. */

/* A new one for writing; -1 with errno. */
int large_create(struct spool *spool, uint64_t id);
/* For reading; -1 with errno. */
int large_open(struct spool *spool, uint64_t id);
/* The message is gone; says so when it fails. */
void large_unlink(struct spool *spool, uint64_t id);
/* Moves it to corrupt/; false with errno. */
bool large_set_aside(struct spool *spool, uint64_t id);
/* Calls found for each; false with errno. */
bool large_list(struct spool *spool, void (*found)(void *arg, uint64_t id),
    void *arg);

#endif
