/*
 * script - what a next hop of a test answers.
 *
 * Job:     find the rule for a command, or the usual reply.
 * Called:  by scripted_connection.c.
 * Owns:    the usual replies.
 * Never:   knows a connection.
 */
#include "tests/support/script.h"

#include <stdlib.h>

static const struct {
	const char *on;
	const char *reply;
} usual[] = {
	/* clang-format off */
	{ "HELO",     "250 hop.test\r\n" },
	{ "STARTTLS", "220 2.0.0 go on\r\n" },
	{ "AUTH PLAIN", "235 2.7.0 in\r\n" },
	{ "AUTH LOGIN", "334 VXNlcm5hbWU6\r\n" },
	{ "dXNlcg==", "334 UGFzc3dvcmQ6\r\n" }, /* user */
	{ "c2VjcmV0", "235 2.7.0 in\r\n" },     /* secret */
	{ "MAIL",     "250 2.1.0 ok\r\n" },
	{ "RCPT",     "250 2.1.5 ok\r\n" },
	{ "DATA",     "354 go on\r\n" },
	{ "RSET",     "250 2.0.0 ok\r\n" },
	{ "QUIT",     "221 2.0.0 bye\r\n" },
	{ ".",        "250 2.0.0 kept\r\n" },
	{ "body",     NULL },
	{ "",         "500 5.5.2 what?\r\n" },
	/* clang-format on */
};

const struct script_rule *
script_find(const struct script_rule *rules, struct script_use *uses,
    struct span command)
{
	const struct script_rule *rule;
	size_t i;

	for (i = 0; rules != NULL && rules[i].on != NULL; i++) {
		rule = &rules[i];
		if (i == SCRIPT_RULES_MAX)
			abort();
		if (!span_starts(command, span_of(rule->on)) ||
		    (rule->on[0] == '\0' && command.len > 0) ||
		    uses[i].fitted++ < rule->after ||
		    (rule->times > 0 && uses[i].used >= rule->times))
			continue;
		uses[i].used++;
		return rule;
	}
	return NULL;
}

const char *
script_usual(struct span command)
{
	size_t i = 0;

	if (command.len == 0)
		return "220 hop.test ESMTP\r\n";
	while (!span_starts(command, span_of(usual[i].on)))
		i++;
	return usual[i].reply;
}
