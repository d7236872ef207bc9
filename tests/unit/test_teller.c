/*
 * test_teller - who is told, and what is settled when, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

START_TEST(a_5xx_is_settled_only_when_its_notice_is_on_disk)
{
	hosts[0].answer = far_side_5xx;
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
	hosts[0].answer = far_side_5xx;
	far_side.spool_refuses = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	far_side.spool_refuses = false;
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(a_crash_before_the_notice_repeats_the_attempt)
{
	hosts[0].answer = far_side_5xx;
	far_side.spool_refuses = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	sending_restart(&sending);
	far_side.spool_refuses = false;
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 2);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(what_nobody_wants_to_hear_is_settled_at_once)
{
	static const struct sending_to to[] = { { "a@campus.test",
	    NOTIFY_NEVER } };

	hosts[0].answer = far_side_5xx;
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

	hosts[0].answer = far_side_5xx;
	sending_mail(&sending, "", to, 2);
	sending_run(&sending, 50 * SECOND);
	ck_assert_uint_eq(far_side_told("summary:"), 2);
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

	hosts[0].answer = far_side_5xx;
	far_side.commits_fail = true;
	sending_mail(&sending, "", to, 1);
	sending_run(&sending, 65 * SECOND);
	ck_assert_uint_ge(far_side.summaries, 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	far_side.commits_fail = false;
	sending_run(&sending, 5 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_ge(far_side_told("summary:"), 2);
}
END_TEST

START_TEST(a_summary_that_is_lost_waits_for_no_other_recipient)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@lab.test", 0 } };

	hosts[0].answer = far_side_5xx;
	hosts[1].down = "connection refused";
	far_side.commits_fail = true;
	sending_mail(&sending, "", to, 2);
	sending_run(&sending, 50 * SECOND);
	ck_assert_uint_eq(far_side_told("summary:"), 1);
	hosts[0].answer = NULL;
	sending_run(&sending, 15 * SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
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
	ck_assert_uint_eq(far_side_told("relayed"), 1);
	ck_assert_uint_eq(far_side_told("a@campus.test"), 1);
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

static bool
store(struct far_host *host, struct client_job *job)
{
	(void)host;
	far_side_say(job, OUTCOME_DELIVERED, 250, "2.0.0", "250 saved");
	job->outcomes[0].final = true;
	return true;
}

START_TEST(what_a_mail_store_took_is_told_of_as_delivered)
{
	static const struct sending_to to[] = { { "a@campus.test",
	    NOTIFY_SUCCESS } };

	hosts[0].answer = store;
	sending_mail(&sending, "s@campus.test", to, 1);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side_told("delivered"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_counts(&sending).delivered, 1);
}
END_TEST

START_TEST(a_delay_that_could_not_be_told_is_told_later)
{
	hosts[0].answer = far_side_4xx;
	if (_i == 0)
		far_side.spool_refuses = true;
	else
		far_side.commits_fail = true;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 6 * HOUR);
	far_side.spool_refuses = far_side.commits_fail = false;
	buf_empty(&far_side.told);
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
}
END_TEST

START_TEST(failures_beyond_what_can_be_told_wait)
{
	int i;

	hosts[0].answer = far_side_5xx;
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
	ck_assert_uint_eq(far_side_told("failed"), 1100);
}
END_TEST

/* It is over with them, only that cannot be told yet. */
START_TEST(failures_beyond_what_can_be_told_are_no_delays)
{
	hosts[0].answer = far_side_4xx;
	sending_many(&sending, "a@campus.test", 1100);
	sending_run(&sending, 4 * HOUR - MINUTE);
	hosts[0].answer = far_side_5xx;
	far_side.commits_fail = true;
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 1100);
	ck_assert_uint_gt(far_side_told("failed"), 0);
	ck_assert_uint_eq(far_side_told("delayed"), 0);
}
END_TEST

/* RFC 3464 2.3.7: the date of a try that was, or none. */
START_TEST(who_has_only_waited_was_not_tried)
{
	sending.conf.delivery.connections_per_destination = 1;
	hosts[0].answer_ms = HOUR;
	sending_many(&sending, "a@campus.test", 10);
	sending_run(&sending, 4 * HOUR + 30 * MINUTE);
	ck_assert_uint_ge(far_side_told("4.4.5 many messages wait"), 5);
	ck_assert_int_eq(far_side.last_attempt, 0);
}
END_TEST

START_TEST(who_waits_for_a_dead_hop_was_tried_with_its_last_probe)
{
	int64_t now;

	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 10);
	sending_run(&sending, 4 * HOUR + 30 * MINUTE);
	ck_assert_uint_eq(far_side_told("delayed"), 10);
	now = loop_wall(sending.loop);
	ck_assert_int_ge(far_side.last_attempt, now - 30 * 60);
	ck_assert_int_le(far_side.last_attempt, now);
}
END_TEST

START_TEST(a_delay_is_told_once)
{
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 4 * HOUR - MINUTE);
	ck_assert_uint_eq(far_side.notices, 0);
	sending_run(&sending, 80 * MINUTE);
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
	sending_run(&sending, 3 * DAY);
	ck_assert_uint_eq(far_side.notices, 1);
}
END_TEST

START_TEST(a_restart_tells_of_a_delay_at_most_once_more)
{
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 6 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
	sending_restart(&sending);
	sending_run(&sending, 3 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 2);
	sending_restart(&sending);
	sending_run(&sending, DAY);
	ck_assert_uint_eq(far_side_told("delayed"), 2);
}
END_TEST

/* The new route's queue knows what the old one's had told. */
START_TEST(a_reload_does_not_tell_of_a_delay_again)
{
	hosts[0].answer = far_side_4xx;
	hosts[1].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 6 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
	sending_reload(&sending, "campus.test via=hop2\n");
	sending_run(&sending, DAY);
	ck_assert_uint_ge(hosts[1].jobs, 20);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
}
END_TEST

/* One at a time, as LIMITS or 452 say; the first one waits. */
static bool
one_at_a_time(struct far_host *host, struct client_job *job)
{
	size_t i;

	(void)host;
	far_side_say(job, OUTCOME_LATER, 452, "4.5.3", "next transaction");
	for (i = 0; i < job->recipient_count; i++)
		if (span_starts(job->envelope->recipients[job->recipients[i]]
				    .address,
			SPAN("later")))
			outcome_set(&job->outcomes[i], OUTCOME_LATER, 450,
			    "4.2.1", SPAN("450 4.2.1 mailbox busy"), "hop1");
	if (job->outcomes[0].code == 452)
		outcome_set(&job->outcomes[0], OUTCOME_DELIVERED, 250, "2.0.0",
		    SPAN("250 ok"), "hop1");
	return true;
}

START_TEST(who_only_waits_for_the_next_transaction_is_not_late)
{
	static const struct sending_to to[] = { { "later@campus.test", 0 },
		{ "a@campus.test", 0 }, { "b@campus.test", 0 } };

	hosts[0].answer = one_at_a_time;
	hosts[0].answer_ms = 5 * HOUR;
	sending_mail(&sending, "s@campus.test", to, 3);
	sending_run(&sending, HOUR);
	hosts[0].answer_ms = 0;
	sending_run(&sending, 8 * HOUR);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(far_side_told("delayed"), 1);
	ck_assert_uint_eq(far_side_told("next transaction"), 0);
}
END_TEST

/* Its lifetime is over meanwhile: it has not had its last try yet. */
START_TEST(an_old_connection_that_ends_is_no_reason_to_tell_anybody)
{
	if (_i < 2)
		sending.conf.delivery.lifetime = 4 * 3600;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	hosts[0].answer = _i % 2 == 0 ? far_side_stale_once : far_side_421_once;
	hosts[0].answer_ms = 5 * HOUR;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, HOUR);
	hosts[0].answer_ms = 0;
	sending_run(&sending, 5 * HOUR);
	ck_assert_uint_eq(hosts[0].connects, 2);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(far_side.notices, 0);
}
END_TEST

static Suite *
teller_suite(void)
{
	Suite *suite = suite_create("teller");
	TCase *tcase = tcase_create("teller");

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase, a_5xx_is_settled_only_when_its_notice_is_on_disk);
	tcase_add_test(tcase, a_full_spool_delays_the_notice_and_loses_nothing);
	tcase_add_test(tcase, a_crash_before_the_notice_repeats_the_attempt);
	tcase_add_test(tcase, what_nobody_wants_to_hear_is_settled_at_once);
	tcase_add_test(tcase, what_goes_into_the_summary_is_settled_with_it);
	tcase_add_test(tcase, a_summary_that_is_lost_is_gathered_anew);
	tcase_add_test(tcase,
	    a_summary_that_is_lost_waits_for_no_other_recipient);
	tcase_add_test(tcase,
	    a_delivery_that_was_to_be_reported_is_settled_after_the_report);
	tcase_add_test(tcase, a_next_hop_that_reports_itself_is_not_reported);
	tcase_add_test(tcase, what_a_mail_store_took_is_told_of_as_delivered);
	tcase_add_loop_test(tcase, a_delay_that_could_not_be_told_is_told_later,
	    0, 2);
	tcase_add_test(tcase, failures_beyond_what_can_be_told_wait);
	tcase_add_test(tcase, failures_beyond_what_can_be_told_are_no_delays);
	tcase_add_test(tcase, who_has_only_waited_was_not_tried);
	tcase_add_test(tcase,
	    who_waits_for_a_dead_hop_was_tried_with_its_last_probe);
	tcase_add_test(tcase, a_delay_is_told_once);
	tcase_add_test(tcase, a_restart_tells_of_a_delay_at_most_once_more);
	tcase_add_test(tcase, a_reload_does_not_tell_of_a_delay_again);
	tcase_add_loop_test(tcase,
	    an_old_connection_that_ends_is_no_reason_to_tell_anybody, 0, 4);
	tcase_add_test(tcase,
	    who_only_waits_for_the_next_transaction_is_not_late);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(teller_suite)
