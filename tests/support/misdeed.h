#ifndef MISDEED_H
#define MISDEED_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/support/script.h"

/* What misdeeds have in common. */
enum misdeed_kind {
	PUT_OFF,  /* 4yz */
	REFUSED,  /* 5yz */
	SENT_OFF, /* 421 */
	NO_REPLY, /* bytes that are none */
	NO_MORE,  /* the end, or silence */
	GOOD,     /* slowly, but as it should be */
	MISDEED_KINDS
};

/* One way in which a next hop answers a command. */
struct misdeed {
	const char *reply; /* "good": the right one; lines, line: 1 MB */
	size_t len;        /* of reply, which may hold NULs */
	enum script_act act;
	uint64_t pace; /* virtual ms between its bytes */
	enum misdeed_kind kind;
	bool late; /* the step's whole time is waited */
	const char
	    *text; /* how what is kept of it begins; %s: the step's name */
};

enum {
	MISDEEDS = 24
};
extern const struct misdeed misdeeds[MISDEEDS];

/* The rule by which a hop does it, when it is asked that. */
struct script_rule misdeed_rule(const struct misdeed *misdeed, const char *on);
/* It takes a megabyte, or long. */
bool misdeed_is_long(const struct misdeed *misdeed);

#endif
