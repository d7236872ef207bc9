#ifndef SCRIPT_H
#define SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * What a scripted next hop answers, when it is not the usual.
 */
enum script_act {
	SCRIPT_GO_ON,
	SCRIPT_CLOSE, /* closes once the reply is out */
	SCRIPT_RESET, /* the same with a RST */
	SCRIPT_DEAF,  /* reads nothing more */
};

/* The first rule that fits a command answers it; {0} ends a script. */
struct script_rule {
	/*
	 * How the command begins; "" is the greeting, "." the final dot,
	 * "body" the first bytes of content, "handshake" those of TLS where
	 * the hop has none.
	 */
	const char *on;
	const char *reply; /* with its CRLF; NULL: none; "usual": as ever */
	enum script_act act;
	unsigned times; /* 0: always */
	unsigned after; /* so many that fit are passed over first */
	size_t len;     /* of reply, where it holds NULs; 0: strlen */
	uint64_t pace;  /* of this reply, as scripted_hop.dribble; 0: that */
};

/* Rules of a table. */
#define SAY(command, text)                       \
	{                                        \
		.on = (command), .reply = (text) \
	}
#define ACT(command, text, what)                                \
	{                                                       \
		.on = (command), .reply = (text), .act = (what) \
	}

enum {
	SCRIPT_RULES_MAX = 32
};

/* How often a rule has fitted, and was used. */
struct script_use {
	unsigned fitted, used;
};

/* The rule that answers this command, counted as used; or NULL. */
const struct script_rule *script_find(const struct script_rule *rules,
    struct script_use *uses, struct span command);
/* What is answered to anything but EHLO without a rule; or NULL. */
const char *script_usual(struct span command);

#endif
