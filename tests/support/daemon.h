#ifndef DAEMON_H
#define DAEMON_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * A relayd for one test: its own folder, tables, port and log; started,
 * stopped and killed by its pid.  Whatever goes wrong fails the test, and
 * what it had logged is shown then.  Every wait is bounded.
 */
struct daemon;

/* Texts to go into relayd.conf and its tables; any may be NULL. */
struct daemon_setup {
	const char *hosted;    /* default: nothing but what campus.test needs */
	const char *allowlist; /* default: no file */
	const char *delivery;  /* settings inside delivery = { }; */
	const char *limits;    /* settings inside limits = { }; */
	const char *spool;     /* settings inside spool = { }; */
	const char *more;      /* settings of the outermost level */
	uint16_t dns_port;     /* 0: a port where nobody answers */
};

struct daemon *daemon_new(const struct daemon_setup *setup);
/* Ends it if need be, asks for a clean log, removes the folder. */
void daemon_free(struct daemon *daemon);

/* Its folder, and the port that it serves on 127.0.0.1. */
const char *daemon_folder(const struct daemon *daemon);
uint16_t daemon_port(const struct daemon *daemon);
pid_t daemon_pid(const struct daemon *daemon);
/* Writes a file in its folder, aside and renamed. */
void daemon_write(struct daemon *daemon, const char *name, const char *text);
/* Writes relayd.conf and the tables anew. */
void daemon_configure(struct daemon *daemon, const struct daemon_setup *setup);

/* Starts and waits until it greets. */
void daemon_start(struct daemon *daemon);
/* Starts with -t or without, and waits for its end; the exit status. */
int daemon_try(struct daemon *daemon, bool check_only);
/* A running one: SIGTERM must end it orderly; SIGKILL just ends it. */
void daemon_stop(struct daemon *daemon);
void daemon_kill(struct daemon *daemon);
/* SIGHUP; waits for the log line that says what became of it. */
void daemon_reload(struct daemon *daemon);

/* Everything it has said on standard error so far; owned by the daemon. */
const char *daemon_log(struct daemon *daemon);
/* Empties the log, so that later looks see what is new. */
void daemon_log_forget(struct daemon *daemon);
/* How many log lines hold all these texts (a NULL ends them). */
int daemon_logged(struct daemon *daemon, const char *text, ...)
    __attribute__((sentinel));
/* Waits for such a line; fails the test when none comes in time. */
void daemon_wait_log(struct daemon *daemon, const char *text, ...)
    __attribute__((sentinel));
/* Fails the test when a sanitizer has spoken. */
void daemon_assert_sane(struct daemon *daemon);

#endif
