#ifndef CTL_H
#define CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "relayd/settings.h"

/*
 * What every command of relayctl needs: its options, the running relayd behind
 * its socket, the files when none runs.
 */
enum ctl_status {
	CTL_YES = 0,
	CTL_NO = 1,
	CTL_USAGE = 2,
	CTL_NOT_RUNNING = 3,
};

struct ctl {
	const char *conf;   /* relayd.conf */
	const char *socket; /* NULL: the one that relayd.conf names */
	const char *spool;  /* --spool: a directory; NULL: not given */
	bool json;
	bool brief;         /* what changed was shown already */
	char *found_socket; /* owned; private */
	bool conf_wrong;    /* its errors were said; private */
};

/* A row of the table of commands: relayctl.c. */
struct ctl_command {
	const char *name;
	const char *arguments; /* for the usage */
	const char *summary;
	/* argv[0] is the command's own name. */
	enum ctl_status (*run)(struct ctl *ctl, int argc, char *argv[]);
};

/*
 * Asks the running relayd and calls row (which borrows it) for each object of
 * the answer but its progress and its end; progress is shown on a terminal.
 * request is taken over; NULL is one that JSON cannot say.  CTL_NOT_RUNNING when nobody answers; nothing is printed
 * then.  Errors of the answer are printed.
 */
enum ctl_status ctl_ask(struct ctl *ctl, json_t *request,
    void (*row)(void *owner, const json_t *row), void *owner);

/* Prints a row as one line of JSON. */
void ctl_print_json(const json_t *row);
/* A member as text; "" when there is none. */
const char *ctl_text(const json_t *row, const char *name);

/* Reads configuration and tables; prints every error.  False: there were some. */
bool ctl_settings(struct ctl *ctl, struct settings *settings);
bool ctl_conf(struct ctl *ctl, struct conf **conf);

/* relayctl: text, on standard error; always status. */
enum ctl_status ctl_say(enum ctl_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "relayd is not running", and where it was looked for. */
enum ctl_status ctl_say_not_running(struct ctl *ctl);

#endif
