/*
 * fuzz_control - any bytes as a request on the control socket: it is
 * understood or refused with a reason, and every answer is lines of JSON.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "relayd/admin/control_filter.h"
#include "relayd/admin/control_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every line of the answer is an object with a kind. */
static void
look_at_answer(struct buf *out)
{
	struct span rest = buf_span(out), line;
	json_t *row;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		row = json_loadb(line.data, line.len, 0, NULL);
		assert(json_is_string(json_object_get(row, "kind")));
		json_decref(row);
	}
}

static void
read_as_command(struct control_job *job)
{
	struct filter filter;
	const char *id = NULL;
	bool flag = false;

	if (filter_read(&filter, job)) {
		assert(job->status == CONTROL_YES);
		filter_needs_envelope(&filter);
	} else {
		assert(job->status == CONTROL_USAGE && job->error.len > 0);
	}
	filter_clear(&filter);
	control_string(job, "id", &id);
	control_flag(job, "dry", &flag);
	if (id != NULL)
		control_say(job,
		    json_pack("{s:s, s:o}", "kind", "echo", "id",
			control_text(span_of(id))));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_rooms rooms = { .loop = NULL };
	struct span line = span_make((const char *)data, size);
	struct control_job job;
	struct buf out;

	buf_init(&out, 8 << 20);
	control_job_init(&job, &rooms, &out);
	if (control_read(&job, line) != NULL)
		read_as_command(&job);
	control_job_end(&job);
	look_at_answer(&out);
	control_job_clear(&job);
	buf_clear(&out);
	return 0;
}
