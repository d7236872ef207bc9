#ifndef LOG_TARGET_H
#define LOG_TARGET_H

#include <sys/types.h>

#include <stdbool.h>

#include "base/buf.h"

/*
 * Where the lines go, without ever waiting for it.
 */
enum log_target_kind {
	LOG_TARGET_STDERR,  /* file, pipe or terminal: lines with a time */
	LOG_TARGET_JOURNAL, /* stderr is journald's: lines with <priority> */
	LOG_TARGET_FILE,
	LOG_TARGET_SYSLOG, /* a datagram each, RFC 3164 */
};

struct log_target {
	enum log_target_kind kind;
	int fd;         /* -1: none now (syslog away) */
	bool owned;     /* fd is ours to close */
	bool socket;    /* send(2) takes MSG_DONTWAIT */
	bool may_block; /* shared description: ask poll(2) before each write */
	char path[108]; /* of the syslog socket */
	int64_t retry;  /* syslog: wall second from which to connect again */
};

/* What is true before log_open(): stderr as it is. */
extern const struct log_target log_target_default;

/* False with the reason in why, and errno; *target is then untouched. */
bool log_target_open(struct log_target *target, const char *name,
    struct buf *why);
void log_target_close(struct log_target *target);
/*
 * Writes from the head of lines, each ending in \n, and eats what was taken;
 * lines that the target can never take are eaten too.  now is wall-clock
 * seconds.  True when all of it went.
 */
bool log_target_write(struct log_target *target, struct buf *lines,
    int64_t now);

#endif
