/*
 * power_cut - what is left of a simulated disk when the power fails.
 *
 * Job:     decide for every sector and every name that no sync covered
 *          whether it is there afterwards.
 * Called:  by tests, between any two calls of the spool.
 * Owns:    nothing; the disk it makes is the caller's.
 * Never:   keeps what no sync covered because it is likely: each 512-byte
 *          sector and each name is decided apart.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/disk_sim.h"
#include "tests/support/disk_sim_inside.h"

enum {
	SECTOR = 512
};

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* What a power cut does to one thing that was not synced. */
struct fate {
	uint64_t seed;
	uint64_t state;
	unsigned mode; /* of this file: how its sectors are decided */
};

enum {
	MODE_NONE,
	MODE_ALL,
	MODE_HALF,   /* each sector apart */
	MODE_MOST,   /* seven of eight sectors */
	MODE_PREFIX, /* sectors in order until one is lost */
	MODES,
};

static bool
survives(struct fate *fate)
{
	if (fate->seed <= 1)
		return fate->seed == 1;
	switch (fate->mode) {
	case MODE_NONE:
		return false;
	case MODE_ALL:
		return true;
	case MODE_HALF:
		return next_random(&fate->state) % 2 == 0;
	case MODE_MOST:
		return next_random(&fate->state) % 8 != 0;
	case MODE_PREFIX:
		if (next_random(&fate->state) % 16 == 0)
			fate->mode = MODE_NONE;
		return fate->mode != MODE_NONE;
	default:
		abort();
	}
}

static void
apply_change(struct node *node, const struct change *change, struct fate *fate)
{
	uint64_t at = change->at, end = at + change->len, to;

	for (; at < end; at = to) {
		to = (at / SECTOR + 1) * SECTOR;
		if (to > end)
			to = end;
		if (!survives(fate))
			continue;
		if (to > node->size)
			node_resize(&node->now, &node->size, to);
		memcpy(node->now + at, change->bytes + (at - change->at),
		    to - at);
	}
}

static void
crash_file(struct node *to, const struct node *from, struct fate *fate)
{
	const struct change *change;

	node_resize(&to->now, &to->size, from->durable_size);
	if (to->size > 0)
		memcpy(to->now, from->durable, to->size);
	fate->mode = (unsigned)(next_random(&fate->state) % MODES);
	if (survives(fate) && from->size > to->size)
		node_resize(&to->now, &to->size, from->size);
	for (change = from->changes; change != NULL; change = change->next)
		apply_change(to, change, fate);
	node_resize(&to->durable, &to->durable_size, to->size);
	if (to->size > 0)
		memcpy(to->durable, to->now, to->size);
}

/* Both halves of a rename have one fate. */
static void
crash_directory(struct node *to, const struct node *from,
    const struct fate *fate)
{
	const struct rename_op *op;
	uint64_t state;

	names_copy(&to->names, &from->durable_names);
	for (op = from->ops; op != NULL; op = op->next) {
		state = fate->seed + op->number;
		if (fate->seed == 0 ||
		    (fate->seed > 1 && next_random(&state) % 2 == 0))
			continue;
		names_set(&to->names, op->name, op->node);
	}
	names_copy(&to->durable_names, &to->names);
}

/* Nodes that some name leads to, or may lead to after a crash. */
static bool *
named_nodes(const struct disk_sim *sim)
{
	bool *named = xcalloc(sim->node_count, sizeof(*named));
	const struct rename_op *op;
	const struct node *node;
	size_t i, k;

	for (i = 1; i < sim->node_count; i++) {
		node = sim->nodes[i];
		named[i] = named[i] || node->directory;
		for (k = 0; k < node->durable_names.count; k++)
			named[node->durable_names.entries[k].node] = true;
		for (op = node->ops; op != NULL; op = op->next)
			named[op->node] = true;
	}
	return named;
}

struct disk_sim *
disk_sim_crash(const struct disk_sim *sim, uint64_t seed)
{
	bool *named = named_nodes(sim);
	struct disk_sim *after = disk_sim_make();
	struct fate fate = { .seed = seed, .state = seed };
	size_t i, node;

	for (i = 1; i < sim->node_count; i++) {
		node = disk_sim_add(after, sim->nodes[i]->directory);
		if (sim->nodes[i]->directory)
			crash_directory(after->nodes[node], sim->nodes[i],
			    &fate);
		else if (named[i])
			crash_file(after->nodes[node], sim->nodes[i], &fate);
	}
	free(named);
	after->rename_number = sim->rename_number;
	after->forget_names = sim->forget_names;
	after->free_bytes = sim->free_bytes;
	after->free_inodes = sim->free_inodes;
	return after;
}
