/*
 * control_tables - "explain" and "grants" on the control socket.
 *
 * Job:     answer by the tables in force and the uses counted so far.
 * Called:  by control.
 * Owns:    struct listing, while the grants are listed.
 * Never:   goes through a million lines in one turn.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"
#include "relayd/admin/table_rows.h"

enum {
	LINES_A_TURN = 1000,
	DAYS_MAX = 100000,
	OUT_ENOUGH = 65536, /* bytes that wait for the client: a pause */
};

struct listing {
	const struct rules *rules; /* held */
	struct grants_wanted wanted;
	size_t next;
};

void
control_explain_begin(struct control_job *job)
{
	const char *client = NULL, *sender = NULL, *recipient = NULL, *why;
	json_t *row;

	if (!control_string(job, "client", &client) ||
	    !control_string(job, "sender", &sender) ||
	    !control_string(job, "recipient", &recipient))
		return;
	if (client == NULL || sender == NULL || recipient == NULL) {
		control_fail(job, CONTROL_USAGE,
		    "expected client, sender and recipient");
		return;
	}
	row = explain_row(job->rooms->rules, client, sender, recipient,
	    loop_wall(job->rooms->loop), &why);
	if (row == NULL) {
		control_fail(job, CONTROL_USAGE, "%s", why);
		return;
	}
	explain_row_stamp(row, job->rooms->rules, &job->rooms->hosted,
	    &job->rooms->allowlist);
	if (!json_is_true(json_object_get(row, "accepted")))
		job->status = CONTROL_NO;
	control_say(job, row);
}

static bool
step(struct control_job *job)
{
	struct listing *listing = job->state;
	size_t count = rules_grant_count(listing->rules), i;
	json_t *row;

	for (i = 0; i < LINES_A_TURN && job->out->len < OUT_ENOUGH; i++) {
		if (listing->next == count)
			return false;
		row =
		    grant_row(listing->rules, job->rooms->uses, listing->next++,
			&listing->wanted, loop_wall(job->rooms->loop));
		if (row != NULL)
			control_say(job, row);
	}
	control_progress(job, listing->next, count);
	return true;
}

static void
release(void *state)
{
	struct listing *listing = state;

	rules_let_go(listing->rules);
	free(listing);
}

static bool
read_days(struct control_job *job, const char *name, int64_t *days)
{
	uint64_t number = DAYS_MAX + 1;

	if (!control_number(job, name, &number))
		return false;
	if (json_object_get(job->request, name) == NULL)
		return true;
	if (number > DAYS_MAX)
		return control_fail(job, CONTROL_USAGE,
		    "\"%s\": more days than there are", name);
	*days = (int64_t)number;
	return true;
}

void
control_grants_begin(struct control_job *job)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	listing->wanted =
	    (struct grants_wanted){ .expiring_days = -1, .unused_days = -1 };
	listing->rules = rules_hold(job->rooms->rules);
	job->state = listing;
	job->release = release;
	if (read_days(job, "expiring", &listing->wanted.expiring_days) &&
	    read_days(job, "unused", &listing->wanted.unused_days) &&
	    control_string(job, "owner", &listing->wanted.owner))
		job->step = step;
}
