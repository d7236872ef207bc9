/*
 * disk_sim - a disk in memory that can lose what was not synced.
 *
 * Job:     behave as the kernel does while it runs, and as badly as a power
 *          cut allows afterwards.
 * Called:  by the spool through struct disk; by tests.
 * Owns:    nodes (files and directories), names, descriptors.
 * Never:   keeps what no sync covered because it is likely: each 512-byte
 *          sector and each name is decided apart.
 */
#include "tests/support/disk_sim.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	SECTOR = 512,
	NAME_LEN = 64,
	FDS = 1024,
	FD_BASE = 1000, /* so that a real one is not taken for ours */
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

/* ---- nodes ---- */

static size_t
add_node(struct disk_sim *sim, bool directory)
{
	struct node *node = xcalloc(1, sizeof(*node));

	if (sim->node_count == 0)
		sim->node_count = 1;
	sim->nodes =
	    xrealloc(sim->nodes, sim->node_count + 1, sizeof(*sim->nodes));
	sim->nodes[0] = NULL;
	node->directory = directory;
	node->changes_end = &node->changes;
	node->ops_end = &node->ops;
	sim->nodes[sim->node_count] = node;
	return sim->node_count++;
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

static void
free_node(struct node *node)
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

static void
resize(unsigned char **bytes, size_t *size, size_t to)
{
	if (to > *size) {
		*bytes = xrealloc(*bytes, to, 1);
		memset(*bytes + *size, 0, to - *size);
	}
	*size = to;
}

/* ---- names ---- */

static size_t
find_name(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (strcmp(names->entries[i].name, name) == 0)
			return names->entries[i].node;
	return 0;
}

static void
set_name(struct names *names, const char *name, size_t node)
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

static void
copy_names(struct names *to, const struct names *from)
{
	free(to->entries);
	to->entries = xcalloc(from->count, sizeof(struct entry));
	if (from->count > 0)
		memcpy(to->entries, from->entries,
		    from->count * sizeof(struct entry));
	to->count = from->count;
}

static void
change_name(struct disk_sim *sim, size_t dir, const char *name, size_t node)
{
	struct rename_op *op = xcalloc(1, sizeof(*op));

	strncpy(op->name, name, NAME_LEN - 1);
	op->node = node;
	op->number = sim->rename_number;
	*sim->nodes[dir]->ops_end = op;
	sim->nodes[dir]->ops_end = &op->next;
	set_name(&sim->nodes[dir]->names, name, node);
}

/* ---- the calls ---- */

/* A call that changes something: may it? */
static bool
may_change(struct disk_sim *sim)
{
	if (sim->limited && sim->calls_left == 0) {
		errno = EIO;
		return false;
	}
	return true;
}

static void
changed(struct disk_sim *sim)
{
	if (sim->limited)
		sim->calls_left--;
	if (sim->after != NULL)
		sim->after(sim->arg);
}

static size_t
node_of(const struct disk_sim *sim, int fd)
{
	assert(fd >= FD_BASE && fd < FD_BASE + FDS);
	assert(sim->fds[fd - FD_BASE] != 0);
	return sim->fds[fd - FD_BASE];
}

static int
give_fd(struct disk_sim *sim, size_t node)
{
	int i;

	for (i = 0; i < FDS; i++) {
		if (sim->fds[i] != 0)
			continue;
		sim->fds[i] = node;
		sim->open_count++;
		return FD_BASE + i;
	}
	errno = EMFILE;
	return -1;
}

static int
sim_open(void *owner, int dir, const char *name, int flags, mode_t mode)
{
	struct disk_sim *sim = owner;
	size_t parent = dir == AT_FDCWD ? 1 : node_of(sim, dir), node;

	(void)mode;
	node = find_name(&sim->nodes[parent]->names, name);
	if (node != 0 && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (node == 0 && (flags & O_CREAT) == 0) {
		errno = ENOENT;
		return -1;
	}
	if (node == 0) {
		if (!may_change(sim))
			return -1;
		sim->rename_number++;
		node = add_node(sim, false);
		change_name(sim, parent, name, node);
		changed(sim);
	} else if ((flags & O_TRUNC) != 0) {
		sim->nodes[node]->size = 0;
	}
	return give_fd(sim, node);
}

static int
sim_close(void *owner, int fd)
{
	struct disk_sim *sim = owner;

	node_of(sim, fd);
	sim->fds[fd - FD_BASE] = 0;
	sim->open_count--;
	return 0;
}

static ssize_t
sim_pread(void *owner, int fd, void *data, size_t len, off_t at)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, fd)];

	if ((size_t)at >= node->size)
		return 0;
	if (len > node->size - (size_t)at)
		len = node->size - (size_t)at;
	memcpy(data, node->now + at, len);
	return (ssize_t)len;
}

static ssize_t
sim_pwritev(void *owner, int fd, const struct iovec *parts, int count, off_t at)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, fd)];
	struct change *change;
	size_t len = 0, done = 0;
	int i;

	if (!may_change(sim))
		return -1;
	for (i = 0; i < count; i++)
		len += parts[i].iov_len;
	change = xcalloc(1, sizeof(*change) + len);
	change->at = (uint64_t)at;
	change->len = len;
	for (i = 0; i < count; i++) {
		if (parts[i].iov_len > 0)
			memcpy(change->bytes + done, parts[i].iov_base,
			    parts[i].iov_len);
		done += parts[i].iov_len;
	}
	*node->changes_end = change;
	node->changes_end = &change->next;
	if ((size_t)at + len > node->size)
		resize(&node->now, &node->size, (size_t)at + len);
	if (len > 0)
		memcpy(node->now + at, change->bytes, len);
	changed(sim);
	return (ssize_t)len;
}

static int
sim_sync(void *owner, int fd, bool data_only)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, fd)];

	(void)data_only; /* the size is needed to read what was written */
	if (!may_change(sim))
		return -1;
	if (node->directory && sim->forget_names) {
		changed(sim);
		return 0;
	}
	if (node->directory) {
		copy_names(&node->durable_names, &node->names);
	} else {
		resize(&node->durable, &node->durable_size, node->size);
		if (node->size > 0)
			memcpy(node->durable, node->now, node->size);
	}
	forget_changes(node);
	changed(sim);
	return 0;
}

static int
sim_allocate(void *owner, int fd, off_t size)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, fd)];

	if (!may_change(sim))
		return -1;
	if ((size_t)size > node->size)
		resize(&node->now, &node->size, (size_t)size);
	changed(sim);
	return 0;
}

static int
sim_truncate(void *owner, int fd, off_t size)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, fd)];

	if (!may_change(sim))
		return -1;
	resize(&node->now, &node->size, (size_t)size);
	changed(sim);
	return 0;
}

static int
sim_rename(void *owner, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct disk_sim *sim = owner;
	size_t node;

	node = find_name(&sim->nodes[node_of(sim, from_dir)]->names, from);
	if (node == 0) {
		errno = ENOENT;
		return -1;
	}
	if (!may_change(sim))
		return -1;
	sim->rename_number++;
	change_name(sim, node_of(sim, from_dir), from, 0);
	change_name(sim, node_of(sim, to_dir), to, node);
	changed(sim);
	return 0;
}

static int
sim_unlink(void *owner, int dir, const char *name)
{
	struct disk_sim *sim = owner;

	if (find_name(&sim->nodes[node_of(sim, dir)]->names, name) == 0) {
		errno = ENOENT;
		return -1;
	}
	if (!may_change(sim))
		return -1;
	sim->rename_number++;
	change_name(sim, node_of(sim, dir), name, 0);
	changed(sim);
	return 0;
}

static int
sim_mkdir(void *owner, int dir, const char *name, mode_t mode)
{
	struct disk_sim *sim = owner;

	(void)mode;
	if (find_name(&sim->nodes[node_of(sim, dir)]->names, name) != 0) {
		errno = EEXIST;
		return -1;
	}
	if (!may_change(sim))
		return -1;
	sim->rename_number++;
	change_name(sim, node_of(sim, dir), name, add_node(sim, true));
	changed(sim);
	return 0;
}

static int
sim_list(void *owner, int dir, bool (*visit)(void *arg, const char *name),
    void *arg)
{
	struct disk_sim *sim = owner;
	struct node *node = sim->nodes[node_of(sim, dir)];
	size_t i;

	for (i = 0; i < node->names.count; i++)
		if (!visit(arg, node->names.entries[i].name))
			break;
	return 0;
}

static int
sim_size(void *owner, int fd, off_t *size)
{
	struct disk_sim *sim = owner;

	*size = (off_t)sim->nodes[node_of(sim, fd)]->size;
	return 0;
}

static int
sim_space(void *owner, int dir, uint64_t *bytes, uint64_t *inodes)
{
	struct disk_sim *sim = owner;

	node_of(sim, dir);
	*bytes = sim->free_bytes;
	*inodes = sim->free_inodes;
	return 0;
}

static int
sim_lock(void *owner, int fd)
{
	node_of(owner, fd);
	return 0;
}

/* ---- making and crashing ---- */

static struct disk_sim *
make(void)
{
	struct disk_sim *sim = xcalloc(1, sizeof(*sim));

	sim->disk = (struct disk){
		.owner = sim,
		.open = sim_open,
		.close = sim_close,
		.pread = sim_pread,
		.pwritev = sim_pwritev,
		.sync = sim_sync,
		.allocate = sim_allocate,
		.truncate = sim_truncate,
		.rename = sim_rename,
		.unlink = sim_unlink,
		.mkdir = sim_mkdir,
		.list = sim_list,
		.size = sim_size,
		.space = sim_space,
		.lock = sim_lock,
	};
	sim->free_bytes = sim->free_inodes = UINT64_MAX;
	return sim;
}

struct disk_sim *
disk_sim_new(void)
{
	struct disk_sim *sim = make();
	size_t top = add_node(sim, true);

	set_name(&sim->nodes[top]->names, DISK_SIM_ROOT, add_node(sim, true));
	copy_names(&sim->nodes[top]->durable_names, &sim->nodes[top]->names);
	return sim;
}

void
disk_sim_free(struct disk_sim *sim)
{
	size_t i;

	if (sim == NULL)
		return;
	for (i = 1; i < sim->node_count; i++)
		free_node(sim->nodes[i]);
	free(sim->nodes);
	free(sim);
}

const struct disk *
disk_sim_disk(struct disk_sim *sim)
{
	return &sim->disk;
}

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
			resize(&node->now, &node->size, to);
		memcpy(node->now + at, change->bytes + (at - change->at),
		    to - at);
	}
}

static void
crash_file(struct node *to, const struct node *from, struct fate *fate)
{
	const struct change *change;

	resize(&to->now, &to->size, from->durable_size);
	if (to->size > 0)
		memcpy(to->now, from->durable, to->size);
	fate->mode = (unsigned)(next_random(&fate->state) % MODES);
	if (survives(fate) && from->size > to->size)
		resize(&to->now, &to->size, from->size);
	for (change = from->changes; change != NULL; change = change->next)
		apply_change(to, change, fate);
	resize(&to->durable, &to->durable_size, to->size);
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

	copy_names(&to->names, &from->durable_names);
	for (op = from->ops; op != NULL; op = op->next) {
		state = fate->seed + op->number;
		if (fate->seed == 0 ||
		    (fate->seed > 1 && next_random(&state) % 2 == 0))
			continue;
		set_name(&to->names, op->name, op->node);
	}
	copy_names(&to->durable_names, &to->names);
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
	struct disk_sim *after = make();
	struct fate fate = { .seed = seed, .state = seed };
	size_t i, node;

	for (i = 1; i < sim->node_count; i++) {
		node = add_node(after, sim->nodes[i]->directory);
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

/* ---- for tests ---- */

void
disk_sim_watch(struct disk_sim *sim, void (*after)(void *arg), void *arg)
{
	sim->after = after;
	sim->arg = arg;
}

void
disk_sim_stop_after(struct disk_sim *sim, size_t calls)
{
	sim->limited = true;
	sim->calls_left = calls;
}

bool
disk_sim_stopped(const struct disk_sim *sim)
{
	return sim->limited && sim->calls_left == 0;
}

void
disk_sim_forget_names(struct disk_sim *sim)
{
	sim->forget_names = true;
}

size_t
disk_sim_open_count(const struct disk_sim *sim)
{
	return sim->open_count;
}

void
disk_sim_set_space(struct disk_sim *sim, uint64_t bytes, uint64_t inodes)
{
	sim->free_bytes = bytes;
	sim->free_inodes = inodes;
}

static struct node *
node_at(struct disk_sim *sim, const char *path)
{
	size_t node = find_name(&sim->nodes[1]->names, DISK_SIM_ROOT);
	char part[NAME_LEN];
	size_t len;

	while (node != 0 && *path != '\0') {
		len = strcspn(path, "/");
		assert(len < sizeof(part));
		memcpy(part, path, len);
		part[len] = '\0';
		path += len + (path[len] == '/');
		node = find_name(&sim->nodes[node]->names, part);
	}
	return node == 0 ? NULL : sim->nodes[node];
}

unsigned char *
disk_sim_file(struct disk_sim *sim, const char *path, size_t *size)
{
	struct node *node = node_at(sim, path);

	if (node == NULL || node->directory)
		return NULL;
	*size = node->size;
	return node->now;
}

size_t
disk_sim_files(struct disk_sim *sim, const char *path)
{
	struct node *node = node_at(sim, path);

	return node == NULL ? 0 : node->names.count;
}
