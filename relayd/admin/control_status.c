/*
 * control_status - "status" on the control socket.
 *
 * Job:     say in one object how the relay does, and why not well.
 * Called:  by control.
 * Owns:    struct status, while the oldest message is looked for.
 * Never:   reads a message.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/control.h"
#include "relayd/admin/control_commands.h"
#include "relayd/admin/rates.h"
#include "relayd/delivery/delivery.h"
#include "relayd/net/resolve.h"
#include "relayd/smtp/smtp_server.h"
#include "spool/look.h"
#include "spool/tour.h"

enum {
	MEET_BUDGET = 2000, /* entries in one step, some 0.1 us each */
	SECONDS_A_DAY = 86400,
	EXPIRES_SOON = 14, /* days */
	DNS_LATELY_MS = 300000,
};

#define NS_A_SECOND 1000000000

struct status {
	struct tour tour;
	size_t met;
	uint64_t oldest_id; /* 0: none yet */
	int64_t oldest_at;
};

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
rate_row(const struct rates *rates, enum rate rate)
{
	unsigned one = 0, fifteen = 0;
	uint64_t in_one = rates_over(rates, rate, 60, &one);
	uint64_t in_fifteen = rates_over(rates, rate, 900, &fifteen);

	return json_pack("{s:I, s:f, s:f}", "total",
	    (json_int_t)rates_total(rates, rate), "per_second_1m",
	    one == 0 ? 0.0 : (double)in_one / one, "per_second_15m",
	    fifteen == 0 ? 0.0 : (double)in_fifteen / fifteen);
}

static json_t *
rates_rows(const struct control_rooms *rooms)
{
	static const char *const names[] = {
		[RATE_CONNECTIONS] = "connections",
		[RATE_ACCEPTED] = "accepted",
		[RATE_REFUSED] = "refused",
		[RATE_DELIVERED] = "delivered",
		[RATE_DEFERRED] = "deferred",
		[RATE_FAILED] = "failed",
	};
	json_t *rows = json_object();
	int i;

	for (i = 0; i < RATES; i++)
		json_object_set_new(rows, names[i],
		    rate_row(rooms->rates, (enum rate)i));
	return rows;
}

static json_t *
queue_row(const struct control_rooms *rooms, const struct status *status)
{
	struct delivery_counts counts;
	struct spool_counts spool;
	char id[SPOOL_ID_LEN + 1];
	json_t *row;

	delivery_count(rooms->delivery, &counts);
	spool_count(rooms->spool, &spool);
	row = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "loading",
	    look_loading(rooms->spool), "messages", (json_int_t)spool.messages,
	    "in_attempt", (json_int_t)counts.queue.in_attempt, "ready",
	    (json_int_t)(counts.queue.ready + counts.queue.unsorted), "waiting",
	    (json_int_t)counts.queue.waiting, "held",
	    (json_int_t)counts.queue.held, "destinations",
	    (json_int_t)counts.destinations, "connections",
	    (json_int_t)counts.connections);
	if (status->oldest_id != 0) {
		spool_id_text(status->oldest_id, id);
		json_object_set_new(row, "oldest_id", json_string(id));
		json_object_set_new(row, "oldest_seconds",
		    number((
			uint64_t)(loop_wall(rooms->loop) - status->oldest_at)));
	}
	return row;
}

static json_t *
spool_row(const struct control_rooms *rooms)
{
	const struct conf_spool *conf = &rooms->conf->spool;
	uint64_t bytes = 0, inodes = 0;
	struct spool_counts counts;
	json_t *row;

	spool_count(rooms->spool, &counts);
	row = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "directory",
	    control_text(span_of(conf->directory)), "minimum_free",
	    (json_int_t)conf->minimum_free, "segments",
	    (json_int_t)counts.segments, "segments_free",
	    (json_int_t)counts.segments_free, "large_files",
	    (json_int_t)counts.large_files, "memory",
	    (json_int_t)counts.memory);
	if (look_space(rooms->spool, &bytes, &inodes)) {
		json_object_set_new(row, "free", number(bytes));
		json_object_set_new(row, "free_inodes", number(inodes));
	}
	return row;
}

static void
add_stamp(json_t *row, const struct file_stamp *stamp, const char *bytes,
    const char *changed)
{
	if (!stamp->known)
		return;
	json_object_set_new(row, bytes, number(stamp->bytes));
	json_object_set_new(row, changed,
	    json_integer(stamp->changed_ns / NS_A_SECOND));
}

static json_t *
tables_row(const struct control_rooms *rooms)
{
	json_t *row = json_pack("{s:I, s:I, s:I}", "hosted",
	    (json_int_t)rules_hosted_count(rooms->rules), "grants",
	    (json_int_t)rules_grant_count(rooms->rules), "age_seconds",
	    (json_int_t)(loop_wall(rooms->loop) - rooms->loaded_at));

	add_stamp(row, &rooms->hosted, "hosted_bytes", "hosted_changed");
	add_stamp(row, &rooms->allowlist, "allowlist_bytes",
	    "allowlist_changed");
	return row;
}

static bool
dns_fails(const struct control_rooms *rooms,
    const struct resolver_counts *counts)
{
	return counts->failed_at > counts->answered_at &&
	    loop_now(rooms->loop) - counts->failed_at < DNS_LATELY_MS;
}

static json_t *
dns_row(const struct control_rooms *rooms)
{
	struct resolver_counts counts;
	json_t *row;

	resolver_count(rooms->resolver, &counts);
	row = json_pack("{s:b, s:I, s:I}", "fine", !dns_fails(rooms, &counts),
	    "asked", (json_int_t)counts.asked, "failed",
	    (json_int_t)counts.failed);
	if (counts.error != NULL)
		json_object_set_new(row, "last_error",
		    control_text(span_of(counts.error)));
	return row;
}

/* ---- health ---- */

static void
complain_of(json_t *why, const char *text)
{
	json_array_append_new(why, json_string(text));
}

static void
judge_certificate(const struct control_rooms *rooms, json_t *why)
{
	int64_t expires = smtp_server_expires(rooms->smtp);
	int64_t left = expires - loop_wall(rooms->loop);

	if (expires == -1)
		return;
	if (left <= 0)
		complain_of(why, "the certificate has expired");
	else if (left < EXPIRES_SOON * SECONDS_A_DAY)
		complain_of(why,
		    "the certificate expires in less than 14 days");
}

/* Every reason why the relay is not well; an empty array when it is. */
static json_t *
health(const struct control_rooms *rooms)
{
	struct resolver_counts dns;
	json_t *why = json_array();

	switch (spool_health(rooms->spool)) {
	case SPOOL_FINE:
		break;
	case SPOOL_FULL:
		complain_of(why,
		    "the spool's disk is nearly full: new mail is refused");
		break;
	case SPOOL_BAD:
		complain_of(why, "the spool's disk fails: new mail is refused");
		break;
	}
	resolver_count(rooms->resolver, &dns);
	if (dns_fails(rooms, &dns))
		complain_of(why, "DNS does not answer");
	judge_certificate(rooms, why);
	return why;
}

/* ---- the answer ---- */

static void
add_certificate(const struct control_rooms *rooms, json_t *row)
{
	int64_t expires = smtp_server_expires(rooms->smtp);

	if (expires != -1)
		json_object_set_new(row, "certificate_days",
		    json_integer(
			(expires - loop_wall(rooms->loop)) / SECONDS_A_DAY));
}

static void
say(struct control_job *job, const struct status *status)
{
	const struct control_rooms *rooms = job->rooms;
	json_t *why = health(rooms), *row;
	bool healthy = json_array_size(why) == 0;

	row = json_pack(
	    "{s:s, s:s, s:o, s:i, s:I, s:b, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}",
	    "kind", "status", "version", RELAYD_VERSION, "hostname",
	    control_text(span_of(rooms->conf->hostname)), "pid", (int)getpid(),
	    "uptime_seconds",
	    (json_int_t)(loop_wall(rooms->loop) - rooms->started_at), "healthy",
	    healthy, "why", why, "sessions",
	    (json_int_t)smtp_server_sessions(rooms->smtp), "sessions_max",
	    (json_int_t)rooms->conf->limits.connections, "rates",
	    rates_rows(rooms), "queue", queue_row(rooms, status), "spool",
	    spool_row(rooms), "tables", tables_row(rooms), "dns",
	    dns_row(rooms));
	add_certificate(rooms, row);
	control_say(job, row);
	if (!healthy)
		job->status = CONTROL_NO;
}

static void
meet(void *owner, struct spool_entry *entry)
{
	struct status *status = owner;

	status->met++;
	if (status->oldest_id == 0 ||
	    spool_entry_id(entry) < status->oldest_id) {
		status->oldest_id = spool_entry_id(entry);
		status->oldest_at = spool_entry_arrival(entry);
	}
}

static bool
step(struct control_job *job)
{
	struct status *status = job->state;
	struct spool_counts counts;

	if (tour_step(job->rooms->spool, &status->tour, MEET_BUDGET, meet,
		status)) {
		spool_count(job->rooms->spool, &counts);
		control_progress(job, status->met, counts.messages);
		return true;
	}
	say(job, status);
	return false;
}

void
control_status_begin(struct control_job *job)
{
	struct status *status = xcalloc(1, sizeof(*status));

	tour_begin(job->rooms->spool, &status->tour);
	job->state = status;
	job->release = free;
	job->step = step;
}
