/*
 * ctl_reload - relayctl reload.
 *
 * Job:     have the running relayd read its files; print what changed, or every
 *          error.
 * Called:  by relayctl, and after a change of a table.
 * Owns:    nothing.
 * Never:   reads the files itself.
 */
#include "relayd/ctl/ctl_commands.h"

static void
print_lines(FILE *out, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		fprintf(out, "%s\n", json_string_value(line));
	}
}

static void
take_row(void *owner, const json_t *row)
{
	const struct ctl *ctl = owner;

	if (ctl->json) {
		ctl_print_json(row);
		return;
	}
	print_lines(stderr, json_object_get(row, "errors"));
	if (!ctl->brief)
		print_lines(stdout, json_object_get(row, "changes"));
	if (json_is_true(json_object_get(row, "good")))
		printf("reloaded: %lld hosted domains, %lld grants\n",
		    (long long)json_integer_value(
			json_object_get(row, "hosted")),
		    (long long)json_integer_value(
			json_object_get(row, "grants")));
}

enum ctl_status
ctl_reload(struct ctl *ctl, int argc, char *argv[])
{
	(void)argv;
	if (argc != 1)
		return ctl_say(CTL_USAGE, "reload takes no arguments");
	return ctl_ask(ctl, json_pack("{s:s}", "command", "reload"), take_row,
	    ctl);
}
