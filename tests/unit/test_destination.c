/*
 * test_destination - one destination that fails, and the others beside it.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/delivery/health.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

/* ---- dead hosts ---- */

START_TEST(ten_thousand_messages_for_a_dead_host_cost_one_probe)
{
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 10000);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[0].connects, 1);
	/* every one of them can be found in the log, with the reason */
	ck_assert_uint_eq(sending_logged(&sending, "event=deferred"), 10000);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    1);
	/* in an hour: some probes, each by itself */
	sending_run(&sending, HOUR);
	ck_assert_uint_ge(hosts[0].connects, 8);
	ck_assert_uint_le(hosts[0].connects, 16);
	ck_assert_uint_eq(hosts[0].most, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=deferred"), 10000);
	/* it is back: all leave within a probe's time, ramped up */
	hosts[0].down = NULL;
	hosts[0].answer_ms = 50;
	sending_run(&sending, 13 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 10000);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].most, 20);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-up"), 1);
}
END_TEST

START_TEST(a_new_message_does_not_wake_a_dead_host)
{
	int i;

	hosts[0].down = "connection refused";
	for (i = 0; i < 100; i++) {
		sending_one(&sending, "a@campus.test");
		sending_run(&sending, 50);
	}
	ck_assert_uint_eq(hosts[0].connects, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=deferred"), 100);
}
END_TEST

START_TEST(a_host_that_dies_while_nothing_is_connected_costs_one_probe)
{
	sending_many(&sending, "a@campus.test", 100);
	/* the connections are closed, the destination is still known */
	sending_run(&sending, 40 * SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_counts(&sending).connections, 0);
	ck_assert_uint_eq(sending_counts(&sending).destinations, 1);
	hosts[0].connects = 0;
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 100);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].connects, 1);
}
END_TEST

START_TEST(a_dead_or_slow_destination_delays_no_other)
{
	int i;

	if (_i == 0) {
		hosts[0].down = "timed out";
		hosts[0].connect_ms = 30 * SECOND;
	} else {
		hosts[0].answer_ms = 10 * MINUTE;
	}
	sending_many(&sending, "a@campus.test", 3000);
	for (i = 0; i < 50; i++) {
		sending_one(&sending, "b@lab.test");
		sending_run(&sending, 100);
		ck_assert_uint_eq(hosts[1].delivered, (size_t)i + 1);
	}
}
END_TEST

static bool
cannot_be_read(struct far_host *host, struct client_job *job)
{
	(void)host;
	job->unread = true;
	far_side_say(job, OUTCOME_LATER, 0, "4.3.0",
	    "the message cannot be read: Input/output error");
	return false;
}

START_TEST(what_our_disk_does_not_give_is_no_trouble_of_the_destination)
{
	hosts[0].answer = cannot_be_read;
	sending_many(&sending, "a@campus.test", 100);
	sending_run(&sending, 10 * SECOND);
	/* each was tried, and waits by itself */
	ck_assert_uint_eq(hosts[0].jobs, 100);
	ck_assert_uint_eq(sending_counts(&sending).queue.waiting, 100);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    0);
	hosts[0].answer = NULL;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, 10);
	ck_assert_uint_eq(hosts[0].delivered, 1);
}
END_TEST

START_TEST(hosts_are_tried_in_order_and_the_next_takes_over)
{
	sending_one(&sending, "a@both.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	ck_assert_uint_eq(hosts[1].connects, 0);
	sending_run(&sending, HOUR);
	hosts[0].down = "timed out";
	hosts[0].connect_ms = 30 * SECOND;
	sending_one(&sending, "b@both.test");
	sending_run(&sending, 31 * SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_logged(&sending, "event=deferred"), 0);
	/* who failed a moment ago is not waited for again */
	sending_run(&sending, 40 * SECOND);
	sending_one(&sending, "c@both.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 2);
	ck_assert_uint_eq(hosts[0].connects, 2);
}
END_TEST

START_TEST(a_probe_tries_every_host_before_it_gives_up)
{
	hosts[0].down = "refused";
	hosts[1].down = "timed out";
	sending_many(&sending, "a@both.test", 10);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(hosts[0].connects, 1);
	ck_assert_uint_eq(hosts[1].connects, 1);
	ck_assert_uint_eq(sending_logged(&sending, "timed out"), 11);
	ck_assert_uint_eq(far_side.searches, 1);
	hosts[1].down = NULL;
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[1].delivered, 10);
	/* perhaps it has moved: each probe begins with a question */
	ck_assert_uint_ge(far_side.searches, 2);
}
END_TEST

START_TEST(hosts_are_looked_up_again_after_a_minute_or_a_failure)
{
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 10 * SECOND);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 45 * SECOND);
	ck_assert_uint_eq(far_side.searches, 1);
	sending_run(&sending, 20 * SECOND);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side.searches, 2);
}
END_TEST

/* ---- fairness ---- */

static void
add_one_scan(int origin)
{
	struct sending_to to = { .address = "scan@campus.test" };

	if (origin == 0)
		sending.client = "192.0.2.99"; /* another machine */
	sending_mail(&sending,
	    origin == 0 ? "sender@campus.test" : "scanner@campus.test", &to, 1);
}

/* When the scan was taken, among all that were: from 1. */
static size_t
place_of_scan(void)
{
	struct span rest = buf_span(&hosts[0].taken);
	size_t place = 1;

	while (rest.len > 0) {
		struct span line = span_cut(&rest, '\n');

		if (memmem(line.data, line.len, "scan@", 5) != NULL)
			return place;
		place++;
	}
	return 0;
}

START_TEST(a_flood_of_one_origin_delays_no_scan_of_another)
{
	hosts[0].answer_ms = 100;
	hosts[0].room = 1;
	sending_many(&sending, "a@campus.test", 2000);
	sending_run(&sending, 20 * SECOND);
	hosts[0].taken.len = 0;
	add_one_scan(_i);
	sending_run(&sending, SECOND);
	ck_assert_uint_ge(place_of_scan(), 1);
	ck_assert_uint_le(place_of_scan(), 4);
	ck_assert_uint_ge(sending_owed(&sending), 1000);
}
END_TEST

START_TEST(turns_are_taken_after_an_outage_and_a_restart_too)
{
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 2000);
	add_one_scan(_i % 2);
	sending_run(&sending, 10 * MINUTE);
	hosts[0].down = NULL;
	if (_i / 2 > 0)
		sending_restart(&sending);
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_ge(place_of_scan(), 1);
	ck_assert_uint_le(place_of_scan(), 100);
}
END_TEST

/* ---- no hosts ---- */

START_TEST(dns_that_fails_is_waited_for)
{
	outcome_set(&far_side.no_hosts, OUTCOME_LATER, 0, "4.4.3",
	    SPAN("DNS: SERVFAIL"), NULL);
	sending_many(&sending, "a@else.test", 3);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_logged(&sending, "DNS: SERVFAIL"), 4);
	ck_assert_uint_eq(sending_owed(&sending), 3);
	outcome_clear(&far_side.no_hosts);
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[2].delivered, 3);
}
END_TEST

START_TEST(a_domain_that_takes_no_mail_fails_at_once)
{
	outcome_set(&far_side.no_hosts, OUTCOME_FAILED, 0, "5.1.10",
	    SPAN("takes no mail (null MX)"), NULL);
	sending_many(&sending, "a@else.test", 100);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(far_side.notices, 100);
	ck_assert_uint_eq(far_side_told("5.1.10"), 100);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side.searches, 1);
	/* and is asked again when that was a while ago */
	outcome_clear(&far_side.no_hosts);
	sending_run(&sending, 2 * MINUTE);
	sending_one(&sending, "a@else.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[2].delivered, 1);
}
END_TEST

START_TEST(a_banner_that_refuses_for_good_fails_but_not_on_campus)
{
	hosts[0].down = hosts[2].down = "554 no service here";
	hosts[0].refuses = hosts[2].refuses = true;
	sending_one(&sending, "a@campus.test");
	sending_one(&sending, "b@else.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(far_side_told("b@else.test"), 1);
	ck_assert_uint_eq(far_side_told("a@campus.test"), 0);
	ck_assert_uint_eq(sending_owed(&sending), 1);
}
END_TEST

/* ---- sessions that break ---- */

static bool
break_session(struct far_host *host, struct client_job *job)
{
	far_side_say(job, OUTCOME_LATER, 0, "4.4.2", "connection lost");
	job->sent_dot = host->owner != NULL;
	return false;
}

START_TEST(a_session_that_breaks_delays_its_message_not_the_others)
{
	hosts[0].answer = break_session;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	hosts[0].answer = NULL;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 1);
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 2);
}
END_TEST

START_TEST(a_host_that_breaks_every_session_is_down)
{
	hosts[0].answer = break_session;
	sending_many(&sending, "a@campus.test", 1000);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_le(hosts[0].jobs, 8);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    1);
	hosts[0].answer = NULL;
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 1000);
}
END_TEST

START_TEST(what_was_lost_after_the_dot_is_not_repeated_at_once)
{
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	/* on a connection that has been used before */
	hosts[0].answer = break_session;
	hosts[0].owner = hosts;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, 30 * SECOND);
	ck_assert_uint_eq(hosts[0].jobs, 2);
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].jobs, 3);
	ck_assert_uint_eq(hosts[0].delivered, 2);
}
END_TEST

START_TEST(an_old_connection_that_ends_costs_the_message_nothing)
{
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	hosts[0].answer = _i == 0 ? far_side_stale_once : far_side_421_once;
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 2);
	ck_assert_uint_eq(hosts[0].connects, 2);
}
END_TEST

/* Says 421 to the first message of every connection but one. */
static bool
rude(struct far_host *host, struct client_job *job)
{
	(void)host;
	far_side_say(job, OUTCOME_LATER, 421, "4.7.0", "421 go away");
	return false;
}

START_TEST(a_host_that_says_421_is_left_alone_for_a_while)
{
	hosts[0].answer = rude;
	sending_many(&sending, "a@campus.test", 500);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_le(hosts[0].jobs, 8);
	sending_run(&sending, HOUR);
	ck_assert_uint_le(hosts[0].jobs, 30);
	ck_assert_uint_eq(sending_owed(&sending), 500);
}
END_TEST

/* ---- the sweep ---- */

START_TEST(all_that_wait_behind_a_dead_host_hear_of_the_delay_and_the_end)
{
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 300);
	sending_run(&sending, 4 * HOUR - MINUTE);
	ck_assert_uint_eq(far_side.notices, 0);
	sending_run(&sending, 17 * MINUTE);
	ck_assert_uint_eq(far_side_told("delayed"), 300);
	ck_assert_uint_eq(far_side_told("connection refused"), 300);
	sending_run(&sending, 5 * DAY - 5 * HOUR);
	ck_assert_uint_eq(far_side_told("delayed"), 300);
	ck_assert_uint_eq(far_side_told("failed"), 0);
	ck_assert_uint_eq(sending_owed(&sending), 300);
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(far_side_told("failed"), 300);
	ck_assert_uint_eq(far_side_told("4.4.7"), 300);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(what_is_too_old_at_a_start_is_tried_once_more)
{
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 5);
	sending_run(&sending, SECOND);
	sending.clock.now += 6 * (uint64_t)DAY;
	hosts[0].down = NULL;
	sending_restart(&sending);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 5);
	ck_assert_uint_eq(far_side.notices, 0);
}
END_TEST

/* ---- its health, alone ---- */

START_TEST(health_halves_on_trouble_and_is_down_after_three)
{
	struct health_facts facts = { .now = 1000,
		.limit_max = 20,
		.retry_first = 60,
		.retry_max = 3600 };
	struct health health;
	int i;

	health_init(&health);
	ck_assert_uint_eq(health_allows(&health, &facts), 1);
	health_greeted(&health);
	ck_assert_uint_eq(health_allows(&health, &facts), HEALTH_LIMIT_FIRST);
	for (i = 0; i < 30; i++)
		ck_assert(!health_answered(&health, &facts));
	ck_assert_uint_eq(health_allows(&health, &facts), 20);
	ck_assert(!health_trouble(&health, &facts));
	ck_assert_uint_eq(health_allows(&health, &facts), 10);
	ck_assert(!health_trouble(&health, &facts));
	ck_assert(health_trouble(&health, &facts));
	ck_assert_uint_eq(health_allows(&health, &facts), 0);
	/* a probe after 15 s, less or more a quarter */
	facts.now = health.retry_at;
	ck_assert_uint_ge(facts.now, 1000 + 11250);
	ck_assert_uint_le(facts.now, 1000 + 18750);
	ck_assert_uint_eq(health_allows(&health, &facts), 1);
	health_greeted(&health);
	ck_assert_uint_eq(health_allows(&health, &facts), 1);
	ck_assert(health_answered(&health, &facts));
	ck_assert_uint_eq(health_allows(&health, &facts), 2);
}
END_TEST

static Suite *
destination_suite(void)
{
	Suite *suite = suite_create("destination");
	TCase *tcase = tcase_create("destination");

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase,
	    ten_thousand_messages_for_a_dead_host_cost_one_probe);
	tcase_add_test(tcase, a_new_message_does_not_wake_a_dead_host);
	tcase_add_test(tcase,
	    a_host_that_dies_while_nothing_is_connected_costs_one_probe);
	tcase_add_loop_test(tcase, a_dead_or_slow_destination_delays_no_other,
	    0, 2);
	tcase_add_test(tcase,
	    what_our_disk_does_not_give_is_no_trouble_of_the_destination);
	tcase_add_test(tcase, hosts_are_tried_in_order_and_the_next_takes_over);
	tcase_add_test(tcase, a_probe_tries_every_host_before_it_gives_up);
	tcase_add_test(tcase,
	    hosts_are_looked_up_again_after_a_minute_or_a_failure);
	tcase_add_loop_test(tcase,
	    a_flood_of_one_origin_delays_no_scan_of_another, 0, 2);
	tcase_add_loop_test(tcase,
	    turns_are_taken_after_an_outage_and_a_restart_too, 0, 4);
	tcase_add_test(tcase, dns_that_fails_is_waited_for);
	tcase_add_test(tcase, a_domain_that_takes_no_mail_fails_at_once);
	tcase_add_test(tcase,
	    a_banner_that_refuses_for_good_fails_but_not_on_campus);
	tcase_add_test(tcase,
	    a_session_that_breaks_delays_its_message_not_the_others);
	tcase_add_test(tcase, a_host_that_breaks_every_session_is_down);
	tcase_add_test(tcase,
	    what_was_lost_after_the_dot_is_not_repeated_at_once);
	tcase_add_loop_test(tcase,
	    an_old_connection_that_ends_costs_the_message_nothing, 0, 2);
	tcase_add_test(tcase, a_host_that_says_421_is_left_alone_for_a_while);
	tcase_add_test(tcase,
	    all_that_wait_behind_a_dead_host_hear_of_the_delay_and_the_end);
	tcase_add_test(tcase, what_is_too_old_at_a_start_is_tried_once_more);
	tcase_add_test(tcase, health_halves_on_trouble_and_is_down_after_three);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(destination_suite)
