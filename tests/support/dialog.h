#ifndef DIALOG_H
#define DIALOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * Dialogues as RFC 5321 appendix D writes them, a line each:
 *
 *   # text          a comment
 *   @ name value    an option for whoever runs it, above all other lines
 *   C: text         the client sends text and CRLF
 *   C\: text        ... without a line end
 *   C*N: text       ... N times (text and CRLF)
 *   S: text         the server's next reply; its first line begins with text
 *   S+ text         some line of that reply begins with text
 *   S- text         no line of it holds text
 *   S. text         some line of it holds text
 *   Q: N            so many messages have been queued so far
 *   M: text         the last of them holds text
 *   M- text         ... does not hold text
 *   E:              the server has closed the connection
 *
 * In what is sent and in M, \r \n \t \\ and \xNN stand for bytes.
 */
struct dialog;

/* The server, however it is reached. */
struct dialog_exchange {
	void *owner;
	void (*send)(void *owner, struct span bytes);
	/* Appends what the server has said since; false once it has closed. */
	bool (*receive)(void *owner, struct buf *out);
	size_t (*queued)(void *owner);            /* or NULL: Q passes */
	struct span (*last_message)(void *owner); /* or NULL: M passes */
};

enum dialog_pace {
	DIALOG_TURNS, /* as it is written */
	DIALOG_BYTES, /* a byte at a time */
	DIALOG_CUT,   /* the bytes between two replies cut in two at `cut` */
	DIALOG_BURST, /* all that the client has to say comes first */
};

/* NULL with file, line and reason in why. */
struct dialog *dialog_read(const char *file, struct buf *why);
void dialog_free(struct dialog *dialog);

/* The value of an option; "" without a value, NULL when it is not there. */
const char *dialog_option(const struct dialog *dialog, const char *name);
/* The most bytes that are sent between two replies. */
size_t dialog_longest(const struct dialog *dialog);

/*
 * Runs it.  heard gets all that the server said.  False with file, line,
 * what was expected and what came in why.
 */
bool dialog_run(const struct dialog *dialog, enum dialog_pace pace, size_t cut,
    const struct dialog_exchange *exchange, struct buf *heard, struct buf *why);

#endif
