/*
 * test_delivery - the sending side as a whole, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

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
	hosts[0].answer = far_side_by_name;
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

START_TEST(those_left_behind_by_an_early_transaction_are_tried_again)
{
	hosts[0].answer = far_side_by_name;
	sending_250(&sending, "later@campus.test", "ok@campus.test");
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

/* Too many, it says of the first, and takes nobody else either. */
static bool
crowded_and_later(struct far_host *host, struct client_job *job)
{
	far_side_say(job, OUTCOME_LATER, 450, "4.2.1", "450 4.2.1 not now");
	outcome_set(&job->outcomes[0], OUTCOME_LATER, 452, "4.5.3",
	    SPAN("452 4.5.3 too many"), host->name);
	return true;
}

START_TEST(too_many_without_any_progress_waits_like_others)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@campus.test", 0 } };

	hosts[0].answer = crowded_and_later;
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, 40 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	sending_run(&sending, HOUR);
	ck_assert_uint_le(hosts[0].jobs, 10);
}
END_TEST

/* ---- later ---- */

START_TEST(a_4xx_waits_with_a_back_off_of_its_own)
{
	size_t jobs;

	hosts[0].answer = far_side_4xx;
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

	hosts[0].answer = far_side_by_name;
	sending_mail(&sending, "s@campus.test", to, 4);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	/* one notice for all that failed together */
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(far_side_told("failed"), 2);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("failed"), 2);
}
END_TEST

START_TEST(a_lifetime_ends_with_a_last_try_and_a_notice)
{
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 5 * DAY - MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	ck_assert_uint_eq(far_side_told("failed"), 0);
	sending_run(&sending, 5 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	ck_assert_uint_eq(far_side_told("4.4.7"), 1);
	ck_assert_uint_eq(far_side_told("450 4.2.1 mailbox busy"),
	    2); /* and the delay */
	ck_assert_uint_eq(sending_logged(&sending, "event=failed"), 1);
}
END_TEST

static bool
says_nothing_printable(struct far_host *host, struct client_job *job)
{
	char text[OUTCOME_TEXT_MAX + 1];

	(void)host;
	memset(text, 1, OUTCOME_TEXT_MAX);
	text[OUTCOME_TEXT_MAX] = '\0';
	return far_side_say(job, OUTCOME_LATER, 0, "4.4.2", text);
}

START_TEST(last_reason_is_told_however_long_it_is)
{
	hosts[0].answer = says_nothing_printable;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 5 * DAY + 5 * MINUTE);
	ck_assert_uint_eq(far_side_told("4.4.7"), 1);
	ck_assert_uint_eq(far_side_told("the last time"), 1);
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

START_TEST(what_cannot_be_read_any_more_is_let_go_whole)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@lab.test", 0 }, { "never@campus.test", 0 } };

	/* two destinations wait, and a notice */
	hosts[0].answer = far_side_by_name;
	hosts[1].down = "connection refused";
	far_side.spool_refuses = true;
	sending_mail(&sending, "s@campus.test", to, 3);
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 2);
	sending.unreadable = true;
	hosts[1].down = NULL;
	far_side.spool_refuses = false;
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(hosts[1].delivered, 0);
	ck_assert_uint_eq(far_side.notices, 0);
	/* others go on */
	sending.unreadable = false;
	sending_one(&sending, "c@lab.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
}
END_TEST

START_TEST(an_end_in_the_middle_of_everything_leaks_nothing)
{
	static const struct sending_to to[] = { { "never@campus.test", 0 },
		{ "b@lab.test", 0 }, { "c@else.test", NOTIFY_SUCCESS } };

	/* a notice that waits, a summary, an attempt, a back-off, a search */
	hosts[0].answer = far_side_by_name;
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

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
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
	tcase_add_test(tcase, too_many_without_any_progress_waits_like_others);
	tcase_add_test(tcase, a_4xx_waits_with_a_back_off_of_its_own);
	tcase_add_test(tcase, each_recipient_is_judged_on_its_own);
	tcase_add_test(tcase, a_lifetime_ends_with_a_last_try_and_a_notice);
	tcase_add_test(tcase, last_reason_is_told_however_long_it_is);
	tcase_add_test(tcase,
	    a_drain_finishes_what_is_in_flight_and_begins_nothing);
	tcase_add_test(tcase, what_cannot_be_read_any_more_is_let_go_whole);
	tcase_add_loop_test(tcase,
	    an_end_in_the_middle_of_everything_leaks_nothing, 0, 20);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(delivery_suite)
