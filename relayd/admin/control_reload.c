/*
 * control_reload - "reload" on the control socket.
 *
 * Job:     have everything read anew; answer what changed, or every error.
 * Called:  by control.
 * Owns:    struct answer, while the files are read.
 * Never:   answers before the new settings are in force.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"

struct answer {
	struct control_job *job; /* borrowed */
	bool told, good;
	char *text; /* owned */
};

static void
told(void *owner, bool good, const char *text)
{
	struct answer *answer = owner;

	answer->told = true;
	answer->good = good;
	answer->text = xstrdup(text == NULL ? "" : text);
	control_wake(answer->job);
}

static void
release(void *state)
{
	struct answer *answer = state;
	const struct control_rooms *rooms = answer->job->rooms;

	rooms->reload_forget(rooms->owner, answer);
	free(answer->text);
	free(answer);
}

static json_t *
lines_of(const char *text)
{
	struct span rest = span_of(text), line;
	json_t *lines = json_array();

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (line.len > 0)
			json_array_append_new(lines,
			    span_utf8(line) ?
				json_stringn(line.data, line.len) :
				control_text(line));
	}
	return lines;
}

static bool
step(struct control_job *job)
{
	const struct rules *rules = job->rooms->rules;
	struct answer *answer = job->state;

	if (!answer->told) {
		job->waits = true;
		return true;
	}
	control_say(job,
	    json_pack("{s:s, s:b, s:o, s:I, s:I}", "kind", "reload", "good",
		answer->good, answer->good ? "changes" : "errors",
		lines_of(answer->text), "hosted",
		(json_int_t)rules_hosted_count(rules), "grants",
		(json_int_t)rules_grant_count(rules)));
	if (!answer->good)
		return control_fail(job, CONTROL_NO,
		    "nothing was changed: the files have errors");
	return false;
}

void
control_reload_begin(struct control_job *job)
{
	struct answer *answer = xcalloc(1, sizeof(*answer));

	answer->job = job;
	job->state = answer;
	job->release = release;
	job->step = step;
	job->rooms->reload(job->rooms->owner, told, answer);
}
