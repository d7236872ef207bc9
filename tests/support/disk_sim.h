#ifndef DISK_SIM_H
#define DISK_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/disk.h"

/*
 * A disk in memory that remembers, for every file and every name, what a sync
 * has made durable and what has not been; and that can lose the rest.
 */
struct disk_sim;

/* Empty, with one directory: DISK_SIM_ROOT. */
#define DISK_SIM_ROOT "spool"
struct disk_sim *disk_sim_new(void);
void disk_sim_free(struct disk_sim *sim);
/* The seam; valid as long as the sim. */
const struct disk *disk_sim_disk(struct disk_sim *sim);

/*
 * The power fails now: a new disk as it may be found afterwards.  What was
 * synced is there; of the rest every 512-byte sector and every name may be or
 * not, as the seed decides.  seed 0: nothing unsynced is there; 1: all of it.
 */
struct disk_sim *disk_sim_crash(const struct disk_sim *sim, uint64_t seed);

/* Calls after() when a call has changed something (a sync does, too). */
void disk_sim_watch(struct disk_sim *sim, void (*after)(void *arg), void *arg);
/* Only so many such calls work from now on; then all fail with EIO. */
void disk_sim_stop_after(struct disk_sim *sim, size_t calls);
bool disk_sim_stopped(const struct disk_sim *sim);

/* From now on, after a crash too, a sync of a directory does nothing. */
void disk_sim_forget_names(struct disk_sim *sim);
/* Descriptors that are open. */
size_t disk_sim_open_count(const struct disk_sim *sim);
/* What space() says. */
void disk_sim_set_space(struct disk_sim *sim, uint64_t bytes, uint64_t inodes);
/* The bytes of a file ("journal/000001"), to be spoiled; NULL: none. */
unsigned char *disk_sim_file(struct disk_sim *sim, const char *path,
    size_t *size);
/* How many files a directory ("corrupt") holds. */
size_t disk_sim_files(struct disk_sim *sim, const char *path);

#endif
