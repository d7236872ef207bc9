#ifndef DISK_SIM_INSIDE_H
#define DISK_SIM_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spool/disk.h"
#include "tests/support/sim_node.h"

/* The simulated disk as its own modules see it. */
enum {
	FDS = 1024
};

struct disk_sim {
	struct disk disk;
	struct node **nodes; /* 0 is unused, 1 the top */
	size_t node_count;
	size_t fds[FDS]; /* node; 0: free */
	size_t open_count;
	unsigned rename_number;
	uint64_t free_bytes, free_inodes;
	bool forget_names;
	bool limited;
	size_t calls_left;
	void (*after)(void *arg);
	void *arg;
};

/* Without any node. */
struct disk_sim *disk_sim_make(void);
/* Its number: 1 is the top. */
size_t disk_sim_add(struct disk_sim *sim, bool directory);

#endif
