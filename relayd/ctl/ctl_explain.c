/*
 * ctl_explain - relayctl explain.
 *
 * Job:     ask the running relayd, or the files when none runs, why a mail is
 *          taken or refused; print it for people.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   decides differently from the server: both call the same function.
 */
#include <string.h>
#include <time.h>

#include "relayd/admin/table_rows.h"
#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_paper.h"
#include "relayd/ctl/ctl_written.h"

struct answer {
	bool json;
	bool accepted;
};

static void
print_change(const json_t *change)
{
	const char *what = ctl_text(change, "do");
	const char *text = ctl_text(change, "text");
	const char *file = ctl_text(change, "file");

	if (strcmp(what, "wait") == 0)
		printf("to allow it: nothing; names on the allowlist are "
		       "being looked up, ask again soon\n");
	else if (strcmp(what, "add") == 0)
		printf("to allow it: add to %s\n        %s\n", file, text);
	else if (strcmp(what, "replace") == 0)
		printf("to allow it: make line %lld of %s\n        %s\n",
		    (long long)json_integer_value(
			json_object_get(change, "line")),
		    file, text);
}

static void
print_steps(const json_t *steps)
{
	const json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
	{
		printf("%s %-11s %s\n",
		    json_is_true(json_object_get(step, "decided")) ? "*" : " ",
		    ctl_text(step, "step"), ctl_text(step, "found"));
	}
}

static void
print_row(const json_t *row, bool accepted)
{
	printf("%s from <%s> to <%s>: %s\n", ctl_text(row, "client"),
	    ctl_text(row, "sender"), ctl_text(row, "recipient"),
	    accepted ? "accepted" : "refused");
	if (!accepted)
		printf("  %lld %s %s\n",
		    (long long)json_integer_value(json_object_get(row, "code")),
		    ctl_text(row, "enhanced"), ctl_text(row, "text"));
	print_steps(json_object_get(row, "steps"));
	if (json_object_get(row, "file") != NULL)
		printf("rule: %s:%lld: %s\n", ctl_text(row, "file"),
		    (long long)json_integer_value(json_object_get(row, "line")),
		    ctl_text(row,
			json_object_get(row, "written") == NULL ? "rule" :
								  "written"));
	if (accepted)
		printf("route: %s\n", ctl_text(row, "route"));
	else
		print_change(json_object_get(row, "change"));
}

/* The line that decided as it was written, where that can be known. */
static void
add_written(json_t *row)
{
	struct file_stamp stamp = {
		.known = json_object_get(row, "file_bytes") != NULL,
		.bytes = (uint64_t)paper_number(row, "file_bytes"),
		.changed_ns = paper_number(row, "file_changed_ns"),
	};
	json_t *written = NULL;

	if (stamp.known)
		written = ctl_written(ctl_text(row, "file"),
		    (size_t)paper_number(row, "line"), &stamp);
	if (written != NULL)
		json_object_set_new(row, "written", written);
}

static void
take_row(void *owner, const json_t *row)
{
	struct answer *answer = owner;
	json_t *whole = json_deep_copy(row);

	answer->accepted = json_is_true(json_object_get(row, "accepted"));
	add_written(whole);
	if (answer->json)
		ctl_print_json(whole);
	else
		print_row(whole, answer->accepted);
	json_decref(whole);
}

/* By the files: what a relayd that starts now would say. */
static enum ctl_status
explain_files(struct ctl *ctl, char *argv[], struct answer *answer)
{
	enum ctl_status status = CTL_USAGE;
	struct settings settings;
	const char *why;
	json_t *row;

	if (!ctl_settings(ctl, &settings))
		return CTL_NO;
	row = explain_row(settings.rules, argv[1], argv[2], argv[3],
	    (int64_t)time(NULL), &why);
	if (row == NULL) {
		ctl_say(CTL_USAGE, "%s", why);
	} else {
		ctl_say(CTL_NO, "relayd is not running: this is by %s",
		    ctl->conf);
		explain_row_stamp(row, settings.rules, &settings.hosted,
		    &settings.allowlist);
		take_row(answer, row);
		status = answer->accepted ? CTL_YES : CTL_NO;
	}
	json_decref(row);
	settings_clear(&settings);
	return status;
}

enum ctl_status
ctl_explain(struct ctl *ctl, int argc, char *argv[])
{
	struct answer answer = { .json = ctl->json };
	enum ctl_status status;

	if (argc != 4)
		return ctl_say(CTL_USAGE,
		    "expected explain CLIENT SENDER RECIPIENT");
	status = ctl_ask(ctl,
	    json_pack("{s:s, s:s, s:s, s:s}", "command", "explain", "client",
		argv[1], "sender", argv[2], "recipient", argv[3]),
	    take_row, &answer);
	if (status == CTL_NOT_RUNNING)
		return explain_files(ctl, argv, &answer);
	return status;
}
