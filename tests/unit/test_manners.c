/*
 * test_manners - what a destination is spared, and what it is believed.
 */
#include "relayd/delivery/manage.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

static const struct {
	bool refuses[2];
	size_t failed;
} doors[] = {
	{ { true, true }, 1 },
	{ { true, false }, 0 },
	{ { false, true }, 0 },
	{ { false, false }, 0 },
};

/* "Never" of one host is not the word of the other. */
START_TEST(only_what_all_hosts_refuse_for_good_fails)
{
	size_t i;

	hosts[0].name = "mx.two.test";
	hosts[1].name = "mx2.two.test";
	for (i = 0; i < 2; i++) {
		hosts[i].refuses = doors[_i].refuses[i];
		hosts[i].down = hosts[i].refuses ? "554 no mail here" :
						   "connection refused";
	}
	sending_one(&sending, "x@two.test");
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(hosts[0].connects, 1);
	ck_assert_uint_eq(hosts[1].connects, 1);
	ck_assert_uint_eq(far_side_told("failed"), doors[_i].failed);
	ck_assert_uint_eq(sending_owed(&sending), 1 - doors[_i].failed);
}
END_TEST

START_TEST(one_message_more_is_one_connection_more)
{
	hosts[0].answer_ms = 100;
	sending_many(&sending, "a@campus.test", 200);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 200);
	ck_assert_uint_eq(hosts[0].most, 20);
	/* one is busy for long, and the idle ones end meanwhile */
	hosts[0].answer_ms = 10 * MINUTE;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[0].open, 1);
	hosts[0].connect_ms = SECOND;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[0].open, 2);
}
END_TEST

/* What was learnt of a dead host outlives the mail that taught it. */
START_TEST(dead_host_without_mail_is_not_asked_before_its_time)
{
	size_t connects;
	uint64_t id;

	hosts[0].down = "connection refused";
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, 2 * (uint64_t)HOUR);
	/* right behind a probe: the next one is minutes ahead */
	connects = hosts[0].connects;
	while (hosts[0].connects == connects)
		sending_run(&sending, SECOND);
	connects = hosts[0].connects;
	ck_assert(manage_drop(sending.delivery, spool_find(sending.spool, id),
	    false));
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	sending_one(&sending, "b@campus.test");
	sending_run(&sending, 3 * MINUTE);
	ck_assert_uint_eq(hosts[0].connects, connects);
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_ge(hosts[0].connects, connects + 1);
}
END_TEST

/* Nothing but a full spool keeps them: it is not asked over and over. */
START_TEST(refusals_beyond_what_can_be_told_wait_quietly)
{
	far_side.no_hosts = (struct outcome){ .kind = OUTCOME_NONE };
	outcome_set(&far_side.no_hosts, OUTCOME_FAILED, 0, "5.1.10",
	    SPAN("the domain takes no mail"), NULL);
	far_side.spool_refuses = true;
	sending_many(&sending, "a@else.test", 1100);
	sending_run(&sending, 10 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 1100);
	far_side.spool_refuses = false;
	sending_run(&sending, 3 * HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(far_side_told("5.1.10"), 1100);
	outcome_clear(&far_side.no_hosts);
}
END_TEST

/* Ten others come while one holds all connections, each busy for long. */
START_TEST(who_has_all_connections_gives_way_after_a_message)
{
	static const char *const others[] = { "x@d0.test", "x@d1.test",
		"x@d2.test", "x@d3.test", "x@d4.test", "x@d5.test", "x@d6.test",
		"x@d7.test", "x@d8.test", "x@d9.test" };
	size_t i;

	sending.conf.delivery.connections = 20;
	hosts[0].answer_ms = 10 * SECOND;
	sending_many(&sending, "a@campus.test", 2000);
	sending_run(&sending, 2 * MINUTE);
	ck_assert_uint_eq(hosts[0].open, 20);
	for (i = 0; i < 10; i++)
		sending_one(&sending, others[i]);
	sending_run(&sending, 11 * SECOND);
	ck_assert_uint_eq(sending_counts(&sending).delivered -
		hosts[0].delivered,
	    10);
	ck_assert_uint_le(sending_counts(&sending).connections, 20);
}
END_TEST

/* The relay was off for days; the hop takes all of it, one by one. */
START_TEST(old_mail_that_has_yet_to_be_tried_is_not_given_up)
{
	sending.conf.delivery.notice_after = 4 * (DAY / 1000);
	sending.conf.delivery.connections_per_destination = 1;
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", 3000);
	sending_run(&sending, SECOND);
	sending.clock.now += 5 * (uint64_t)DAY + HOUR;
	hosts[0].down = NULL;
	hosts[0].answer_ms = SECOND;
	sending_restart(&sending);
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(far_side_told("failed"), 0);
	ck_assert_uint_eq(hosts[0].delivered, 3000);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

static Suite *
manners_suite(void)
{
	Suite *suite = suite_create("manners");
	TCase *tcase = tcase_create("manners");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_loop_test(tcase, only_what_all_hosts_refuse_for_good_fails, 0,
	    sizeof(doors) / sizeof(doors[0]));
	tcase_add_test(tcase, one_message_more_is_one_connection_more);
	tcase_add_test(tcase,
	    dead_host_without_mail_is_not_asked_before_its_time);
	tcase_add_test(tcase, refusals_beyond_what_can_be_told_wait_quietly);
	tcase_add_test(tcase,
	    who_has_all_connections_gives_way_after_a_message);
	tcase_add_test(tcase,
	    old_mail_that_has_yet_to_be_tried_is_not_given_up);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(manners_suite)
