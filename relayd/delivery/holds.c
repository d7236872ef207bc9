/*
 * holds - which messages an administrator holds.
 *
 * Job:     a set of IDs; the file that brings it over a restart.
 * Called:  by destination.c before it queues; by manage.c; by main.
 * Owns:    the set.
 * Never:   knows whether a message is still owed.
 */
#include "relayd/delivery/holds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "spool/spool.h"

enum {
	LINE = SPOOL_ID_LEN + 1, /* with its \n */
	SIZE_FIRST = 64,
};

void
holds_init(struct holds *holds)
{
	*holds = (struct holds){ .slots = NULL };
}

void
holds_clear(struct holds *holds)
{
	free(holds->slots);
	holds_init(holds);
}

/* ---- the set ---- */

static size_t
home(const struct holds *holds, uint64_t id)
{
	return ((id * 0x9e3779b97f4a7c15u) >> 20) & (holds->size - 1);
}

/* The slot with this ID, or the empty one where it would be. */
static size_t
place(const struct holds *holds, uint64_t id)
{
	size_t at = home(holds, id);

	while (holds->slots[at] != 0 && holds->slots[at] != id)
		at = (at + 1) & (holds->size - 1);
	return at;
}

bool
holds_has(const struct holds *holds, uint64_t id)
{
	return holds->count > 0 && holds->slots[place(holds, id)] == id;
}

static void
grow(struct holds *holds)
{
	struct holds old = *holds;
	size_t i;

	holds->size = old.size == 0 ? SIZE_FIRST : old.size * 2;
	holds->slots = xcalloc(holds->size, sizeof(*holds->slots));
	for (i = 0; i < old.size; i++)
		if (old.slots[i] != 0)
			holds->slots[place(holds, old.slots[i])] = old.slots[i];
	free(old.slots);
}

bool
holds_add(struct holds *holds, uint64_t id)
{
	size_t at;

	if (id == 0)
		return false;
	if (2 * (holds->count + 1) > holds->size)
		grow(holds);
	at = place(holds, id);
	if (holds->slots[at] == id)
		return false;
	holds->slots[at] = id;
	holds->count++;
	return true;
}

/* Those behind it that could not be found any more move up: Knuth 6.4, R. */
static void
close_gap(struct holds *holds, size_t gap)
{
	size_t mask = holds->size - 1, at = gap, wanted;

	for (;;) {
		holds->slots[gap] = 0;
		do {
			at = (at + 1) & mask;
			if (holds->slots[at] == 0)
				return;
			wanted = home(holds, holds->slots[at]);
		} while (((at - wanted) & mask) < ((at - gap) & mask));
		holds->slots[gap] = holds->slots[at];
		gap = at;
	}
}

bool
holds_remove(struct holds *holds, uint64_t id)
{
	if (!holds_has(holds, id))
		return false;
	close_gap(holds, place(holds, id));
	holds->count--;
	return true;
}

uint64_t *
holds_list(const struct holds *holds)
{
	uint64_t *ids = xcalloc(holds->count + 1, sizeof(*ids));
	size_t i, count = 0;

	for (i = 0; i < holds->size; i++)
		if (holds->slots[i] != 0)
			ids[count++] = holds->slots[i];
	return ids;
}

/* ---- the file ---- */

static bool
wrong(const char *file, const char *verb, struct buf *why)
{
	buf_addf(why, "%s: %s: %s", file, verb, strerror(errno));
	return false;
}

bool
holds_read(struct holds *holds, const char *file, struct buf *why)
{
	FILE *stream = fopen(file, "re");
	char line[LINE + 2];
	uint64_t id;
	bool good;

	if (stream == NULL)
		return errno == ENOENT || wrong(file, "open", why);
	while (fgets(line, sizeof(line), stream) != NULL)
		if (spool_id_parse(span_make(line, strcspn(line, "\n")), &id))
			holds_add(holds, id);
	good = ferror(stream) == 0;
	if (!good)
		wrong(file, "read", why);
	fclose(stream);
	return good;
}

static bool
write_lines(FILE *stream, const uint64_t *ids, size_t count)
{
	char text[SPOOL_ID_LEN + 1];
	size_t i;

	for (i = 0; i < count; i++) {
		spool_id_text(ids[i], text);
		if (fprintf(stream, "%s\n", text) < 0)
			return false;
	}
	return fflush(stream) == 0 && fdatasync(fileno(stream)) == 0;
}

static bool
sync_folder(const char *file)
{
	char folder[PATH_MAX];
	char *slash;
	bool good;
	int fd;

	snprintf(folder, sizeof(folder), "%s", file);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return true;
	*slash = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return false;
	good = fsync(fd) == 0;
	close(fd);
	return good;
}

bool
holds_write(const char *file, const uint64_t *ids, size_t count,
    struct buf *why)
{
	char aside[PATH_MAX];
	FILE *stream;
	bool good;

	if ((size_t)snprintf(aside, sizeof(aside), "%s.new", file) >=
	    sizeof(aside)) {
		errno = ENAMETOOLONG;
		return wrong(file, "open", why);
	}
	stream = fopen(aside, "we");
	if (stream == NULL)
		return wrong(aside, "open", why);
	good = write_lines(stream, ids, count);
	if (!good)
		wrong(aside, "write", why);
	if (fclose(stream) != 0 && good)
		good = wrong(aside, "write", why);
	if (!good)
		return false;
	if (rename(aside, file) == -1 || !sync_folder(file))
		return wrong(file, "rename", why);
	return true;
}
