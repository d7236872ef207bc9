#ifndef QUIRKS_H
#define QUIRKS_H

#include "base/buf.h"

/*
 * Departures from the standard that are served all the same; each is named
 * in the log line of its session, as quirks=bare_lf,no_brackets.
 */
enum quirk {
	QUIRK_BARE_LF = 1 << 0,      /* commands that end in LF alone */
	QUIRK_NO_BRACKETS = 1 << 1,  /* MAIL FROM:a@b */
	QUIRK_BLANKS = 1 << 2,       /* MAIL FROM: <a@b> */
	QUIRK_NAME = 1 << 3,         /* MAIL FROM:Name <a@b> */
	QUIRK_BLANK_LINE = 1 << 4,   /* an empty line before a command */
	QUIRK_IMPATIENT = 1 << 5,    /* went on where RFC 2920 3.1 says wait */
	QUIRK_DATA_BARE_LF = 1 << 6, /* LF alone inside a message */
	QUIRK_DATA_BARE_CR = 1 << 7,
	QUIRK_EIGHT_BIT = 1 << 8, /* 8-bit content without BODY=8BITMIME */
	QUIRK_NO_NAME = 1 << 9,   /* HELO or EHLO without an argument */
	QUIRK_ADDED = 1 << 10, /* Date, Message-ID or From was missing: added */
	QUIRK_SIZE = 1 << 11,  /* the message was larger than its SIZE= */
};

/* Appends the names, separated by commas; nothing for none. */
void quirks_add_names(unsigned quirks, struct buf *out);
/* What path_parse() noticed (enum path_quirk), in our bits. */
unsigned quirks_of_path(unsigned path_quirks);

#endif
