/*
 * test_router - rules that change while mail waits, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

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

	hosts[0].answer = far_side_by_name;
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

START_TEST(a_recipient_that_a_reload_brings_to_an_attempt_is_tried)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@lab.test", 0 }, { "c@else.test", 0 } };

	hosts[0].down = hosts[2].down = "connection refused";
	hosts[1].answer_ms = 5 * SECOND;
	sending_mail(&sending, "s@campus.test", to, 3);
	sending_run(&sending, SECOND);
	sending_reload(&sending,
	    "campus.test via=hop2\n"
	    "lab.test via=hop2\n");
	sending_run(&sending, 11 * SECOND);
	/* though the message still has c to wait for */
	ck_assert_uint_eq(hosts[1].delivered, 2);
	ck_assert_uint_eq(sending_owed(&sending), 1);
}
END_TEST

START_TEST(a_delay_that_was_told_is_not_told_again_after_a_reload)
{
	static const struct sending_to to[] = { { "a@campus.test", 0 },
		{ "b@also-campus.test", 0 } };

	hosts[0].down = hosts[1].down = "connection refused";
	sending_mail(&sending, "s@campus.test", to, 2);
	sending_run(&sending, 5 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 2);
	sending_reload(&sending,
	    "campus.test via=hop2\n"
	    "also-campus.test via=hop1\n");
	sending_run(&sending, 5 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 2);
	ck_assert_uint_eq(sending_owed(&sending), 1);
}
END_TEST

/* 421 to the message, and the connection ends. */
static bool
leave(struct far_host *host, struct client_job *job)
{
	(void)host;
	far_side_say(job, OUTCOME_LATER, 421, "4.3.2", "421 closing");
	return false;
}

START_TEST(one_host_of_two_does_not_refuse_for_good_whatever_other_lines_meet)
{
	struct far_host *mx = &hosts[2], *mx2 = &hosts[1];

	mx2->name = "mx2.else.test";
	sending_one(&sending, "a@else.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(mx->delivered, 1);
	/* one line is busy, a second one takes long to connect */
	mx->answer = leave;
	mx->answer_ms = 5 * SECOND;
	mx->connect_ms = 10 * SECOND;
	sending_many(&sending, "a@else.test", 2);
	sending_run(&sending, 100);
	ck_assert_uint_eq(mx->open, 2);
	/* a third one finds that mx does not want us, and mx2 is down */
	mx->connect_ms = SECOND;
	mx->down = "554 no service here";
	mx->refuses = true;
	mx2->down = "connection refused";
	sending_one(&sending, "a@else.test");
	sending_run(&sending, 15 * SECOND);
	ck_assert_uint_ge(mx2->connects, 1);
	ck_assert_uint_eq(far_side_told("failed"), 0);
	ck_assert_uint_eq(sending_owed(&sending), 3);
}
END_TEST

START_TEST(what_comes_back_after_a_reload_goes_where_it_leads_now)
{
	static const struct sending_to to[] = { { "later@also-campus.test",
	    0 } };

	/* hop1 stays the destination of others, and dies */
	hosts[0].answer = far_side_by_name;
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
	far_side_4xx(host, job);
	return false;
}

START_TEST(a_reload_moves_recipients_that_have_had_their_turn)
{
	/* one transaction for the first hundred, and the rest waits */
	hosts[0].answer = say_4xx_and_die;
	sending_250(&sending, "a@also-campus.test", "b@campus.test");
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
	sending_reload(&sending, SENDING_HOSTED);
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
	hosts[0].answer = far_side_4xx;
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
	hosts[0].answer = far_side_4xx;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	sending_reload(&sending, SENDING_HOSTED);
	sending_run(&sending, 40 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 1);
}
END_TEST

/* The next hop of the mail outside is a hosted domain's too. */
START_TEST(hops_of_the_campus_do_not_refuse_for_good_whoever_shares_them)
{
	sending_outside(&sending, "hop1");
	sending_reload(&sending, SENDING_HOSTED);
	hosts[0].down = "554 no service here";
	hosts[0].refuses = true;
	sending_one(&sending, "a@else.test");
	if (_i == 1) /* the campus comes when strangers have been refused */
		sending_run(&sending, SECOND);
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side_told("b@campus.test"), 0);
	ck_assert_uint_eq(far_side_told("a@else.test"), (size_t)_i);
	hosts[0].down = NULL;
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 2 - (size_t)_i);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* A stranger's domain that does not exist is hosted a moment later. */
START_TEST(what_was_refused_to_a_stranger_is_not_refused_to_the_campus)
{
	outcome_set(&far_side.no_hosts, OUTCOME_FAILED, 0, "5.1.2",
	    SPAN("the domain does not exist"), NULL);
	sending_one(&sending, "a@new.test");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	outcome_set(&far_side.no_hosts, OUTCOME_LATER, 0, "4.4.4",
	    SPAN("the domain does not exist"), NULL);
	sending_reload(&sending, SENDING_HOSTED "new.test via=mx\n");
	sending_one(&sending, "b@new.test");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(far_side_told("failed"), 1);
	ck_assert_uint_eq(sending_owed(&sending), 1);
}
END_TEST

/* The same, and DNS was being asked at the moment. */
START_TEST(what_is_looked_up_for_a_stranger_is_looked_up_anew_for_the_campus)
{
	outcome_set(&far_side.no_hosts, OUTCOME_FAILED, 0, "5.1.2",
	    SPAN("the domain does not exist"), NULL);
	sending_one(&sending, "a@new.test");
	loop_turn(sending.loop, false);
	ck_assert_uint_eq(far_side.searches, 1);
	outcome_set(&far_side.no_hosts, OUTCOME_LATER, 0, "4.4.4",
	    SPAN("the domain does not exist"), NULL);
	sending_reload(&sending, SENDING_HOSTED "new.test via=mx\n");
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(far_side.searches, 2);
	ck_assert_uint_eq(far_side_told("failed"), 0);
	ck_assert_uint_eq(sending_owed(&sending), 1);
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

static Suite *
router_suite(void)
{
	Suite *suite = suite_create("router");
	TCase *tcase = tcase_create("router");

	tcase_set_timeout(tcase, 60); /* 30000 messages on a busy machine */
	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase, a_reload_moves_what_waits_to_its_new_destination);
	tcase_add_test(tcase, a_reload_moves_single_recipients_of_a_message);
	tcase_add_test(tcase,
	    a_reload_in_the_middle_of_a_transaction_sends_nothing_twice);
	tcase_add_test(tcase,
	    a_recipient_that_a_reload_brings_to_an_attempt_is_tried);
	tcase_add_test(tcase,
	    a_delay_that_was_told_is_not_told_again_after_a_reload);
	tcase_add_test(tcase,
	    one_host_of_two_does_not_refuse_for_good_whatever_other_lines_meet);
	tcase_add_test(tcase,
	    what_comes_back_after_a_reload_goes_where_it_leads_now);
	tcase_add_test(tcase,
	    a_reload_moves_recipients_that_have_had_their_turn);
	tcase_add_test(tcase, a_reload_begins_with_fresh_connections);
	tcase_add_test(tcase, a_reload_in_the_middle_of_a_sweep_moves_all);
	tcase_add_test(tcase, a_reload_moves_what_is_in_its_back_off);
	tcase_add_test(tcase, a_reload_that_changes_nothing_reads_nothing);
	tcase_add_loop_test(tcase,
	    hops_of_the_campus_do_not_refuse_for_good_whoever_shares_them, 0,
	    2);
	tcase_add_test(tcase,
	    what_was_refused_to_a_stranger_is_not_refused_to_the_campus);
	tcase_add_test(tcase,
	    what_is_looked_up_for_a_stranger_is_looked_up_anew_for_the_campus);
	tcase_add_test(tcase, what_an_earlier_life_left_is_delivered);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(router_suite)
