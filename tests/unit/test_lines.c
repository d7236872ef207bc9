/*
 * test_lines - how many connections, and for whom, in virtual time.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/delivery/health.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

START_TEST(connections_grow_on_success_up_to_the_limit)
{
	hosts[0].answer_ms = 20;
	sending_many(&sending, "a@campus.test", 1000);
	sending_run(&sending, 15);
	ck_assert_uint_eq(hosts[0].most, HEALTH_LIMIT_FIRST);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(hosts[0].most, 20);
	ck_assert_uint_eq(hosts[0].delivered, 1000);
}
END_TEST

START_TEST(a_host_that_lets_two_in_is_not_hammered_for_more)
{
	hosts[0].answer_ms = 50;
	hosts[0].room = 2;
	sending_many(&sending, "a@campus.test", 400);
	sending_run(&sending, 11 * SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 400);
	ck_assert_uint_le(hosts[0].connects, 20);
	ck_assert_uint_eq(sending_logged(&sending, "event=destination-down"),
	    0);
}
END_TEST

START_TEST(room_that_is_not_needed_goes_back)
{
	sending.conf.delivery.connections = 1;
	hosts[0].answer_ms = 100;
	sending_many(&sending, "a@campus.test", 30);
	sending_run(&sending, 200);
	sending_one(&sending, "b@lab.test"); /* waits for room */
	sending_run(&sending, 200);
	sending_reload(&sending,
	    "campus.test via=hop1\n"
	    "lab.test via=hop1\n");
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[0].delivered, 31);
}
END_TEST

START_TEST(where_connections_are_scarce_destinations_take_turns)
{
	sending.conf.delivery.connections = 1;
	hosts[0].answer_ms = hosts[1].answer_ms = 100;
	sending_many(&sending, "a@campus.test", 100);
	sending_many(&sending, "b@lab.test", 100);
	sending_one(&sending, "c@else.test");
	sending_run(&sending, 3 * SECOND);
	ck_assert_uint_eq(hosts[2].delivered, 1);
	ck_assert_uint_ge(hosts[0].delivered, 10);
	ck_assert_uint_ge(hosts[1].delivered, 10);
	ck_assert_uint_eq(sending_counts(&sending).connections, 1);
}
END_TEST

/*
 * Other authorities, another password, another address to come from: what is
 * under way goes on, and then the connection has done its work.
 */
START_TEST(a_reload_ends_connections_when_their_message_is_through)
{
	hosts[0].answer_ms = 10 * SECOND;
	sending.conf.delivery.connections_per_destination = 1;
	sending_many(&sending, "a@campus.test", 3);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[0].open, 1);
	sending_reload(&sending, SENDING_HOSTED);
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(hosts[0].open, 1);
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[0].delivered, 3);
	ck_assert_uint_eq(hosts[0].jobs, 3);
	ck_assert_uint_eq(hosts[0].connects, 2);
}
END_TEST

START_TEST(a_raised_ceiling_is_used_at_once)
{
	sending.conf.delivery.connections = 1;
	hosts[0].answer_ms = 10 * MINUTE;
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	sending_one(&sending, "b@lab.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 0);
	sending.conf.delivery.connections = 10;
	sending_reload(&sending, SENDING_HOSTED);
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
}
END_TEST

START_TEST(all_connections_are_shared_fairly)
{
	static char names[40][32];
	size_t before, i;

	sending.conf.delivery.connections = 20;
	hosts[0].answer_ms = 100;
	sending_many(&sending, "a@campus.test", 5000);
	sending_run(&sending, 3 * SECOND);
	ck_assert_uint_eq(hosts[0].open, 20);
	/* forty others come: each gets its turn, and soon */
	for (i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "x@d%zu.test", i);
		sending_one(&sending, names[i]);
	}
	before = sending_counts(&sending).delivered - hosts[0].delivered;
	ck_assert_uint_eq(before, 0);
	sending_run(&sending, 2 * SECOND);
	ck_assert_uint_eq(sending_counts(&sending).delivered -
		hosts[0].delivered,
	    40);
	ck_assert_uint_le(sending_counts(&sending).connections, 20);
	sending_run(&sending, HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* A newsletter to sixty strangers, who take their time or do not answer. */
START_TEST(strangers_never_take_all_connections)
{
	static struct far_host far[61];
	static char names[60][16];
	char address[32];
	size_t i;

	sending_close(&sending);
	far[60] = (struct far_host){ .name = "hop1", .answer_ms = 50 };
	for (i = 0; i < 60; i++) {
		snprintf(names[i], sizeof(names[i]), "mx.d%zu.test", i);
		far[i] = (struct far_host){ .name = names[i],
			.down = _i == 0 ? NULL : "timed out",
			.connect_ms = _i == 0 ? 1 : 30 * SECOND,
			.answer_ms = 10 * MINUTE };
	}
	sending_open(&sending, "campus.test via=hop1\n", far, 61);
	sending.conf.delivery.connections = 20;
	for (i = 0; i < 60; i++) {
		snprintf(address, sizeof(address), "x@d%zu.test", i);
		sending_one(&sending, address);
	}
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_counts(&sending).connections, 18);
	/* The campus has the rest, and nobody's wish ends a connection of it. */
	sending_many(&sending, "a@campus.test", 300);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(far[60].delivered, 300);
	ck_assert_uint_le(far[60].connects, 4); /* a hundred each */
	sending_run(&sending, HOUR);
	for (i = 0; i < 60; i++)
		ck_assert_uint_ge(far[i].connects, 1);
	ck_assert_uint_eq(sending_owed(&sending), _i == 0 ? 0 : 60);
}
END_TEST

/* ---- many more destinations than connections ---- */

enum {
	CROWD = 60,
	EACH = 30,
};

START_TEST(a_crowd_of_destinations_does_not_take_connections_before_their_use)
{
	static struct far_host crowd[CROWD];
	static char names[CROWD][16];
	char address[32];
	size_t i, connects = 0, delivered = 0;
	struct buf hosted;

	sending_close(&sending);
	buf_init(&hosted, 8192);
	buf_addf(&hosted, "campus.test via=hop1\n");
	for (i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof(names[i]), "h%zu", i);
		buf_addf(&hosted, "d%zu.test via=h%zu\n", i, i);
		crowd[i] = (struct far_host){ .name = names[i],
			.connect_ms = 1,
			.answer_ms = 1 };
	}
	sending_open(&sending, buf_text(&hosted), crowd, CROWD);
	sending.conf.delivery.connections = CROWD / 4;
	for (i = 0; i < CROWD; i++) {
		snprintf(address, sizeof(address), "a@d%zu.test", i);
		sending_many(&sending, address, EACH);
	}
	sending_run(&sending, 2 * MINUTE);
	for (i = 0; i < CROWD; i++) {
		connects += crowd[i].connects;
		delivered += crowd[i].delivered;
	}
	ck_assert_uint_eq(delivered, CROWD * EACH);
	/* A turn is ten messages; some end sooner, when all is nearly done. */
	ck_assert_uint_le(connects, CROWD * EACH / 10 * 2);
	buf_clear(&hosted);
}
END_TEST

/* ---- the dead and the living ---- */

enum {
	DEAD = 40,
	PLACES = 10, /* connections for all */
};

static struct far_host crowd_of_dead[DEAD + 1];

/* Silent hosts hold their connections for half a minute at each probe. */
static void
lead_to_dead(bool by_mx)
{
	static char names[DEAD][16];
	struct buf hosted;
	size_t i;

	sending_close(&sending);
	buf_init(&hosted, 8192);
	buf_addf(&hosted, "campus.test via=hop1\n");
	for (i = 0; i < DEAD; i++) {
		snprintf(names[i], sizeof(names[i]),
		    by_mx ? "mx.d%zu.test" : "h%zu", i);
		if (!by_mx)
			buf_addf(&hosted, "d%zu.test via=h%zu\n", i, i);
		crowd_of_dead[i] = (struct far_host){ .name = names[i],
			.connect_ms = 30 * SECOND,
			.down = "connection timed out" };
	}
	crowd_of_dead[DEAD] =
	    (struct far_host){ .name = "hop1", .answer_ms = 10 };
	sending_open(&sending, buf_text(&hosted), crowd_of_dead, DEAD + 1);
	sending.conf.delivery.connections = PLACES;
	buf_clear(&hosted);
}

static void
send_to_dead(void)
{
	char address[32];
	size_t i;

	for (i = 0; i < DEAD; i++) {
		snprintf(address, sizeof(address), "a@d%zu.test", i);
		sending_one(&sending, address);
	}
	sending_run(&sending, SECOND);
}

/* How many messages for a living host wait for more than a second. */
static size_t
count_late(size_t messages)
{
	size_t delivered = crowd_of_dead[DEAD].delivered, late = 0, i;

	for (i = 1; i <= messages; i++) {
		sending_one(&sending, "a@campus.test");
		sending_run(&sending, SECOND);
		late += crowd_of_dead[DEAD].delivered < delivered + i;
		/* It is not connected any more when the next one comes. */
		sending_run(&sending, 39 * SECOND);
	}
	return late;
}

START_TEST(silent_strangers_never_delay_the_campus)
{
	lead_to_dead(true);
	send_to_dead();
	ck_assert_uint_eq(count_late(60), 0);
}
END_TEST

START_TEST(silent_destinations_leave_room_once_they_are_known)
{
	size_t i;

	lead_to_dead(false);
	send_to_dead();
	sending_run(&sending, 4 * MINUTE); /* each has been tried */
	ck_assert_uint_eq(count_late(60), 0);
	/* and all of them are probed, in turn */
	sending_run(&sending, 4 * (uint64_t)HOUR);
	ck_assert_uint_eq(sending_owed(&sending), DEAD);
	for (i = 0; i < DEAD; i++)
		ck_assert_uint_ge(crowd_of_dead[i].connects, 20);
}
END_TEST

START_TEST(what_was_silent_has_all_of_the_room_when_it_answers)
{
	size_t i;

	lead_to_dead(_i == 0);
	send_to_dead();
	sending_run(&sending, HOUR);
	for (i = 0; i < DEAD; i++) {
		crowd_of_dead[i].down = NULL;
		crowd_of_dead[i].connect_ms = 10;
	}
	sending_run(&sending, 20 * MINUTE);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	/* One that takes long now may use what the others left. */
	sending.conf.delivery.connections_per_destination = PLACES;
	crowd_of_dead[0].answer_ms = SECOND;
	sending_many(&sending, "a@d0.test", 200);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_ge(crowd_of_dead[0].open, PLACES - PLACES / 8);
}
END_TEST

static Suite *
lines_suite(void)
{
	Suite *suite = suite_create("lines");
	TCase *tcase = tcase_create("lines");

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase, connections_grow_on_success_up_to_the_limit);
	tcase_add_test(tcase, a_host_that_lets_two_in_is_not_hammered_for_more);
	tcase_add_test(tcase, room_that_is_not_needed_goes_back);
	tcase_add_test(tcase,
	    where_connections_are_scarce_destinations_take_turns);
	tcase_add_test(tcase,
	    a_reload_ends_connections_when_their_message_is_through);
	tcase_add_test(tcase, a_raised_ceiling_is_used_at_once);
	tcase_add_test(tcase, all_connections_are_shared_fairly);
	tcase_add_loop_test(tcase, strangers_never_take_all_connections, 0, 2);
	tcase_add_test(tcase,
	    a_crowd_of_destinations_does_not_take_connections_before_their_use);
	tcase_add_test(tcase, silent_strangers_never_delay_the_campus);
	tcase_add_test(tcase,
	    silent_destinations_leave_room_once_they_are_known);
	tcase_add_loop_test(tcase,
	    what_was_silent_has_all_of_the_room_when_it_answers, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(lines_suite)
