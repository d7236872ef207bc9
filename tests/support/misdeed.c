/*
 * misdeed - the ways in which a next hop misbehaves.
 *
 * Job:     one table of them, as rules of a script.
 * Called:  by tests of the client and of all delivery.
 * Owns:    the table, and two replies of a megabyte.
 * Never:   knows what they were an answer to.
 */
#include "tests/support/misdeed.h"

#include <string.h>

enum {
	MEGABYTE = 1 << 20
};

/* A reply may hold NULs. */
#define BYTES(text) (text), sizeof(text) - 1

const struct misdeed misdeeds[MISDEEDS] = {
	/* clang-format off */
	{ BYTES("450 4.7.1 later\r\n"), SCRIPT_GO_ON, 0, PUT_OFF, false, "450 4.7.1 later" },
	{ BYTES("450-4.7.1 a\0b\033[2J\377\r\n450 4.7.1 c\rd\r\n"), SCRIPT_GO_ON, 0, PUT_OFF, false,
	    "450 4.7.1 a\\x00b\\x1b[2J\\xff c\\x0dd" },
	{ BYTES("550 5.7.1 never\r\n"), SCRIPT_GO_ON, 0, REFUSED, false, "550 5.7.1 never" },
	{ BYTES("550 5.7.1 n\0ver\r\n"), SCRIPT_GO_ON, 2000, REFUSED, false, "550 5.7.1 n\\x00ver" },
	{ BYTES("421 4.3.2 going\r\n"), SCRIPT_CLOSE, 0, SENT_OFF, false, "421 4.3.2 going" },
	{ BYTES("421 4.3.2 going\r\n"), SCRIPT_RESET, 0, SENT_OFF, false, "421 4.3.2 going" },
	/* says so, and stays */
	{ BYTES("421 4.3.2 going\r\n"), SCRIPT_GO_ON, 0, SENT_OFF, false, "421 4.3.2 going" },
	{ BYTES("421 4.3.2 going\r\n"), SCRIPT_DEAF, 0, SENT_OFF, false, "421 4.3.2 going" },
	{ BYTES("hello\r\n"), SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ BYTES("\r\n"), SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ BYTES("2\0000 ok\r\n"), SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ BYTES("250\0ok\r\n"), SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ BYTES("299-a\r\n250 b\r\n"), SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ "lines", 0, SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ "line", 0, SCRIPT_GO_ON, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ "line", 0, SCRIPT_CLOSE, 0, NO_REPLY, false, "no SMTP reply to %s: " },
	{ NULL, 0, SCRIPT_CLOSE, 0, NO_MORE, false, "the next hop closed the connection at %s" },
	{ NULL, 0, SCRIPT_RESET, 0, NO_MORE, false, "connection lost at %s: Connection reset by peer" },
	{ BYTES("250"), SCRIPT_CLOSE, 0, NO_MORE, false, "the next hop closed the connection at %s" },
	{ BYTES("250-half\r\n25"), SCRIPT_CLOSE, 0, NO_MORE, false, "the next hop closed the connection at %s" },
	{ NULL, 0, SCRIPT_DEAF, 0, NO_MORE, true, "timed out at %s" },
	{ BYTES("250-half\r\n"), SCRIPT_DEAF, 0, NO_MORE, true, "timed out at %s" },
	/* line after line, and never the last one */
	{ "lines", 0, SCRIPT_GO_ON, 40001, NO_MORE, true, "timed out at %s" },
	{ "good", 0, SCRIPT_GO_ON, 1000, GOOD, false, NULL },
	/* clang-format on */
};

/* Replies that never end: in one line, and in ever so many. */
static const char *
megabyte(const char *what)
{
	static char lines[MEGABYTE + 1], line[MEGABYTE + 1];
	size_t i;

	if (line[0] == '\0') {
		for (i = 0; i < MEGABYTE; i += 16)
			memcpy(lines + i, "250-no end yet\r\n", 16);
		memset(line, 'x', MEGABYTE);
		memcpy(line, "250 ", 4);
	}
	return strcmp(what, "line") == 0 ? line : lines;
}

static bool
is_megabyte(const struct misdeed *misdeed)
{
	return misdeed->reply != NULL &&
	    strncmp(misdeed->reply, "line", 4) == 0;
}

struct script_rule
misdeed_rule(const struct misdeed *misdeed, const char *on)
{
	struct script_rule rule = { .on = on,
		.reply = misdeed->reply,
		.act = misdeed->act,
		.len = misdeed->len,
		.pace = misdeed->pace };

	if (is_megabyte(misdeed))
		rule.reply = megabyte(misdeed->reply);
	else if (misdeed->kind == GOOD)
		rule.reply = "usual";
	return rule;
}

bool
misdeed_is_long(const struct misdeed *misdeed)
{
	return is_megabyte(misdeed) || misdeed->pace > 0;
}
