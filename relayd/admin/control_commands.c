/*
 * control_commands - what can be asked on the control socket.
 *
 * Job:     be the one table of commands.
 * Called:  by control.
 * Owns:    the table.
 * Never:   does anything itself.
 */
#include "relayd/admin/control_commands.h"

#include <string.h>

#include "relayd/admin/control.h"

static const struct control_command commands[] = {
	/* clang-format off */
	{ "status", false, control_status_begin },
	{ "queue",  false, control_queue_begin },
	{ "show",   false, control_show_begin },
	{ "retry",  true,  control_retry_begin },
	{ "hold",   true,  control_hold_begin },
	{ "release", true, control_release_begin },
	{ "drop",   true,  control_drop_begin },
	{ "reload", true,  control_reload_begin },
	{ "explain", false, control_explain_begin },
	{ "grants", false, control_grants_begin },
	/* clang-format on */
};

const struct control_command *
control_command_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
