#ifndef SPOOL_SCENE_H
#define SPOOL_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "spool/spool.h"
#include "tests/support/disk_sim.h"
#include "tests/support/spool_model.h"

/* A spool on a simulated disk, and its witness. */
extern struct disk_sim *sim;
extern struct model model;

/* The checked fixture. */
void spool_scene_set_up(void);
void spool_scene_tear_down(void);

void spool_scene_restart(void);
/* The power goes; what was not synced is lost.  It stays closed. */
void spool_scene_cut_power(uint64_t seed);
/* Begins and commits a message: its ID. */
uint64_t spool_scene_receive(size_t size, size_t recipients);
struct spool_counts spool_scene_count(void);
void spool_scene_readable(uint64_t id);
/* All recipients of all messages. */
void spool_scene_settle_all(void);
/* The message that was begun last. */
struct model_message *spool_scene_last(void);
/* So many small ones, each delivered at once. */
void spool_scene_flow(int messages);
/* A clock that shows spool_scene_now. */
extern int64_t spool_scene_now;
int64_t spool_scene_clock(void);

#endif
