#ifndef DESK_H
#define DESK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "relayd/admin/conf.h"
#include "relayd/smtp/service.h"
#include "relayd/smtp/session.h"
#include "spool/envelope.h"

/*
 * The receiving side in memory: real rules from tests/dialogs/tables, a real
 * spool in a directory of its own on a disk that never syncs, a clock that
 * stands still, and one session at a time.
 */
struct desk;

struct desk_options {
	const char *client; /* NULL: 192.0.2.1, which holds no grant */
	bool accept_bare_lf;
	bool starttls; /* a certificate to offer */
	bool tls;      /* TLS runs from the start */
	bool disk_full;
	bool disk_fails; /* syncs fail */
};

struct desk *desk_new(const struct desk_options *options);
void desk_free(struct desk *desk);

/* The configuration, to be changed between sessions. */
struct conf *desk_conf(struct desk *desk);
struct service *desk_service(struct desk *desk);

/* A new session in the place of the old one; its banner is said. */
void desk_connect(struct desk *desk);
struct session *desk_session(struct desk *desk);
/*
 * Gives bytes to the session; a commit that this starts is done before it
 * returns (desk_hold() keeps it waiting), and a STARTTLS too.
 */
void desk_send(struct desk *desk, struct span bytes);
/* Moves what was said to out; false once the session is over. */
bool desk_receive(struct desk *desk, struct buf *out);
/* Bytes that the session has not taken. */
size_t desk_unread(const struct desk *desk);
/* While held, the disk does not answer. */
void desk_hold(struct desk *desk, bool held);

/* Messages that were committed in this session. */
size_t desk_queued(const struct desk *desk);
/*
 * The last of them: a line "from=<...> to=<...> ..." for its envelope, then
 * its content.
 */
struct span desk_last_message(const struct desk *desk);
/* Shows every one of them to committed, from here on. */
void desk_watch(struct desk *desk,
    void (*committed)(void *owner, const struct envelope *envelope,
	struct span content),
    void *owner);
/* Message IDs, in replies, are the one thing in which two runs may differ. */
void desk_mask_ids(struct buf *heard);
/* The log lines of this session. */
struct span desk_log(const struct desk *desk);

#endif
