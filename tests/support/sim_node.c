/*
 * sim_node - a file or a directory that remembers what was synced.
 *
 * Job:     keep what is, what is durable, and what happened in between.
 * Called:  by disk_sim.c, which is the disk; by power_cut.c, which decides
 *          what of the difference is lost.
 * Owns:    the bytes and names of a node.
 * Never:   decides anything.
 */
#include "tests/support/sim_node.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

struct node *
node_new(bool directory)
{
	struct node *node = xcalloc(1, sizeof(*node));

	node->directory = directory;
	node->changes_end = &node->changes;
	node->ops_end = &node->ops;
	return node;
}

static void
forget_changes(struct node *node)
{
	struct change *change;
	struct rename_op *op;

	while ((change = node->changes) != NULL) {
		node->changes = change->next;
		free(change);
	}
	node->changes_end = &node->changes;
	while ((op = node->ops) != NULL) {
		node->ops = op->next;
		free(op);
	}
	node->ops_end = &node->ops;
}

void
node_free(struct node *node)
{
	if (node == NULL)
		return;
	forget_changes(node);
	free(node->now);
	free(node->durable);
	free(node->names.entries);
	free(node->durable_names.entries);
	free(node);
}

void
node_add_change(struct node *node, struct change *change)
{
	*node->changes_end = change;
	node->changes_end = &change->next;
}

void
node_sync(struct node *node)
{
	if (node->directory) {
		names_copy(&node->durable_names, &node->names);
	} else {
		node_resize(&node->durable, &node->durable_size, node->size);
		if (node->size > 0)
			memcpy(node->durable, node->now, node->size);
	}
	forget_changes(node);
}

void
node_resize(unsigned char **bytes, size_t *size, size_t to)
{
	if (to > *size) {
		*bytes = xrealloc(*bytes, to, 1);
		memset(*bytes + *size, 0, to - *size);
	}
	*size = to;
}

/* ---- names ---- */

size_t
names_find(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (strcmp(names->entries[i].name, name) == 0)
			return names->entries[i].node;
	return 0;
}

void
names_set(struct names *names, const char *name, size_t node)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (strcmp(names->entries[i].name, name) == 0)
			break;
	if (node == 0) {
		if (i < names->count)
			names->entries[i] = names->entries[--names->count];
		return;
	}
	if (i == names->count) {
		names->entries = xrealloc(names->entries, ++names->count,
		    sizeof(struct entry));
		memset(&names->entries[i], 0, sizeof(struct entry));
		strncpy(names->entries[i].name, name, NAME_LEN - 1);
	}
	names->entries[i].node = node;
}

void
names_copy(struct names *to, const struct names *from)
{
	free(to->entries);
	to->entries = xcalloc(from->count, sizeof(struct entry));
	if (from->count > 0)
		memcpy(to->entries, from->entries,
		    from->count * sizeof(struct entry));
	to->count = from->count;
}
