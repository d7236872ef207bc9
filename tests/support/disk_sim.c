/*
 * disk_sim - a disk in memory that can lose what was not synced.
 *
 * Job:     behave as the kernel does while it runs; power_cut.c is how badly
 *          it may behave afterwards.
 * Called:  by the spool through struct disk; by tests.
 * Owns:    nodes (files and directories), names, descriptors.
 * Never:   makes anything durable but by a sync.
 */
#include "tests/support/disk_sim.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/disk_sim_inside.h"

enum {
	FD_BASE = 1000 /* so that a real one is not taken for ours */
};

size_t
disk_sim_add(struct disk_sim *sim, bool directory)
{
	if (sim->node_count == 0)
		sim->node_count = 1;
	sim->nodes =
	    xrealloc(sim->nodes, sim->node_count + 1, sizeof(*sim->nodes));
	sim->nodes[0] = NULL;
	sim->nodes[sim->node_count] = node_new(directory);
	return sim->node_count++;
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
	names_set(&sim->nodes[dir]->names, name, node);
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
	node = names_find(&sim->nodes[parent]->names, name);
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
		node = disk_sim_add(sim, false);
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
	node_add_change(node, change);
	if ((size_t)at + len > node->size)
		node_resize(&node->now, &node->size, (size_t)at + len);
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
	node_sync(node);
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
		node_resize(&node->now, &node->size, (size_t)size);
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
	node_resize(&node->now, &node->size, (size_t)size);
	changed(sim);
	return 0;
}

static int
sim_rename(void *owner, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct disk_sim *sim = owner;
	size_t node;

	node = names_find(&sim->nodes[node_of(sim, from_dir)]->names, from);
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

	if (names_find(&sim->nodes[node_of(sim, dir)]->names, name) == 0) {
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
	if (names_find(&sim->nodes[node_of(sim, dir)]->names, name) != 0) {
		errno = EEXIST;
		return -1;
	}
	if (!may_change(sim))
		return -1;
	sim->rename_number++;
	change_name(sim, node_of(sim, dir), name, disk_sim_add(sim, true));
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

/* ---- making ---- */

struct disk_sim *
disk_sim_make(void)
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
	struct disk_sim *sim = disk_sim_make();
	size_t top = disk_sim_add(sim, true);

	names_set(&sim->nodes[top]->names, DISK_SIM_ROOT,
	    disk_sim_add(sim, true));
	names_copy(&sim->nodes[top]->durable_names, &sim->nodes[top]->names);
	return sim;
}

void
disk_sim_free(struct disk_sim *sim)
{
	size_t i;

	if (sim == NULL)
		return;
	for (i = 1; i < sim->node_count; i++)
		node_free(sim->nodes[i]);
	free(sim->nodes);
	free(sim);
}

const struct disk *
disk_sim_disk(struct disk_sim *sim)
{
	return &sim->disk;
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
	size_t node = names_find(&sim->nodes[1]->names, DISK_SIM_ROOT);
	char part[NAME_LEN];
	size_t len;

	while (node != 0 && *path != '\0') {
		len = strcspn(path, "/");
		assert(len < sizeof(part));
		memcpy(part, path, len);
		part[len] = '\0';
		path += len + (path[len] == '/');
		node = names_find(&sim->nodes[node]->names, part);
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
