#ifndef DELIVERY_REPLY_H
#define DELIVERY_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * One reply of a next hop (RFC 5321 4.2), read a byte or a block at a time.
 * A reader is fed until it says something; reply_begin() readies it for the
 * next reply.
 */
enum {
	REPLY_LINE_MAX = 2048, /* RFC 5321 4.5.3.1.5 says 512; be generous */
	REPLY_MAX = 64 << 10,  /* all lines of one reply */
	ENHANCED_MAX = 12
};

enum reply_verdict {
	REPLY_MORE,  /* not whole yet */
	REPLY_WHOLE, /* code, enhanced and text are good */
	REPLY_BAD,   /* no reply at all; text holds the start of the fault */
};

/* Where the previous byte left us; each name is what was just read. */
enum reply_at {
	REPLY_AT_START,   /* nothing of this line */
	REPLY_AT_DIGIT,   /* one or two digits of the code */
	REPLY_AT_CODE,    /* all three */
	REPLY_AT_TEXT,    /* the separator, or text behind it */
	REPLY_AT_CR,      /* CR that may end the line */
	REPLY_AT_BARE_CR, /* CR right behind the code */
};

struct reply {
	int code;                    /* 200 to 599 */
	char enhanced[ENHANCED_MAX]; /* "5.1.1", class like code, or "" */
	struct buf text; /* lines without code, each but the first after \n */

	/* private */
	enum reply_at at;
	bool last;        /* this line is the last one */
	size_t digits;    /* of this line's code */
	int line_code;    /* this line's */
	size_t line_len;  /* bytes of this line so far */
	size_t total_len; /* bytes of the reply so far */
	size_t line_count;
};

void reply_init(struct reply *reply);
void reply_clear(struct reply *reply);
/* Forgets the reply that was read, keeps the memory. */
void reply_begin(struct reply *reply);
/* Nothing is held and nothing was begun: gives the memory back. */
void reply_release(struct reply *reply);
/* True while a reply has begun and is not whole. */
bool reply_begun(const struct reply *reply);

/*
 * Reads on in `in`, at most to the end of this reply; *used says how much was
 * taken.  After WHOLE or BAD call reply_begin() before feeding again.
 */
enum reply_verdict reply_feed(struct reply *reply, struct span in,
    size_t *used);

/* The first digit of the code: 2, 3, 4 or 5. */
int reply_class(const struct reply *reply);
/*
 * Appends the reply as one line, "550 5.1.1 no such user", raw bytes of the
 * peer included; an enhanced code is not repeated line by line.
 */
void reply_line(const struct reply *reply, struct buf *out);

#endif
