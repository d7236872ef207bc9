#ifndef CONTROL_H
#define CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "domains/rules.h"
#include "relayd/admin/conf.h"
#include "relayd/admin/control_socket.h"
#include "relayd/admin/file_stamp.h"
#include "relayd/net/loop.h"

/*
 * The control socket: one request per connection, a JSON object on one line,
 *
 *     {"command":"queue","domain":"campus.test"}
 *
 * and an answer of JSON objects, one a line.  Each has a "kind"; the last is
 * {"kind":"end","status":0}, or has status 1 (no) or 2 (bad request) and
 * "error", a text.  {"kind":"progress","done":N,"total":M} may come between.
 * Whoever may write to the socket may ask everything; who asked for a change
 * is logged.
 */
struct control;
struct control_job;
struct delivery;
struct helper;
struct rates;
struct resolver;
struct settings;
struct smtp_server;
struct spool;
struct uses;

/* What commands look at; borrowed from main. */
struct control_rooms {
	struct loop *loop;
	struct spool *spool;
	struct smtp_server *smtp;
	struct delivery *delivery;
	struct resolver *resolver;
	struct helper *helper;
	const struct rates *rates;
	const struct uses *uses;
	const struct conf *conf; /* control_reloaded() changes these five */
	const struct rules *rules;
	struct file_stamp hosted, allowlist;
	int64_t loaded_at; /* wall-clock seconds: when these were read */
	int64_t started_at;
	/* Reloads everything; told() hears of the end: reload_ask(). */
	void (*reload)(void *owner,
	    void (*told)(void *told_owner, bool good, const char *text),
	    void *told_owner);
	void (*reload_forget)(void *owner, const void *told_owner);
	void *owner;
};

enum control_status {
	CONTROL_YES = 0,
	CONTROL_NO = 1,
	CONTROL_USAGE = 2,
};

/* A row of the table of commands: control_commands.c. */
struct control_command {
	const char *name;
	bool changes; /* log who asks */
	/*
	 * Reads the request, and may answer all of it.  When it neither
	 * fails nor sets job->step, that was all.
	 */
	void (*begin)(struct control_job *job);
};
const struct control_command *control_command_find(const char *name);

/* One request; on its way to an answer. */
struct control_job {
	struct control_rooms *rooms; /* borrowed */
	json_t *request;             /* owned by the connection */
	void *state;                 /* the command's */
	/*
	 * A small bounded piece of work, well below a millisecond; called
	 * again and again, some times a turn, while the client reads, until
	 * false.
	 */
	bool (*step)(struct control_job *job);
	bool waits;                   /* no step before control_wake() */
	void (*release)(void *state); /* frees state, if any */
	enum control_status status;
	struct buf error;     /* why status is not YES */
	struct buf *out;      /* borrowed; by control_say() */
	bool cut;             /* something did not fit there; private */
	uint64_t progress_at; /* monotonic ms; private */
};

/* What the job waited for has come: its next step is due. */
void control_wake(struct control_job *job);
/*
 * One line of the answer.  Takes over row, an object.  One that does not fit is
 * left out, and the answer's end says so.
 */
void control_say(struct control_job *job, json_t *row);
/* {"kind":"progress"}; at most one a second is said. */
void control_progress(struct control_job *job, size_t done, size_t total);
/* The answer ends with this status; always false, to be returned by step. */
bool control_fail(struct control_job *job, enum control_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A text from outside, escaped as in the log, so that it is UTF-8. */
json_t *control_text(struct span text);
/*
 * A member of the request.  False: it is there and of another type, and
 * control_fail() was called.  A missing one leaves *value as it was.
 */
bool control_string(struct control_job *job, const char *name,
    const char **value);
bool control_number(struct control_job *job, const char *name, uint64_t *value);
bool control_flag(struct control_job *job, const char *name, bool *value);

/*
 * Reads one request, without a socket: NULL after control_fail().  The caller
 * owns job->request.
 */
const struct control_command *control_read(struct control_job *job,
    struct span line);

/*
 * Listens at socket, which is taken over.  rooms is copied.
 */
struct control *control_new(struct control_socket *socket,
    const struct control_rooms *rooms);
/* Settings were exchanged. */
void control_reloaded(struct control *control, const struct settings *settings);
/* Kills what is open; the loop's next reap frees. */
void control_free(struct control *control);

#endif
