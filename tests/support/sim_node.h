#ifndef SIM_NODE_H
#define SIM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file or a directory of the simulated disk: as it is now, as the last sync
 * made it durable, and what happened in between, in order.
 */
enum {
	NAME_LEN = 64
};

/* A write that no sync has covered. */
struct change {
	struct change *next;
	uint64_t at;
	size_t len;
	unsigned char bytes[];
};

/* A name that came or went since the last sync of its directory. */
struct rename_op {
	struct rename_op *next;
	char name[NAME_LEN];
	size_t node;     /* 0: the name went */
	unsigned number; /* both halves of a rename have the same */
};

struct entry {
	char name[NAME_LEN];
	size_t node;
};

struct names {
	struct entry *entries;
	size_t count;
};

struct node {
	bool directory;
	/* a file */
	unsigned char *now, *durable;
	size_t size, durable_size;
	struct change *changes, **changes_end;
	/* a directory */
	struct names names, durable_names;
	struct rename_op *ops, **ops_end;
};

struct node *node_new(bool directory);
void node_free(struct node *node);
/* A write that no sync covers yet; what it says is in now already. */
void node_add_change(struct node *node, struct change *change);
/* A sync of it: what is now is durable. */
void node_sync(struct node *node);
/* Grown bytes are zero. */
void node_resize(unsigned char **bytes, size_t *size, size_t to);

/* The node of a name; 0: there is no such name. */
size_t names_find(const struct names *names, const char *name);
/* node 0: the name goes. */
void names_set(struct names *names, const char *name, size_t node);
void names_copy(struct names *to, const struct names *from);

#endif
