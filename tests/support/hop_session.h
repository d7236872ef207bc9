#ifndef HOP_SESSION_H
#define HOP_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * The server side of SMTP as a next hop shows it: bytes in, replies out, no
 * socket.  It takes every message unless its owner answers otherwise.
 */
enum hop_stage {
	HOP_BANNER,
	HOP_EHLO,
	HOP_MAIL,
	HOP_RCPT,
	HOP_DATA,
	HOP_DOT,
	HOP_RSET,
	HOP_QUIT,
	HOP_OTHER,
	HOP_STAGES,
};

/* A message as it was transmitted; everything is borrowed for the call. */
struct hop_message {
	struct span mail; /* what stood behind "MAIL FROM:" */
	struct span
	    rcpts; /* what stood behind each "RCPT TO:", a NUL after each */
	size_t rcpt_count;
	struct span
	    data;      /* from behind DATA to before the final dot, stuffed */
	bool accepted; /* the answer to its dot was 2xx */
};

struct hop_events {
	void *owner;
	/*
	 * May answer otherwise than usual: lines without the last CRLF, ""
	 * for no answer, NULL to drop the connection.  NULL function: usual.
	 */
	const char *(*reply)(void *owner, enum hop_stage stage,
	    struct span line, const char *usual);
	void (*take)(void *owner, const struct hop_message *message);
};

struct hop_session {
	struct hop_events events;
	struct buf in;
	struct buf mail, rcpts;
	size_t rcpt_count;
	size_t searched; /* of in: the final dot is not before here */
	bool in_data, gone;
};

/* Begins a session: the banner goes to out. */
void hop_session_init(struct hop_session *session,
    const struct hop_events *events, struct buf *out);
/* Takes bytes, appends replies.  False: send what out holds, then close. */
bool hop_session_feed(struct hop_session *session, struct span bytes,
    struct buf *out);
void hop_session_clear(struct hop_session *session);

/* The address between < and > of hop_message.mail or of one of its rcpts. */
struct span hop_address(struct span argument);
/* Appends the content with the stuffed dots taken out. */
void hop_unstuff(struct span data, struct buf *out);

#endif
