/*
 * test_judgement - what an outcome means for the others of a message, and for
 * one whose time is over.
 */
#include <stdio.h>

#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

enum {
	RECIPIENTS = 10,
	TAKEN = 3,
};

static void
take_one(struct outcome *outcome)
{
	outcome_set(outcome, OUTCOME_DELIVERED, 250, "2.0.0", SPAN("250 ok"),
	    "hop1");
}

static void
say_too_many(struct outcome *outcome)
{
	outcome_set(outcome, OUTCOME_LATER, 452, "4.5.3",
	    SPAN("452 4.5.3 too many recipients"), "hop1");
}

/* So many at a time; NULL as owner: none at all. */
static bool
take_some(struct far_host *host, struct client_job *job)
{
	size_t i, most = host->owner == NULL ? 0 : TAKEN;

	for (i = 0; i < job->recipient_count; i++) {
		if (i < most)
			take_one(&job->outcomes[i]);
		else
			say_too_many(&job->outcomes[i]);
	}
	return true;
}

static void
send_to_many(void)
{
	static char names[RECIPIENTS][32];
	static struct sending_to to[RECIPIENTS];
	size_t i;

	for (i = 0; i < RECIPIENTS; i++) {
		snprintf(names[i], sizeof(names[i]), "u%zu@campus.test", i);
		to[i].address = names[i];
	}
	sending_mail(&sending, "s@campus.test", to, RECIPIENTS);
}

/* "Too many" where none was taken would be so for ever. */
START_TEST(a_hop_for_which_all_are_too_many_is_not_asked_again_at_once)
{
	hosts[0].answer = take_some;
	send_to_many();
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	sending_run(&sending, HOUR);
	ck_assert_uint_le(hosts[0].jobs, 8);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	hosts[0].owner = hosts;
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(hosts[0].delivered, RECIPIENTS);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* Those left behind for being too many have not had their last try. */
START_TEST(a_last_try_is_one_for_every_recipient)
{
	hosts[0].down = "connection refused";
	send_to_many();
	sending_run(&sending, SECOND);
	sending.clock.now += 6 * (uint64_t)DAY;
	hosts[0].down = NULL;
	hosts[0].answer = take_some;
	hosts[0].owner = hosts;
	sending_restart(&sending);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, RECIPIENTS);
	ck_assert_uint_eq(far_side.notices, 0);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* They go in groups of a hundred, and all hear of it, once. */
START_TEST(a_delay_is_told_of_every_group_of_recipients)
{
	hosts[0].answer = far_side_4xx;
	sending_250(&sending, "a@campus.test", "b@campus.test");
	sending_run(&sending, 4 * HOUR - MINUTE);
	ck_assert_uint_eq(far_side_told("delayed"), 0);
	sending_run(&sending, 80 * MINUTE);
	ck_assert_uint_eq(far_side_told("delayed"), 250);
	sending_run(&sending, DAY);
	ck_assert_uint_eq(far_side_told("delayed"), 250);
}
END_TEST

/* The last group is delivered: the first one has heard of its delay. */
START_TEST(a_delay_of_the_first_group_is_told_once)
{
	hosts[0].answer = far_side_4xx;
	sending_250(&sending, "later@campus.test", "b@campus.test");
	sending_run(&sending, 4 * HOUR - MINUTE);
	hosts[0].answer = far_side_by_name;
	sending_run(&sending, DAY);
	ck_assert_uint_eq(hosts[0].delivered, 150);
	ck_assert_uint_eq(far_side_told("delayed"), 100);
}
END_TEST

/* They go in the next transaction, at once. */
START_TEST(who_is_only_one_too_many_is_not_delayed)
{
	hosts[0].answer = far_side_4xx;
	send_to_many();
	sending_run(&sending, 4 * HOUR - MINUTE);
	hosts[0].answer = take_some;
	hosts[0].owner = hosts;
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(hosts[0].delivered, RECIPIENTS);
	ck_assert_uint_eq(far_side_told("delayed"), 0);
}
END_TEST

/* One at a time, and never. */
static bool
refuse_one(struct far_host *host, struct client_job *job)
{
	size_t i;

	(void)host;
	outcome_set(&job->outcomes[0], OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 5.1.1 no such user"), "hop1");
	for (i = 1; i < job->recipient_count; i++)
		say_too_many(&job->outcomes[i]);
	return true;
}

/* In many transactions, one behind the other: one notice. */
START_TEST(recipients_that_fail_one_behind_the_other_share_a_notice)
{
	hosts[0].answer = _i == 0 ? refuse_one : far_side_5xx;
	if (_i == 0)
		send_to_many();
	else
		sending_250(&sending, "a@campus.test", "b@campus.test");
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(far_side_told("failed"), _i == 0 ? RECIPIENTS : 250);
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* Whatever becomes of the others, those that failed are told soon. */
START_TEST(a_group_that_failed_does_not_wait_for_the_others_long)
{
	hosts[0].answer = far_side_by_name;
	sending_250(&sending, "never@campus.test",
	    _i == 0 ? "later@campus.test" : "ok@campus.test");
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(far_side_told("failed"), 100);
	ck_assert_uint_eq(far_side.notices, 1);
	ck_assert_uint_eq(sending_owed(&sending), _i == 0);
}
END_TEST

/* A slow hop: who failed first does not wait for the last of them. */
START_TEST(a_notice_waits_a_moment_only_for_others)
{
	hosts[0].answer = refuse_one;
	hosts[0].answer_ms = 4 * SECOND;
	send_to_many();
	sending_run(&sending, 20 * SECOND);
	ck_assert_uint_eq(far_side.notices, 1);
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(far_side_told("failed"), RECIPIENTS);
	ck_assert_uint_ge(far_side.notices, 3);
	ck_assert_uint_le(far_side.notices, 5);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* The connection had died of its age; the next one takes it. */
static bool
die_of_age(struct far_host *host, struct client_job *job)
{
	job->stale = true;
	host->answer = NULL;
	return false;
}

START_TEST(what_is_tried_again_at_once_is_not_delayed)
{
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 4 * HOUR - MINUTE);
	hosts[0].answer = die_of_age;
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	ck_assert_uint_eq(far_side.notices, 0);
}
END_TEST

static Suite *
judgement_suite(void)
{
	Suite *suite = suite_create("judgement");
	TCase *tcase = tcase_create("judgement");

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase,
	    a_hop_for_which_all_are_too_many_is_not_asked_again_at_once);
	tcase_add_test(tcase, a_last_try_is_one_for_every_recipient);
	tcase_add_test(tcase, a_delay_is_told_of_every_group_of_recipients);
	tcase_add_test(tcase, a_delay_of_the_first_group_is_told_once);
	tcase_add_test(tcase, who_is_only_one_too_many_is_not_delayed);
	tcase_add_test(tcase, what_is_tried_again_at_once_is_not_delayed);
	tcase_add_loop_test(tcase,
	    recipients_that_fail_one_behind_the_other_share_a_notice, 0, 2);
	tcase_add_loop_test(tcase,
	    a_group_that_failed_does_not_wait_for_the_others_long, 0, 2);
	tcase_add_test(tcase, a_notice_waits_a_moment_only_for_others);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(judgement_suite)
