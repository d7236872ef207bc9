/*
 * control_handle - "retry", "hold", "release" and "drop" on the control
 * socket.
 *
 * Job:     do it to each message that a filter means, or only count them; see
 *          to it that holds survive a restart.
 * Called:  by control.
 * Owns:    struct handling, while it goes on.
 * Never:   touches a message that arrived after it was asked, or every
 *          message unless "all" says so.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"
#include "relayd/admin/control_filter.h"
#include "relayd/admin/control_held.h"
#include "relayd/admin/control_message.h"
#include "relayd/admin/log.h"
#include "relayd/delivery/manage.h"
#include "spool/look.h"
#include "spool/tour.h"

enum {
	MEET_BUDGET = 500, /* entries in one step, while they are looked at */
	ACT_BUDGET = 40,   /* while they are held, released or tried */
	READ_BUDGET = 8,   /* while their envelopes are read */
	DROP_BUDGET = 4,   /* while they are dropped */
	SAMPLES = 10,      /* messages that a question shows */
	RECIPIENTS_MAX = 3,
};

enum action {
	RETRY,
	HOLD,
	RELEASE,
	DROP
};

struct handling {
	enum action action;
	struct filter filter;
	struct tour tour;
	bool dry;    /* only count, and show some */
	bool notice; /* of a drop */
	size_t met, matched, changed;
	struct held_save *save; /* owned; NULL: not yet, or not needed */
	struct control_job *job;
};

/* Has the set of what is held changed? */
static bool
needs_save(const struct handling *handling)
{
	return !handling->dry && handling->changed > 0 &&
	    handling->action != RETRY;
}

static void
handling_free(void *state)
{
	struct handling *handling = state;

	/* Whoever asked is gone in the middle: what was done stays done. */
	if (needs_save(handling) && handling->save == NULL)
		handling->save = held_save_new(handling->job);
	held_save_forget(handling->save);
	filter_clear(&handling->filter);
	free(handling);
}

static bool
act(struct handling *handling, struct spool_entry *entry)
{
	struct delivery *delivery = handling->job->rooms->delivery;

	switch (handling->action) {
	case RETRY:
		return manage_retry(delivery, entry);
	case HOLD:
		return manage_hold(delivery, entry);
	case RELEASE:
		return manage_release(delivery, entry);
	case DROP:
		return manage_drop(delivery, entry, handling->notice);
	}
	abort();
}

/* Who dropped what is to be found in the log, a line for each message. */
static void
log_dropped(uint64_t id, const struct envelope *envelope, bool notice)
{
	char text[SPOOL_ID_LEN + 1];
	struct log_line line;

	spool_id_text(id, text);
	log_begin(&line, LEVEL_WARNING, "dropped");
	log_text(&line, "id", text);
	log_span(&line, "session", envelope->session);
	log_span(&line, "from", envelope->sender);
	log_number(&line, "rcpts", envelope->recipient_count);
	log_text(&line, "notice", notice ? "yes" : "no");
	log_end(&line);
}

static void
handle(struct handling *handling, struct spool_entry *entry,
    const struct envelope *envelope)
{
	uint64_t id = spool_entry_id(entry);

	if (handling->matched++ < SAMPLES && handling->dry)
		control_say(handling->job,
		    message_row(handling->job->rooms, entry, envelope,
			RECIPIENTS_MAX));
	if (handling->dry || !act(handling, entry))
		return;
	handling->changed++;
	if (handling->action == DROP)
		log_dropped(id, envelope, handling->notice);
}

static bool
reads(const struct handling *handling)
{
	return filter_needs_envelope(&handling->filter) ||
	    handling->action == DROP ||
	    (handling->dry && handling->matched < SAMPLES);
}

static void
meet(void *owner, struct spool_entry *entry)
{
	struct handling *handling = owner;
	const struct control_rooms *rooms = handling->job->rooms;
	struct envelope envelope = { 0 };
	struct buf bytes;

	handling->met++;
	if (!filter_may_mean(&handling->filter, entry, loop_wall(rooms->loop)))
		return;
	buf_init(&bytes, LOOK_ENVELOPE_MAX);
	/* One that cannot be read can still be held or tried, by its ID. */
	if (reads(handling) &&
	    !look_envelope(rooms->spool, entry, &bytes, &envelope) &&
	    filter_needs_envelope(&handling->filter)) {
		buf_clear(&bytes);
		return;
	}
	if (!filter_needs_envelope(&handling->filter) ||
	    filter_means(&handling->filter, rooms->spool, entry, &envelope))
		handle(handling, entry, &envelope);
	envelope_clear(&envelope);
	buf_clear(&bytes);
}

/* ---- the end ---- */

static bool
say_done(struct control_job *job)
{
	const struct handling *handling = job->state;
	char newest[SPOOL_ID_LEN + 1];

	spool_id_text(handling->tour.newest, newest);
	control_say(job,
	    json_pack("{s:s, s:b, s:I, s:I, s:s, s:b}", "kind", "handled",
		"dry", handling->dry, "matched", (json_int_t)handling->matched,
		"changed", (json_int_t)handling->changed, "newest", newest,
		"loading", look_loading(job->rooms->spool)));
	if (handling->matched == 0)
		return control_fail(job, CONTROL_NO, "no such message waits%s",
		    message_if_loading(job->rooms));
	return false;
}

static bool
wait_for_save(struct control_job *job)
{
	struct handling *handling = job->state;
	const char *error;

	if (!held_save_done(handling->save)) {
		job->waits = true;
		return true;
	}
	error = held_save_error(handling->save);
	if (error != NULL) {
		say_done(job);
		return control_fail(job, CONTROL_NO,
		    "done, but it will not survive a restart: %s", error);
	}
	return say_done(job);
}

static size_t
budget(const struct handling *handling)
{
	if (handling->action == DROP && !handling->dry)
		return DROP_BUDGET;
	if (reads(handling))
		return READ_BUDGET;
	return handling->dry ? MEET_BUDGET : ACT_BUDGET;
}

static bool
step(struct control_job *job)
{
	struct handling *handling = job->state;
	struct spool_counts counts;

	if (tour_step(job->rooms->spool, &handling->tour, budget(handling),
		meet, handling)) {
		spool_count(job->rooms->spool, &counts);
		control_progress(job, handling->met, counts.messages);
		return true;
	}
	if (!needs_save(handling))
		return say_done(job);
	handling->save = held_save_new(job);
	job->step = wait_for_save;
	return true;
}

static void
begin(struct control_job *job, enum action action)
{
	struct handling *handling = xcalloc(1, sizeof(*handling));
	bool all = false;

	handling->job = job;
	handling->action = action;
	job->state = handling;
	job->release = handling_free;
	if (!filter_read(&handling->filter, job) ||
	    !control_flag(job, "all", &all) ||
	    !control_flag(job, "dry", &handling->dry) ||
	    !control_flag(job, "notice", &handling->notice))
		return;
	if (all == handling->filter.any) {
		control_fail(job, CONTROL_USAGE,
		    "say which messages: by ID, by a filter, or all of them");
		return;
	}
	tour_begin(job->rooms->spool, &handling->tour);
	job->step = step;
}

void
control_retry_begin(struct control_job *job)
{
	begin(job, RETRY);
}

void
control_hold_begin(struct control_job *job)
{
	begin(job, HOLD);
}

void
control_release_begin(struct control_job *job)
{
	begin(job, RELEASE);
}

void
control_drop_begin(struct control_job *job)
{
	begin(job, DROP);
}
