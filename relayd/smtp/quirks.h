#ifndef QUIRKS_H
#define QUIRKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Departures from the standard that are served all the same; each is counted
 * and named in the log line of its session, as quirks=bare_lf:3,no_brackets.
 */
enum quirk {
	QUIRK_BARE_LF,      /* a command that ends in LF alone */
	QUIRK_NO_BRACKETS,  /* MAIL FROM:a@b */
	QUIRK_BLANKS,       /* MAIL FROM: <a@b> */
	QUIRK_NAME,         /* MAIL FROM:Name <a@b> */
	QUIRK_BLANK_LINE,   /* an empty line before a command */
	QUIRK_IMPATIENT,    /* went on where RFC 2920 3.1 says wait */
	QUIRK_DATA_BARE_LF, /* a message with LF alone in it */
	QUIRK_DATA_BARE_CR,
	QUIRK_EIGHT_BIT, /* 8-bit content without BODY=8BITMIME */
	QUIRK_NO_NAME,   /* HELO or EHLO without an argument */
	QUIRK_ADDED,     /* Date, Message-ID or From was missing: added */
	QUIRK_SIZE,      /* the message was larger than its SIZE= */
	QUIRK_KINDS
};

/* How often each was seen; all zero to begin with. */
struct quirks {
	uint16_t seen[QUIRK_KINDS];
};

/* One more of a kind; at 65535 it stays. */
void quirks_note(struct quirks *quirks, enum quirk quirk);
/* What path_parse() noticed (enum path_quirk). */
void quirks_note_path(struct quirks *quirks, unsigned path_quirks);
bool quirks_any(const struct quirks *quirks);
/* Appends name, or name:count when it was more than one, between commas. */
void quirks_add_text(const struct quirks *quirks, struct buf *out);

#endif
