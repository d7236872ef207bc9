#ifndef DIALOG_LINES_H
#define DIALOG_LINES_H

/*
 * The inside of a dialog, for dialog.c, which reads it, and dialog_run.c.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	DIALOG_SENT_MAX = 8 << 20
};

enum dialog_kind {
	COMMENT,
	OPTION,
	CLIENT,
	CLIENT_RAW,
	SERVER,
	SERVER_LINE,
	SERVER_NOT,
	SERVER_HOLDS,
	QUEUED,
	MESSAGE,
	MESSAGE_NOT,
	CLOSED,
};

struct dialog_line {
	enum dialog_kind kind;
	size_t number;   /* in the file */
	struct buf text; /* bytes to send, or what is expected */
};

struct dialog {
	char *file; /* owned */
	struct dialog_line *lines;
	size_t count;
};

bool dialog_sends(enum dialog_kind kind);

#endif
