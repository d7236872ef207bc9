/*
 * log_target - where the lines of the log go.
 *
 * Job:     open stderr, a file or syslog's socket, and write without waiting.
 * Called:  by log, once a turn.
 * Owns:    the descriptor, unless it is stderr's.
 * Never:   blocks on a pipe, a terminal or a socket, and never sets
 *          O_NONBLOCK on stderr, which other processes share.
 *
 * A pipe or terminal at stderr is opened anew through /proc, which gives it
 * a description of our own that may be non-blocking.  Where that is refused,
 * poll(2) is asked before each write of at most PIPE_BUF bytes; then only
 * somebody else who fills the pipe in between could make us wait.  syslog(3)
 * is not used, since it waits for a slow syslogd.
 */
#include "relayd/admin/log_target.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	RETRY_SECONDS = 1,
	FILE_MODE = 0640
};

_Static_assert(sizeof(((struct log_target *)0)->path) ==
	sizeof(((struct sockaddr_un *)0)->sun_path),
    "a path that fits the target fits the socket");

const struct log_target log_target_default = {
	.kind = LOG_TARGET_STDERR,
	.fd = STDERR_FILENO,
	.may_block = true,
};

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode of its socket. */
static bool
is_journal(const struct stat *status)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;

	return stream != NULL &&
	    sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    device == status->st_dev && inode == status->st_ino;
}

static void
open_stderr(struct log_target *target)
{
	struct stat status;
	int fd;

	*target = log_target_default;
	if (fstat(STDERR_FILENO, &status) == -1)
		return;
	target->socket = S_ISSOCK(status.st_mode);
	target->may_block = S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
	if (is_journal(&status))
		target->kind = LOG_TARGET_JOURNAL;
	if (!target->may_block)
		return;
	fd = open("/proc/self/fd/2",
	    O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		return;
	target->fd = fd;
	target->owned = true;
	target->may_block = false;
}

static bool
open_file(struct log_target *target, const char *name, struct buf *why)
{
	/* O_NONBLOCK is for those who name a FIFO. */
	int fd = open(name,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
	    FILE_MODE);

	if (fd == -1) {
		int error = errno;

		buf_addf(why, "log file %s cannot be opened: %s", name,
		    strerror(error));
		errno = error;
		return false;
	}
	*target = (struct log_target){
		.kind = LOG_TARGET_FILE,
		.fd = fd,
		.owned = true,
	};
	return true;
}

/* -1 with errno when syslogd is not there. */
static int
connect_syslog(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, error;

	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static bool
open_syslog(struct log_target *target, const char *path, struct buf *why)
{
	struct log_target found = {
		.kind = LOG_TARGET_SYSLOG,
		.fd = -1,
		.owned = true,
		.socket = true,
	};

	if (strlen(path) >= sizeof(found.path)) {
		buf_addf(why, "syslog socket %s: the path is too long", path);
		return false;
	}
	memcpy(found.path, path, strlen(path) + 1);
	found.fd = connect_syslog(path);
	if (found.fd == -1) {
		buf_addf(why, "syslog socket %s cannot be reached: %s", path,
		    strerror(errno));
		return false;
	}
	*target = found;
	return true;
}

bool
log_target_open(struct log_target *target, const char *name, struct buf *why)
{
	if (strcmp(name, "stderr") == 0) {
		open_stderr(target);
		return true;
	}
	if (strcmp(name, "syslog") == 0)
		return open_syslog(target, "/dev/log", why);
	if (strncmp(name, "syslog:", strlen("syslog:")) == 0)
		return open_syslog(target, name + strlen("syslog:"), why);
	return open_file(target, name, why);
}

void
log_target_close(struct log_target *target)
{
	if (target->owned && target->fd != -1)
		close(target->fd);
	*target = log_target_default;
}

/* Would a write of PIPE_BUF bytes be taken at once? */
static bool
takes(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLOUT };

	return poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT) != 0;
}

/*
 * What to write at once: all of it to a file or stream socket; else whole
 * lines that a pipe takes in one piece, so that they do not mix with others'.
 */
static size_t
chunk(const struct log_target *target, struct span lines)
{
	struct span head = span_head(lines, PIPE_BUF);
	size_t end;

	if (target->kind == LOG_TARGET_FILE || target->socket ||
	    lines.len <= PIPE_BUF)
		return lines.len;
	end = span_find_last(head, '\n');
	return end == head.len ? head.len : end + 1;
}

static bool
write_stream(struct log_target *target, struct buf *lines)
{
	struct span rest;
	ssize_t sent;

	while (lines->len > 0) {
		rest = buf_span(lines);
		rest.len = chunk(target, rest);
		if (target->may_block && !takes(target->fd))
			return false;
		sent = target->socket ? send(target->fd, rest.data, rest.len,
					    MSG_DONTWAIT | MSG_NOSIGNAL) :
					write(target->fd, rest.data, rest.len);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		buf_eat(lines, (size_t)sent);
	}
	return true;
}

static bool
connected(struct log_target *target, int64_t now)
{
	if (target->fd == -1 && now >= target->retry) {
		target->fd = connect_syslog(target->path);
		target->retry = now + RETRY_SECONDS;
	}
	return target->fd != -1;
}

/* One line as one datagram.  False: not now. */
static bool
send_line(struct log_target *target, struct span line, int64_t now)
{
	if (!connected(target, now))
		return false;
	if (send(target->fd, line.data, line.len,
		MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return true;
	switch (errno) {
	case EMSGSIZE:
		return true; /* never would be: let it go */
	case EAGAIN:
	case EINTR:
	case ENOBUFS:
	case ENOMEM:
		return false;
	default: /* syslogd went away: connect again, a second later at most */
		close(target->fd);
		target->fd = -1;
		return false;
	}
}

bool
log_target_write(struct log_target *target, struct buf *lines, int64_t now)
{
	struct span rest, line;

	if (target->kind != LOG_TARGET_SYSLOG)
		return write_stream(target, lines);
	while (lines->len > 0) {
		rest = buf_span(lines);
		line = span_cut(&rest, '\n');
		if (!send_line(target, line, now))
			return false;
		buf_eat(lines, line.len < lines->len ? line.len + 1 : line.len);
	}
	return true;
}
