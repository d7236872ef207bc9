#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/buf.h"

/*
 * The UNIX socket on which a running relay is asked.
 */
struct control_socket {
	int fd;     /* listening, non-blocking; -1: none */
	char *path; /* owned */
	dev_t dev;  /* which socket file is ours: path may be somebody else's */
	ino_t ino;
};

/* Who may write to it. */
struct control_access {
	mode_t mode;       /* 0600 ... 0666 */
	const char *group; /* NULL: gid as it is */
	uid_t uid;         /* the owner; (uid_t)-1: whoever we are */
	gid_t gid;         /* without group; (gid_t)-1: ours */
};

/*
 * Binds path.  A socket file that a dead process left is replaced; one on
 * which somebody answers is refused, and so is a file of another kind.  False
 * with the reason in why.
 */
bool control_socket_open(struct control_socket *socket, const char *path,
    const struct control_access *access, struct buf *why);
/* Closes it and removes the file, if it is ours still. */
void control_socket_close(struct control_socket *socket);

#endif
