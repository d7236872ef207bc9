/*
 * table_file - a table that is being edited.
 *
 * Job:     lock, read, write aside, sync, rename: so that two who edit lose
 *          nothing, and a crash leaves the old file or the new one.
 * Called:  by relayctl allow, revoke and edit.
 * Owns:    the lock and the file aside.
 * Never:   writes into the table itself, nor over somebody else's change.
 */
#include "relayd/admin/table_file.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/file_attributes.h"

enum {
	BYTES_MAX = 1 << 30,
	READ_BYTES = 1 << 16,
	RETRY_MS = 50,
	MODE_OF_NEW = 0644,
};

static bool lock_folder(struct table_file *file, unsigned wait_seconds,
    struct buf *why);
static bool read_text(struct table_file *file, struct buf *why);
static bool write_all(int fd, struct span text);

static bool
fail(struct buf *why, const char *path, const char *what)
{
	buf_addf(why, "%s %s: %s", path, what, strerror(errno));
	return false;
}

bool
table_file_open(struct table_file *file, const char *path,
    unsigned wait_seconds, struct buf *why)
{
	char *real = realpath(path, NULL);

	*file = (struct table_file){ .folder = -1, .source = -1 };
	file->path = xstrdup(real == NULL ? path : real);
	free(real);
	buf_init(&file->text, BYTES_MAX);
	if (lock_folder(file, wait_seconds, why) && read_text(file, why))
		return true;
	table_file_close(file);
	return false;
}

/* To the same people as before; it is nobody else's until then. */
static bool
give_access(const struct table_file *file, int fd)
{
	const struct stat *was = &file->was;

	if (!file->exists)
		return fchmod(fd, MODE_OF_NEW) == 0;
	return (fchown(fd, was->st_uid, was->st_gid) == 0 ||
		   (was->st_uid == geteuid() && was->st_gid == getegid())) &&
	    fchmod(fd, was->st_mode & 07777) == 0 &&
	    file_attributes_copy(file->source, fd);
}

bool
table_file_write(struct table_file *file, struct span text, struct buf *why)
{
	struct buf name;
	char *last = strrchr(file->path, '/');
	bool good;
	int fd;

	buf_init(&name, 2 * strlen(file->path) + 32);
	if (last != NULL)
		buf_add(&name,
		    span_make(file->path, (size_t)(last - file->path) + 1));
	buf_addf(&name, ".%s.XXXXXX", last == NULL ? file->path : last + 1);
	file->aside = xstrdup(buf_text(&name));
	buf_clear(&name);
	fd = mkostemp(file->aside, O_CLOEXEC);
	if (fd == -1) {
		free(file->aside);
		file->aside = NULL;
		return fail(why, file->path, "cannot be written aside");
	}
	good = give_access(file, fd) && write_all(fd, text) && fsync(fd) == 0;
	if (!good)
		fail(why, file->path, "cannot be written aside");
	close(fd);
	return good;
}

/* Is the file still the one that was read? */
static bool
unchanged(const struct table_file *file)
{
	const struct stat *was = &file->was;
	struct stat now;

	if (stat(file->path, &now) == -1)
		return errno == ENOENT && !file->exists;
	return file->exists && now.st_ino == was->st_ino &&
	    now.st_dev == was->st_dev && now.st_size == was->st_size &&
	    now.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

bool
table_file_install(struct table_file *file, struct buf *why)
{
	if (!unchanged(file)) {
		buf_addf(why,
		    "%s was changed by somebody else meanwhile: nothing is "
		    "installed; try again",
		    file->path);
		return false;
	}
	if (rename(file->aside, file->path) == -1)
		return fail(why, file->path, "cannot be replaced");
	free(file->aside);
	file->aside = NULL;
	if (fsync(file->folder) == -1)
		return fail(why, file->path, "is new, but not surely on disk");
	return true;
}

void
table_file_discard(struct table_file *file)
{
	if (file->aside != NULL)
		unlink(file->aside);
	free(file->aside);
	file->aside = NULL;
}

void
table_file_close(struct table_file *file)
{
	table_file_discard(file);
	free(file->path);
	if (file->folder != -1)
		close(file->folder);
	if (file->source != -1)
		close(file->source);
	buf_clear(&file->text);
	*file = (struct table_file){ .folder = -1, .source = -1 };
}

static bool
lock_folder(struct table_file *file, unsigned wait_seconds, struct buf *why)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	unsigned tries = wait_seconds * 1000 / RETRY_MS;
	char *copy = xstrdup(file->path);

	file->folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (file->folder == -1)
		return fail(why, file->path, "is in no folder to be read");
	while (flock(file->folder, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail(why, file->path, "cannot be locked");
		if (tries-- == 0) {
			buf_addf(why,
			    "somebody else is editing %s or a file beside it; "
			    "try again",
			    file->path);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

static bool
read_text(struct table_file *file, struct buf *why)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = -1;
	size_t room;
	char *to;

	if (fd == -1)
		return errno == ENOENT ||
		    fail(why, file->path, "cannot be opened");
	file->exists = true;
	file->source = fd;
	if (fstat(fd, &file->was) == 0 && S_ISREG(file->was.st_mode)) {
		while (
		    (to = buf_room(&file->text, READ_BYTES, &room)) != NULL &&
		    (got = read(fd, to, room)) > 0)
			buf_grew(&file->text, (size_t)got);
	} else {
		errno = EINVAL;
	}
	return got == 0 || fail(why, file->path, "cannot be read");
}

static bool
write_all(int fd, struct span text)
{
	ssize_t put;

	while (text.len > 0) {
		put = write(fd, text.data, text.len);
		if (put == -1 && errno != EINTR)
			return false;
		if (put > 0)
			text = span_skip(text, (size_t)put);
	}
	return true;
}
