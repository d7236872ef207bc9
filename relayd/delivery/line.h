#ifndef LINE_H
#define LINE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/attempt.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/core.h"

/*
 * A line: one connection to a destination, from the search for a host that
 * answers to the QUIT.
 */
enum line_state {
	LINE_CONNECTING, /* to one host after the other */
	LINE_IDLE,
	LINE_BUSY,   /* carries a job */
	LINE_ENDING, /* of no more use; closed() is to come */
};

/* One address that is tried. */
struct reach {
	struct line *line;
	struct client *client; /* owned until it says closed(); or NULL */
	size_t host;           /* its number in the host list */
};

struct line {
	enum line_state state;
	struct destination *destination; /* borrowed */
	/*
	 * Two while it connects and the first takes long: another family
	 * beside it (RFC 8305); then the one that was greeted first.
	 */
	struct reach reach[2];
	struct reach *used; /* NULL before it was greeted */
	struct due due;     /* DUE_LINE, while due_waits */
	bool due_waits;
	struct attempt *attempt; /* owned while BUSY */
	size_t jobs;             /* that it was given */
	uint64_t reloads;        /* of the core, when it was opened */
	uint32_t tried;          /* hosts, a bit each */
	unsigned version;        /* of that list */
	bool refused;            /* every host so far, for good */
	unsigned kind;           /* of lines.c: who has it */
	uint64_t idle_since;
	LIST_ENTRY(line) link;         /* of the destination's */
	TAILQ_ENTRY(line) idle_link;   /* of the destination's that are idle */
	TAILQ_ENTRY(line) oldest_link; /* of all that are idle */
};
TAILQ_HEAD(line_idle_list, line);

/* DUE_LINE: the first address takes long. */
void line_due(struct due *due);
/* Begins to connect.  The caller asked lines_room() and hostlist_ready(). */
void line_open(struct destination *destination);
/* Sends an errand of the destination's over an idle line. */
void line_start(struct line *line, struct errand *errand);
/* Says QUIT on an idle line and frees it. */
void line_quit(struct line *line);
/* Drops the connection and what it carries, and frees it. */
void line_abort(struct line *line);

#endif
