#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * A client of few words: blocking, one connection, every wait bounded.
 * A reply code of 0 means that the server closed or did not answer in time.
 */
struct talk {
	int fd;          /* -1: not connected */
	struct buf in;   /* read and not yet taken */
	struct buf text; /* the last reply, its lines with CRLF */
};

enum {
	TALK_WAIT_MS = 10000
};

/* Connects from a loopback address ("127.0.0.2"; NULL: any); no banner yet. */
bool talk_open(struct talk *talk, const char *from, uint16_t port);
void talk_close(struct talk *talk);

/* Sends bytes as they are. */
bool talk_send(struct talk *talk, struct span bytes);
/* Reads one reply, all its lines; its code. */
int talk_reply(struct talk *talk);
/* Sends one command line and reads its reply. */
int talk_say(struct talk *talk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* True when the server closes without another byte. */
bool talk_ended(struct talk *talk);

/*
 * A whole transaction on a connection that has said EHLO: each recipient
 * (a NULL ends them) must be accepted; content is stuffed and ends in CRLF.
 * The code of the reply that ended it: 250 when it was accepted.
 */
int talk_mail(struct talk *talk, const char *sender,
    const char *const *recipients, struct span content);

/* Connect, EHLO, one message to one recipient, QUIT; the deciding code. */
int talk_once(const char *from, uint16_t port, const char *sender,
    const char *recipient, const char *content);

#endif
