/*
 * test_manage - retry, hold, release and drop, in virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/delivery/holds.h"
#include "relayd/delivery/manage.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

static struct spool_entry *
entry_of(uint64_t id)
{
	struct spool_entry *entry = spool_find(sending.spool, id);

	ck_assert_ptr_nonnull(entry);
	return entry;
}

static void
note_wait(void *owner, const struct wait *wait)
{
	*(struct wait *)owner = *wait;
}

static struct wait
wait_of(uint64_t id)
{
	struct wait wait = { .destination = NULL };

	manage_look(sending.delivery, entry_of(id), note_wait, &wait);
	return wait;
}

/* ---- looking ---- */

START_TEST(a_message_that_was_put_off_waits_for_its_back_off)
{
	struct wait wait;
	uint64_t id;

	hosts[0].answer = far_side_4xx;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	wait = wait_of(id);
	ck_assert_int_eq(wait.state, WAIT_RETRY);
	ck_assert_uint_eq(wait.attempts, 1);
	ck_assert_uint_gt(wait.next_ms, 20 * SECOND);
	ck_assert_uint_lt(wait.next_ms, 2 * MINUTE);
	ck_assert_ptr_null(wait.reason);
}
END_TEST

START_TEST(a_refusal_of_long_ago_is_no_reason)
{
	uint64_t id;

	outcome_set(&far_side.no_hosts, OUTCOME_FAILED, 0, "5.1.10",
	    SPAN("takes no mail (null MX)"), NULL);
	sending_one(&sending, "a@else.test");
	sending_run(&sending, 30 * SECOND);
	outcome_clear(&far_side.no_hosts);
	hosts[2].answer = far_side_4xx;
	sending_run(&sending, 29 * SECOND);
	id = sending_one(&sending, "b@else.test");
	ck_assert_str_eq(wait_of(id).reason, "takes no mail (null MX)");
	manage_hold(sending.delivery, entry_of(id)); /* it is not refused */
	sending_run(&sending, 2 * SECOND);
	ck_assert_ptr_null(wait_of(id).reason);
}
END_TEST

START_TEST(a_message_for_a_dead_host_waits_with_the_reason)
{
	struct wait wait;
	uint64_t id;

	hosts[0].down = "connection refused";
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	wait = wait_of(id);
	ck_assert_int_eq(wait.state, WAIT_RETRY);
	ck_assert_ptr_nonnull(wait.reason);
	ck_assert_ptr_nonnull(strstr(wait.reason, "connection refused"));
}
END_TEST

static void
note_past(void *owner, size_t recipient, int64_t at,
    const struct outcome *outcome)
{
	size_t *count = owner;

	(void)at;
	ck_assert_uint_eq(recipient, 0);
	ck_assert_int_eq(outcome->code, 450);
	(*count)++;
}

START_TEST(what_was_answered_is_remembered)
{
	size_t count = 0;
	uint64_t id, other;

	hosts[0].answer = far_side_4xx;
	id = sending_one(&sending, "a@campus.test");
	other = sending_one(&sending, "b@lab.test");
	sending_run(&sending, 10 * MINUTE);
	(void)other;
	manage_past(sending.delivery, entry_of(id), note_past, &count);
	ck_assert_uint_ge(count, 3);
}
END_TEST

/* ---- retry ---- */

START_TEST(retry_sends_at_once_what_was_put_off)
{
	uint64_t id;

	hosts[0].answer = far_side_4xx;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	hosts[0].answer = NULL;
	ck_assert(manage_retry(sending.delivery, entry_of(id)));
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(retry_asks_a_dead_host_again_at_once)
{
	uint64_t id;

	hosts[0].down = "connection refused";
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	hosts[0].down = NULL;
	ck_assert(manage_retry(sending.delivery, entry_of(id)));
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(retry_breaks_off_an_attempt_that_hangs)
{
	uint64_t id;

	hosts[0].answer_ms = 8 * MINUTE;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, 30 * SECOND);
	/* not yet: it may only be slow */
	ck_assert(!manage_retry(sending.delivery, entry_of(id)));
	sending_run(&sending, MINUTE);
	hosts[0].answer_ms = 0;
	ck_assert(manage_retry(sending.delivery, entry_of(id)));
	sending_run(&sending, 5 * SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* The hop dies in the middle; its route is mended, and the attempt ended. */
START_TEST(what_is_broken_off_after_a_reload_takes_the_route_of_today)
{
	uint64_t id;

	hosts[0].answer_ms = HOUR;
	id = sending_one(&sending, "a@campus.test");
	sending_one(&sending, "b@also-campus.test");
	sending_run(&sending, MINUTE + SECOND);
	hosts[0].down = "connection refused";
	sending_reload(&sending,
	    "campus.test via=hop2\n"
	    "also-campus.test via=hop1\n");
	if (_i == 1)
		ck_assert(manage_hold(sending.delivery, entry_of(id)));
	ck_assert(manage_retry(sending.delivery, entry_of(id)));
	if (_i == 1)
		ck_assert(manage_release(sending.delivery, entry_of(id)));
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_eq(hosts[1].delivered, 1);
}
END_TEST

/* ---- hold and release ---- */

START_TEST(a_held_message_is_not_tried_until_it_is_released)
{
	uint64_t id;

	hosts[0].answer = far_side_4xx;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert(manage_hold(sending.delivery, entry_of(id)));
	ck_assert(!manage_hold(sending.delivery, entry_of(id)));
	hosts[0].answer = NULL;
	hosts[0].jobs = 0;
	sending_run(&sending, 6 * DAY);
	ck_assert_uint_eq(hosts[0].jobs, 0);
	ck_assert_uint_eq(sending_owed(&sending), 1);
	ck_assert_int_eq(wait_of(id).state, WAIT_HELD);
	ck_assert_uint_eq(sending_counts(&sending).queue.held, 1);
	/* retry does not release */
	ck_assert(!manage_retry(sending.delivery, entry_of(id)));
	ck_assert(manage_release(sending.delivery, entry_of(id)));
	ck_assert(!manage_is_held(sending.delivery, id));
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(sending_counts(&sending).queue.held, 0);
}
END_TEST

START_TEST(a_held_message_stays_held_through_an_attempt_under_way)
{
	uint64_t id;

	hosts[0].answer = far_side_4xx;
	hosts[0].answer_ms = 10 * SECOND;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_int_eq(wait_of(id).state, WAIT_ATTEMPT);
	ck_assert(manage_hold(sending.delivery, entry_of(id)));
	sending_run(&sending, DAY);
	ck_assert_uint_eq(hosts[0].jobs, 1);
	ck_assert_int_eq(wait_of(id).state, WAIT_HELD);
}
END_TEST

START_TEST(a_released_message_takes_the_route_of_today)
{
	uint64_t id;

	hosts[0].down = "connection refused";
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert(manage_hold(sending.delivery, entry_of(id)));
	sending_reload(&sending, "campus.test via=hop2\n");
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[1].delivered, 0);
	ck_assert(manage_release(sending.delivery, entry_of(id)));
	sending_run(&sending, MINUTE);
	ck_assert_uint_eq(hosts[1].delivered, 1);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

START_TEST(held_messages_are_freed_with_the_rest)
{
	sending_one(&sending, "a@campus.test");
	hosts[0].down = "connection refused";
	sending_run(&sending, SECOND);
	manage_hold(sending.delivery,
	    entry_of(sending_one(&sending, "b@campus.test")));
}
END_TEST

/* ---- drop ---- */

static const struct drop_row {
	bool notice;
	bool held;
	bool in_attempt;
	size_t told;
} drops[] = {
	{ false, false, false, 0 },
	{ true, false, false, 1 },
	{ false, true, false, 0 },
	{ true, true, false, 1 },
	{ false, false, true, 0 },
	{ true, false, true, 1 },
};

START_TEST(a_dropped_message_is_gone_with_or_without_a_notice)
{
	const struct drop_row *row = &drops[_i];
	uint64_t id;

	if (row->in_attempt)
		hosts[0].answer_ms = HOUR;
	else
		hosts[0].answer = far_side_4xx;
	id = sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	if (row->held)
		ck_assert(manage_hold(sending.delivery, entry_of(id)));
	ck_assert(manage_drop(sending.delivery, entry_of(id), row->notice));
	hosts[0].answer = NULL;
	sending_run(&sending, 2 * HOUR);
	ck_assert_uint_eq(sending_owed(&sending), 0);
	ck_assert_uint_eq(hosts[0].delivered, 0);
	ck_assert_uint_eq(far_side_told("dropped by the administrator"),
	    row->told);
	ck_assert(!manage_is_held(sending.delivery, id));
}
END_TEST

START_TEST(every_destination_of_a_dropped_message_lets_it_go)
{
	static const struct sending_to to[] = {
		{ "a@campus.test", 0 },
		{ "b@lab.test", 0 },
		{ "c@both.test", 0 },
	};
	uint64_t id;

	hosts[0].down = hosts[1].down = "connection refused";
	id = sending_mail(&sending, "s@campus.test", to, 3);
	sending_run(&sending, SECOND);
	ck_assert(manage_drop(sending.delivery, entry_of(id), false));
	ck_assert_ptr_null(spool_find(sending.spool, id));
	sending_restart(&sending);
	ck_assert_uint_eq(sending_owed(&sending), 0);
}
END_TEST

/* ---- the file ---- */

START_TEST(holds_are_written_and_read_again)
{
	char file[] = "/tmp/relayd-holds.XXXXXX";
	struct holds holds;
	struct buf why;
	uint64_t *ids, id;

	buf_init(&why, 1000);
	holds_init(&holds);
	close(mkstemp(file));
	for (id = 1; id <= 1000; id++)
		ck_assert(holds_add(&holds, id * 7919));
	for (id = 1; id <= 1000; id += 2)
		ck_assert(holds_remove(&holds, id * 7919));
	ids = holds_list(&holds);
	ck_assert(holds_write(file, ids, holds.count, &why));
	holds_clear(&holds);
	ck_assert(holds_read(&holds, file, &why));
	ck_assert_uint_eq(holds.count, 500);
	for (id = 1; id <= 1000; id++)
		ck_assert_int_eq(holds_has(&holds, id * 7919), id % 2 == 0);
	free(ids);
	holds_clear(&holds);
	buf_clear(&why);
	unlink(file);
}
END_TEST

START_TEST(a_missing_file_holds_nothing_and_a_bad_one_says_why)
{
	struct holds holds;
	struct buf why;

	buf_init(&why, 1000);
	holds_init(&holds);
	ck_assert(holds_read(&holds, "/nonexistent/held", &why));
	ck_assert_uint_eq(holds.count, 0);
	ck_assert(!holds_write("/nonexistent/held", NULL, 0, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "/nonexistent/held"));
	buf_clear(&why);
}
END_TEST

static Suite *
manage_suite(void)
{
	Suite *suite = suite_create("manage");
	TCase *tcase = tcase_create("manage");

	tcase_add_checked_fixture(tcase, sending_set_up, sending_tear_down);
	tcase_add_test(tcase,
	    a_message_that_was_put_off_waits_for_its_back_off);
	tcase_add_test(tcase, a_message_for_a_dead_host_waits_with_the_reason);
	tcase_add_test(tcase, what_was_answered_is_remembered);
	tcase_add_test(tcase, retry_sends_at_once_what_was_put_off);
	tcase_add_test(tcase, retry_asks_a_dead_host_again_at_once);
	tcase_add_test(tcase, retry_breaks_off_an_attempt_that_hangs);
	tcase_add_loop_test(tcase,
	    what_is_broken_off_after_a_reload_takes_the_route_of_today, 0, 2);
	tcase_add_test(tcase, a_refusal_of_long_ago_is_no_reason);
	tcase_add_test(tcase, a_held_message_is_not_tried_until_it_is_released);
	tcase_add_test(tcase,
	    a_held_message_stays_held_through_an_attempt_under_way);
	tcase_add_test(tcase, a_released_message_takes_the_route_of_today);
	tcase_add_test(tcase, held_messages_are_freed_with_the_rest);
	tcase_add_loop_test(tcase,
	    a_dropped_message_is_gone_with_or_without_a_notice, 0,
	    sizeof(drops) / sizeof(drops[0]));
	tcase_add_test(tcase,
	    every_destination_of_a_dropped_message_lets_it_go);
	tcase_add_test(tcase, holds_are_written_and_read_again);
	tcase_add_test(tcase,
	    a_missing_file_holds_nothing_and_a_bad_one_says_why);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(manage_suite)
