/*
 * control_socket - the UNIX socket on which a running relay is asked.
 *
 * Job:     bind it with the mode and group of the configuration; replace
 *          what a dead process left; take it away at the end.
 * Called:  by control.
 * Owns:    the listening descriptor and the file.
 * Never:   takes the socket of a living process, or removes any other file.
 */
#include "relayd/admin/control_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

enum {
	BACKLOG = 16
};

static bool
wrong(const char *path, const char *verb, struct buf *why)
{
	buf_addf(why, "control %s: %s: %s", path, verb, strerror(errno));
	return false;
}

static int
new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Does somebody answer there?  A full backlog (EAGAIN) is somebody, too. */
static bool
is_answered(const struct sockaddr_un *where)
{
	int fd = new_socket(), error = 0;

	if (fd == -1)
		return true; /* not known: leave it alone */
	if (connect(fd, (const struct sockaddr *)where, sizeof(*where)) == -1)
		error = errno;
	close(fd);
	return error != ECONNREFUSED && error != ENOENT;
}

/* Takes away what a dead process left; false: something else is there. */
static bool
clear_way(const struct sockaddr_un *where, struct buf *why)
{
	struct stat status;

	if (lstat(where->sun_path, &status) == -1)
		return errno == ENOENT || wrong(where->sun_path, "stat", why);
	if (!S_ISSOCK(status.st_mode)) {
		buf_addf(why, "control %s: there is a file that is no socket",
		    where->sun_path);
		return false;
	}
	if (is_answered(where)) {
		buf_addf(why, "control %s: in use by a running relayd",
		    where->sun_path);
		return false;
	}
	if (unlink(where->sun_path) == -1 && errno != ENOENT)
		return wrong(where->sun_path, "unlink", why);
	return true;
}

static bool
give(const char *path, const struct control_access *access, struct buf *why)
{
	const struct group *group;
	gid_t gid = access->gid;

	if (access->group != NULL) {
		group = getgrnam(access->group);
		if (group == NULL) {
			buf_addf(why,
			    "control_group \"%s\" is not known on this host",
			    access->group);
			return false;
		}
		gid = group->gr_gid;
	}
	if ((gid != (gid_t)-1 || access->uid != (uid_t)-1) &&
	    lchown(path, access->uid, gid) == -1)
		return wrong(path, "chown", why);
	if (chmod(path, access->mode) == -1)
		return wrong(path, "chmod", why);
	return true;
}

/* Bound with no permissions at all, so that nobody gets in before give(). */
static bool
bind_closed(int fd, const struct sockaddr_un *where)
{
	mode_t old = umask(0777);
	int result = bind(fd, (const struct sockaddr *)where, sizeof(*where));
	int error = errno;

	umask(old);
	errno = error;
	return result == 0;
}

bool
control_socket_open(struct control_socket *socket, const char *path,
    const struct control_access *access, struct buf *why)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	struct stat status;

	*socket = (struct control_socket){ .fd = -1 };
	if (strlen(path) >= sizeof(where.sun_path)) {
		errno = ENAMETOOLONG;
		return wrong(path, "bind", why);
	}
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	if (!clear_way(&where, why))
		return false;
	socket->fd = new_socket();
	if (socket->fd == -1)
		return wrong(path, "socket", why);
	if (!bind_closed(socket->fd, &where)) {
		wrong(path, "bind", why);
		control_socket_close(socket);
		return false;
	}
	socket->path = xstrdup(path);
	if (lstat(path, &status) == 0) {
		socket->dev = status.st_dev;
		socket->ino = status.st_ino;
	}
	if (give(path, access, why) && listen(socket->fd, BACKLOG) == 0)
		return true;
	if (why->len == 0)
		wrong(path, "listen", why);
	control_socket_close(socket);
	return false;
}

void
control_socket_close(struct control_socket *socket)
{
	struct stat status;

	if (socket->fd != -1)
		close(socket->fd);
	/* In a folder that is only root's it stays, for the next start. */
	if (socket->path != NULL && lstat(socket->path, &status) == 0 &&
	    status.st_dev == socket->dev && status.st_ino == socket->ino)
		unlink(socket->path);
	free(socket->path);
	*socket = (struct control_socket){ .fd = -1 };
}
