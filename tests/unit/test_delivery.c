/*
 * test_delivery - the sending side as a whole, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/sending.h"
#include "tests/support/suite.h"

#define HOSTED                      \
	"campus.test via=hop1\n"    \
	"lab.test via=hop2\n"       \
	"both.test via=hop1,hop2\n" \
	"also-campus.test via=hop1\n"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
};

static struct sending sending;
static struct far_host hosts[2];

static void
set_up(void)
{
	memset(hosts, 0, sizeof(hosts));
	hosts[0].name = "hop1";
	hosts[1].name = "hop2";
	sending_open(&sending, HOSTED, hosts, 2);
}

static void
tear_down(void)
{
	sending_close(&sending);
}

/* What was told holds this text so often. */
static size_t
told(const char *text)
{
	struct span rest = buf_span(&far_side.told), line;
	size_t count = 0;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (memmem(line.data, line.len, text, strlen(text)) != NULL)
			count++;
	}
	return count;
}

/* ---- answers ---- */

static bool
say_4xx(struct far_host *host, struct client_job *job)
{
	(void)host;
	return far_side_say(job, OUTCOME_LATER, 450, "4.2.1",
	    "450 4.2.1 mailbox busy");
}

static bool
say_5xx(struct far_host *host, struct client_job *job)
{
	(void)host;
	return far_side_say(job, OUTCOME_FAILED, 550, "5.1.1",
	    "550 5.1.1 no such user");
}

/* By the local part: ok..., later..., never... */
static bool
say_by_name(struct far_host *host, struct client_job *job)
{
	struct span address;
	size_t i;

	(void)host;
	for (i = 0; i < job->recipient_count; i++) {
		address = job->envelope->recipients[job->recipients[i]].address;
		if (span_starts(address, SPAN("later")))
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 451,
			    "4.7.1", SPAN("451 4.7.1 greylisted"), "hop1");
		else if (span_starts(address, SPAN("never")))
			outcome_set(&job->outcomes[i], OUTCOME_FAILED, 550,
			    "5.1.1", SPAN("550 5.1.1 unknown"), "hop1");
		else
			outcome_set(&job->outcomes[i], OUTCOME_DELIVERED, 250,
			    "2.0.0", SPAN("250 ok"), "hop1");
	}
	return true;
}

/* ---- delivered ---- */

START_TEST(a_message_is_delivered_at_once_and_settled)
{
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_counts(&sending).delivered, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=delivered"), 1);
	ck_assert_uint_eq(sending_logged(&sending, "to=a@campus.test"), 1);
}
END_TEST

START_TEST(recipients_of_one_destination_share_a_transaction)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@lab.test", 0 }, { "c@also-campus.test", 0 },
		{ "d@campus.test", 0 } };

	sending_mail(&sending, "s@campus.test", to, 4);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	ck_assert_uint_eq(hosts[0].delivered, 3);
	ck_assert_uint_eq(hosts[1].jobs, 1);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_logged(&sending, "rcpts=3"), 1);
}
END_TEST

START_TEST(a_connection_is_used_again_until_it_is_worn_out)
{
	int i;

	for (i = 0; i < 101; i++) {
		sending_one(&sending, "a@campus.test");
		sending_run(&sending, 100);
		ck_assert_uint_eq(hosts[0].connects, i < 100 ? 1 : 2);
	}
	ck_assert_uint_eq(hosts[0].delivered, 101);
}
END_TEST

START_TEST(an_idle_connection_is_given_up_in_time)
{
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 29 * SECOND);
	ck_assert_uint_eq(sending_counts(&sending).connections, 1);
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(sending_counts(&sending).connections, 0);
	ck_assert_uint_eq(sending_counts(&sending).destinations, 1);
	/* and so is a destination that is of no more use */
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(sending_counts(&sending).destinations, 0);
}
END_TEST

START_TEST(a_thousand_recipients_go_in_transactions_of_a_hundred)
{
	static struct sending_to to[1000];
	static char names[1000][32];
	size_t i;

	for (i = 0; i < 1000; i++) {
		snprintf(names[i], sizeof(names[i]), "%s%zu@campus.test",
		    i % 10 == 3 ? "later" : "ok", i);
		to[i].address = names[i];
	}
	hosts[0].answer = say_by_name;
	sending_mail(&sending, "s@campus.test", to, 1000);
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 10);
	ck_assert_uint_eq(hosts[0].delivered, 900);
	/* those that wait are tried together, after one back-off */
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].jobs, 11);
	ck_assert_uint_eq(hosts[0].delivered, 1000);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* 250 recipients: the first hundred by one name, the rest by another. */
static void
mail_to_250(const char *first, const char *rest)
{
	static struct sending_to to[250];
	static char names[250][48];
	size_t i;

	for (i = 0; i < 250; i++) {
		snprintf(names[i], sizeof(names[i]), i < 100 ? first : rest, i);
		to[i] = (struct sending_to){ .address = names[i] };
	}
	sending_mail(&sending, "s@campus.test", to, 250);
}

START_TEST(those_left_behind_by_an_early_transaction_are_tried_again)
{
	hosts[0].answer = say_by_name;
	mail_to_250("later%zu@campus.test", "ok%zu@campus.test");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 3);
	ck_assert_uint_eq(hosts[0].delivered, 150);
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].jobs, 4);
	ck_assert_uint_eq(hosts[0].delivered, 250);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* Takes three recipients at a time, as some servers do. */
static bool
take_three(struct far_host *host, struct client_job *job)
{
	size_t i;

	(void)host;
	for (i = 0; i < job->recipient_count; i++) {
		if (i < 3)
			outcome_set(&job->outcomes[i], OUTCOME_DELIVERED, 250,
			    "2.0.0", SPAN("250 ok"), "hop1");
		else
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 452,
			    "4.5.3", SPAN("452 4.5.3 too many"), "hop1");
	}
	return true;
}

START_TEST(too_many_recipients_are_sent_again_at_once)
{
	static struct sending_to to[10];
	static char names[10][32];
	size_t i;

	for (i = 0; i < 10; i++) {
		snprintf(names[i], sizeof(names[i]), "u%zu@campus.test", i);
		to[i].address = names[i];
	}
	hosts[0].answer = take_three;
	sending_mail(&sending, "s@campus.test", to, 10);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 4);
	ck_assert_uint_eq(hosts[0].delivered, 10);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* ---- later ---- */

START_TEST(a_4xx_waits_with_a_back_off_of_its_own)
{
	size_t jobs;

	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 44 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=deferred"), 1);
	ck_assert_uint_eq(sending_logged(&sending, "attempt=1 "), 1);
	sending_run(&sending, 32 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 2);
	ck_assert_uint_eq(sending_logged(&sending, "attempt=2 "), 1);
	/* 1, 2, 4 ... 32 minutes, then every hour, all with jitter */
	sending_run(&sending, DAY);
	jobs = hosts[0].jobs;
	ck_assert_uint_ge(jobs, 2 + 24);
	ck_assert_uint_le(jobs, 2 + 5 + 33);
	/* others for the same destination are not delayed by it */
	hosts[0].answer = NULL;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	sending_run(&sending, 80 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(each_recipient_is_judged_on_its_own)
{
	static const struct sending_to to[] = { { "ok1@campus.test", 0 },
		{ "later1@campus.test", 0 }, { "never1@campus.test", 0 },
		{ "never2@campus.test", 0 } };

	hosts[0].answer = say_by_name;
	sending_mail(&sending, "s@campus.test", to, 4);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	/* one notice for all that failed together */
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(told("failed"), 2);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(told("failed"), 2);
}
END_TEST

START_TEST(a_lifetime_ends_with_a_last_try_and_a_notice)
{
	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 5 * DAY - MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	ck_assert_uint_eq(told("failed"), 0);
	sending_run(&sending, 5 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(told("failed"), 1);
	ck_assert_uint_eq(told("4.4.7"), 1);
	ck_assert_uint_eq(told("450 4.2.1 mailbox busy"),
	    2); /* and the delay */
	ck_assert_uint_eq(sending_logged(&sending, "event=failed"), 1);
}
END_TEST

START_TEST(a_delay_is_told_once)
{
	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 4 * HOUR - MINUTE);
	ck_assert_uint_eq(far_side.notices, 0);
	sending_run(&sending, 80 * MINUTE);
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(told("delayed"), 1);
	sending_run(&sending, 3 * DAY);
	ck_assert_uint_eq(far_side.notices, 1);
}
END_TEST

START_TEST(a_restart_tells_of_a_delay_at_most_once_more)
{
	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 6 * HOUR);
	ck_assert_uint_eq(told("delayed"), 1);
	sending_restart(&sending);
	sending_run(&sending, 3 * HOUR);
	ck_assert_uint_eq(told("delayed"), 2);
	sending_restart(&sending);
	sending_run(&sending, DAY);
	ck_assert_uint_eq(told("delayed"), 2);
}
END_TEST

/* ---- failed ---- */

START_TEST(a_5xx_is_settled_only_when_its_notice_is_on_disk)
{
	hosts[0].answer = say_5xx;
	far_side.commits_fail = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	/* it is written again; the peer is not asked again */
	far_side.commits_fail = false;
	sending_run(&sending, 20 * SECOND);
	ck_assert_uint_eq(far_side.notices, 2);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].jobs, 1);
}
END_TEST

START_TEST(a_full_spool_delays_the_notice_and_loses_nothing)
{
	hosts[0].answer = say_5xx;
	far_side.spool_refuses = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	far_side.spool_refuses = false;
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(told("failed"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_crash_before_the_notice_repeats_the_attempt)
{
	hosts[0].answer = say_5xx;
	far_side.spool_refuses = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	sending_restart(&sending);
	far_side.spool_refuses = false;
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 2);
	ck_assert_uint_eq(told("failed"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(what_nobody_wants_to_hear_is_settled_at_once)
{
	static const struct sending_to to[] = { { "a@campus.test",
	    NOTIFY_NEVER } };

	hosts[0].answer = say_5xx;
	sending_mail(&sending, "s@campus.test", to, 1);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side.notices, 0);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(what_goes_into_the_summary_is_settled_with_it)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@campus.test", 0 } };

	hosts[0].answer = say_5xx;
	sending_mail(&sending, "", to, 2);
	sending_run(&sending, 50 * SECOND);
	ck_assert_uint_eq(told("summary:"), 2);
	ck_assert_uint_eq(far_side.summaries, 0);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	sending_run(&sending, 20 * SECOND);
	ck_assert_uint_eq(far_side.summaries, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].jobs, 1);
}
END_TEST

START_TEST(a_summary_that_is_lost_is_gathered_anew)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 } };

	hosts[0].answer = say_5xx;
	far_side.commits_fail = true;
	sending_mail(&sending, "", to, 1);
	sending_run(&sending, 65 * SECOND);
	ck_assert_uint_ge(far_side.summaries, 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	far_side.commits_fail = false;
	sending_run(&sending, 5 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_ge(told("summary:"), 2);
}
END_TEST

START_TEST(a_delivery_that_was_to_be_reported_is_settled_after_the_report)
{
	static const struct sending_to to[] = {
		{ "a@campus.test", NOTIFY_SUCCESS }, { "b@campus.test", 0 }
	};

	far_side.spool_refuses = true;
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	far_side.spool_refuses = false;
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(told("relayed"), 1);
	ck_assert_uint_eq(told("a@campus.test"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].jobs, 1);
}
END_TEST

static bool
take_with_dsn(struct far_host *host, struct client_job *job)
{
	(void)host;
	far_side_say(job, OUTCOME_DELIVERED, 250, "2.0.0", "250 ok");
	job->outcomes[0].passed_on_dsn = true;
	return true;
}

START_TEST(a_next_hop_that_reports_itself_is_not_reported)
{
	static const struct sending_to to[] = { { "a@campus.test",
	    NOTIFY_SUCCESS } };

	hosts[0].answer = take_with_dsn;
	sending_mail(&sending, "s@campus.test", to, 1);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side.notices, 0);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_delay_that_could_not_be_told_is_told_later)
{
	hosts[0].answer = say_4xx;
	if (_i == 0)
		far_side.spool_refuses = true;
	else
		far_side.commits_fail = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 6 * HOUR);
	far_side.spool_refuses = far_side.commits_fail = false;
	buf_empty(&far_side.told);
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(told("delayed"), 1);
}
END_TEST

START_TEST(failures_beyond_what_can_be_told_wait)
{
	int i;

	hosts[0].answer = say_5xx;
	far_side.spool_refuses = true;
	for (i = 0; i < 1100; i++)
		sending_one(&sending, "a@campus.test");
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 1100);
	/* a thousand wait to be told, the others are tried again meanwhile */
	ck_assert_uint_gt(hosts[0].jobs, 1100);
	far_side.spool_refuses = false;
	sending_run(&sending, 3 * HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(told("failed"), 1100);
}
END_TEST

/* ---- rules that change ---- */

START_TEST(a_reload_moves_what_waits_to_its_new_destination)
{
	int i;

	hosts[0].down = "connection refused";
	for (i = 0; i < 500; i++)
		sending_one(&sending,
		    i % 2 == 0 ? "a@campus.test" : "b@also-campus.test");
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 500);
	sending_reload(&sending,
	    "campus.test via=hop2\n"
	    "also-campus.test via=hop1\n");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 250);
	ck_assert_uint_eq(sending_owed(&sending), 250);
	hosts[0].down = NULL;
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(hosts[0].delivered, 250);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_moves_single_recipients_of_a_message)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@also-campus.test", 0 } };

	hosts[0].down = "connection refused";
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, SECOND);
	sending_reload(&sending,
	    "campus.test via=hop1\n"
	    "also-campus.test via=hop2\n");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	hosts[0].down = NULL;
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_in_the_middle_of_a_transaction_sends_nothing_twice)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "later@also-campus.test", 0 } };

	hosts[0].answer = say_by_name;
	hosts[0].answer_ms = 5 * SECOND;
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, SECOND);
	sending_reload(&sending,
	    "campus.test via=hop2\n"
	    "also-campus.test via=hop2\n");
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(what_comes_back_after_a_reload_goes_where_it_leads_now)
{
	static const struct sending_to to[] = { { "later@also-campus.test",
	    0 } };

	/* hop1 stays the destination of others, and dies */
	hosts[0].answer = say_by_name;
	hosts[0].answer_ms = 5 * SECOND;
	sending_one(&sending, "later@campus.test");
	sending_mail(&sending, "s@campus.test", to, 1);
	sending_run(&sending, SECOND);
	sending_reload(&sending,
	    "campus.test via=hop1\n"
	    "also-campus.test via=hop2\n");
	hosts[0].down = "connection refused";
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
}
END_TEST

static bool
say_4xx_and_die(struct far_host *host, struct client_job *job)
{
	host->down = "connection refused";
	say_4xx(host, job);
	return false;
}

START_TEST(a_reload_moves_recipients_that_have_had_their_turn)
{
	/* one transaction for the first hundred, and the rest waits */
	hosts[0].answer = say_4xx_and_die;
	mail_to_250("a%zu@also-campus.test", "b%zu@campus.test");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	sending_reload(&sending,
	    "campus.test via=hop1\n"
	    "also-campus.test via=hop2\n");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 100);
	hosts[0].down = NULL;
	hosts[0].answer = NULL;
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(hosts[0].delivered, 150);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_begins_with_fresh_connections)
{
	sending_one(&sending, "a@campus.test");
	hosts[1].connect_ms = 10 * SECOND;
	sending_one(&sending, "b@lab.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_counts(&sending).connections, 2);
	sending_reload(&sending, HOSTED);
	ck_assert_uint_eq(sending_counts(&sending).connections, 0);
	sending_run(&sending, 11 * SECOND);
	ck_assert_uint_eq(hosts[0].connects, 1);
	ck_assert_uint_eq(hosts[1].connects, 2);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_in_the_middle_of_a_sweep_moves_all)
{
	size_t seen;
	int i;

	hosts[0].down = "connection refused";
	for (i = 0; i < 30000; i++)
		sending_one(&sending, "a@campus.test");
	for (i = 0; i < 1000; i++) {
		loop_turn(sending.loop, true);
		seen = sending_logged(&sending, "event=deferred");
		if (seen > 0)
			break;
	}
	ck_assert_uint_gt(seen, 0);
	ck_assert_uint_lt(seen, 30000);
	sending_reload(&sending, "campus.test via=hop2\n");
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[1].delivered, 30000);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_moves_what_is_in_its_back_off)
{
	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, HOUR);
	sending_reload(&sending, "campus.test via=hop2\n");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_reload_that_changes_nothing_reads_nothing)
{
	hosts[0].answer = say_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	sending_reload(&sending, HOSTED);
	sending_run(&sending, 40 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
}
END_TEST

START_TEST(what_an_earlier_life_left_is_delivered)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@lab.test", 0 } };

	hosts[0].down = "no route to host";
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_one(&sending, "c@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	sending_restart(&sending);
	hosts[0].down = NULL;
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* ---- the end ---- */

START_TEST(a_drain_finishes_what_is_in_flight_and_begins_nothing)
{
	hosts[0].answer_ms = 3 * SECOND;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(delivery_active(sending.delivery), 1);
	delivery_drain(sending.delivery);
	sending_one(&sending, "b@campus.test");
	sending_one(&sending, "b@lab.test");
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(delivery_active(sending.delivery), 0);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	ck_assert_uint_eq(hosts[1].delivered, 0);
	ck_assert_uint_eq(sending_owed(&sending), 2);
	ck_assert_uint_eq(far_side.clients, 0);
}
END_TEST

START_TEST(an_end_in_the_middle_of_everything_leaks_nothing)
{
	static const struct sending_to to[] = { { "never@campus.test", 0 },
		{ "b@lab.test", 0 }, { "c@else.test", NOTIFY_SUCCESS } };

	/* a notice that waits, a summary, an attempt, a back-off, a search */
	hosts[0].answer = say_by_name;
	hosts[1].answer_ms = HOUR;
	far_side.spool_refuses = true;
	sending_mail(&sending, "s@campus.test", to, 3);
	sending_mail(&sending, "", to, 2);
	sending_one(&sending, "later@campus.test");
	sending_run(&sending, SECOND);
	far_side.spool_refuses = false;
	sending_run(&sending, (unsigned)_i * 5 * SECOND);
	sending_one(&sending, "d@new.test");
}
END_TEST

static Suite *
delivery_suite(void)
{
	Suite *suite = suite_create("delivery");
	TCase *tcase = tcase_create("delivery");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, a_message_is_delivered_at_once_and_settled);
	tcase_add_test(tcase,
	    recipients_of_one_destination_share_a_transaction);
	tcase_add_test(tcase, a_connection_is_used_again_until_it_is_worn_out);
	tcase_add_test(tcase, an_idle_connection_is_given_up_in_time);
	tcase_add_test(tcase,
	    a_thousand_recipients_go_in_transactions_of_a_hundred);
	tcase_add_test(tcase,
	    those_left_behind_by_an_early_transaction_are_tried_again);
	tcase_add_test(tcase, too_many_recipients_are_sent_again_at_once);
	tcase_add_test(tcase, a_4xx_waits_with_a_back_off_of_its_own);
	tcase_add_test(tcase, each_recipient_is_judged_on_its_own);
	tcase_add_test(tcase, a_lifetime_ends_with_a_last_try_and_a_notice);
	tcase_add_test(tcase, a_delay_is_told_once);
	tcase_add_test(tcase, a_restart_tells_of_a_delay_at_most_once_more);
	tcase_add_test(tcase, a_5xx_is_settled_only_when_its_notice_is_on_disk);
	tcase_add_test(tcase, a_full_spool_delays_the_notice_and_loses_nothing);
	tcase_add_test(tcase, a_crash_before_the_notice_repeats_the_attempt);
	tcase_add_test(tcase, what_nobody_wants_to_hear_is_settled_at_once);
	tcase_add_test(tcase, what_goes_into_the_summary_is_settled_with_it);
	tcase_add_test(tcase, a_summary_that_is_lost_is_gathered_anew);
	tcase_add_test(tcase,
	    a_delivery_that_was_to_be_reported_is_settled_after_the_report);
	tcase_add_test(tcase, a_next_hop_that_reports_itself_is_not_reported);
	tcase_add_loop_test(tcase, a_delay_that_could_not_be_told_is_told_later,
	    0, 2);
	tcase_add_test(tcase, failures_beyond_what_can_be_told_wait);
	tcase_add_test(tcase, a_reload_moves_what_waits_to_its_new_destination);
	tcase_add_test(tcase, a_reload_moves_single_recipients_of_a_message);
	tcase_add_test(tcase,
	    a_reload_in_the_middle_of_a_transaction_sends_nothing_twice);
	tcase_add_test(tcase,
	    what_comes_back_after_a_reload_goes_where_it_leads_now);
	tcase_add_test(tcase,
	    a_reload_moves_recipients_that_have_had_their_turn);
	tcase_add_test(tcase, a_reload_begins_with_fresh_connections);
	tcase_add_test(tcase, a_reload_in_the_middle_of_a_sweep_moves_all);
	tcase_add_test(tcase, a_reload_moves_what_is_in_its_back_off);
	tcase_add_test(tcase, a_reload_that_changes_nothing_reads_nothing);
	tcase_add_test(tcase, what_an_earlier_life_left_is_delivered);
	tcase_add_test(tcase,
	    a_drain_finishes_what_is_in_flight_and_begins_nothing);
	tcase_add_loop_test(tcase,
	    an_end_in_the_middle_of_everything_leaks_nothing, 0, 20);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(delivery_suite)
