/*
 * control_job - one request, and what is said to it.
 *
 * Job:     read the request's JSON and its members; write the answer's.
 * Called:  by control and by every command.
 * Owns:    the request; the command's state, through its release().
 * Never:   believes a type, a length or an encoding.
 */
#include "relayd/admin/control_job.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/xalloc.h"

enum {
	ERROR_MAX = 64 << 10,
	TEXT_MAX = 4096, /* bytes of one text from outside */
	NUMBER_MAX = 1 << 30,
};

void
control_job_init(struct control_job *job, struct control_rooms *rooms,
    struct buf *out)
{
	*job = (struct control_job){ .rooms = rooms, .out = out };
	buf_init(&job->error, ERROR_MAX);
}

void
control_job_clear(struct control_job *job)
{
	if (job->release != NULL)
		job->release(job->state);
	json_decref(job->request);
	buf_clear(&job->error);
	*job = (struct control_job){ .rooms = NULL };
}

/* ---- the answer ---- */

static int
add_json(const char *bytes, size_t len, void *out)
{
	buf_add(out, span_make(bytes, len));
	return ((struct buf *)out)->full ? -1 : 0;
}

void
control_say(struct control_job *job, json_t *row)
{
	size_t before = job->out->len;

	assert(json_is_object(row));
	if (json_dump_callback(row, add_json, job->out, JSON_COMPACT) == 0)
		buf_add_byte(job->out, '\n');
	if (job->out->full) {
		buf_cut(job->out, before);
		job->out->full = false;
		job->cut = true;
	}
	json_decref(row);
}

void
control_progress(struct control_job *job, size_t done, size_t total)
{
	uint64_t now = loop_now(job->rooms->loop);

	if (job->progress_at == 0)
		job->progress_at = now + 1000;
	if (now < job->progress_at)
		return;
	job->progress_at = now + 1000;
	control_say(job,
	    json_pack("{s:s, s:I, s:I}", "kind", "progress", "done",
		(json_int_t)done, "total", (json_int_t)total));
}

void
control_job_end(struct control_job *job)
{
	json_t *row;

	if (job->cut && job->status == CONTROL_YES)
		control_fail(job, CONTROL_NO,
		    "something is too long to be told and was left out");
	row =
	    json_pack("{s:s, s:i}", "kind", "end", "status", (int)job->status);
	if (job->error.len > 0)
		json_object_set_new(row, "error",
		    json_stringn_nocheck(job->error.data, job->error.len));
	buf_release(job->out);
	control_say(job, row);
}

bool
control_fail(struct control_job *job, enum control_status status,
    const char *format, ...)
{
	struct buf text;
	va_list args;

	buf_init(&text, ERROR_MAX);
	va_start(args, format);
	buf_vaddf(&text, format, args);
	va_end(args);
	job->status = status;
	job->step = NULL;
	buf_empty(&job->error);
	/* Lines stay lines; whatever else is odd is escaped. */
	if (span_utf8(buf_span(&text)))
		buf_add(&job->error, buf_span(&text));
	else
		buf_add_escaped(&job->error, buf_span(&text), ERROR_MAX / 4);
	buf_clear(&text);
	return false;
}

json_t *
control_text(struct span text)
{
	struct buf escaped;
	json_t *string;

	buf_init(&escaped, 4 * TEXT_MAX + 16);
	buf_add_escaped(&escaped, text, TEXT_MAX);
	string = json_stringn(buf_text(&escaped), escaped.len);
	buf_clear(&escaped);
	return string;
}

/* ---- the request ---- */

const struct control_command *
control_read(struct control_job *job, struct span line)
{
	const struct control_command *command;
	const char *name = NULL;
	json_error_t error;

	job->request = json_loadb(line.data == NULL ? "" : line.data, line.len,
	    JSON_REJECT_DUPLICATES, &error);
	if (!json_is_object(job->request)) {
		control_fail(job, CONTROL_USAGE,
		    "a request is one JSON object on one line");
		return NULL;
	}
	if (!control_string(job, "command", &name))
		return NULL;
	command = name == NULL ? NULL : control_command_find(name);
	if (command == NULL)
		control_fail(job, CONTROL_USAGE, "there is no such command");
	return command;
}

static bool
wrong_type(struct control_job *job, const char *name, const char *type)
{
	return control_fail(job, CONTROL_USAGE, "\"%s\" must be %s", name,
	    type);
}

bool
control_string(struct control_job *job, const char *name, const char **value)
{
	const json_t *member = json_object_get(job->request, name);

	if (member == NULL)
		return true;
	if (!json_is_string(member))
		return wrong_type(job, name, "a text");
	*value = json_string_value(member);
	return true;
}

bool
control_number(struct control_job *job, const char *name, uint64_t *value)
{
	const json_t *member = json_object_get(job->request, name);

	if (member == NULL)
		return true;
	if (!json_is_integer(member) || json_integer_value(member) < 0 ||
	    json_integer_value(member) > NUMBER_MAX)
		return wrong_type(job, name, "a number");
	*value = (uint64_t)json_integer_value(member);
	return true;
}

bool
control_flag(struct control_job *job, const char *name, bool *value)
{
	const json_t *member = json_object_get(job->request, name);

	if (member == NULL)
		return true;
	if (!json_is_boolean(member))
		return wrong_type(job, name, "true or false");
	*value = json_is_true(member);
	return true;
}
