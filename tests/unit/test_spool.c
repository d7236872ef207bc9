/*
 * The spool as its users see it, on a simulated disk.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/spool_scene.h"
#include "tests/support/suite.h"

/* ---- commit ---- */

START_TEST(a_message_is_owed_after_the_turn_and_not_before)
{
	spool_scene_receive(1000, 2);
	ck_assert_int_eq(spool_scene_last()->state, MODEL_COMMITTING);
	ck_assert(spool_busy(model.spool));
	ck_assert_ptr_null(spool_find(model.spool, spool_scene_last()->id));
	model_turn(&model);
	ck_assert_int_eq(spool_scene_last()->state, MODEL_OWED);
	ck_assert(!spool_busy(model.spool));
	spool_scene_readable(spool_scene_last()->id);
}
END_TEST

/* around the borders: nothing, the memory's first size, large, very large */
static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8192, 300000 };

START_TEST(content_of_any_size_survives_a_power_cut)
{
	uint64_t id = spool_scene_receive(sizes[_i], 1),
		 other = spool_scene_receive(10, 1);

	model_turn(&model);
	spool_scene_readable(id);
	ck_assert_uint_eq(spool_scene_count().large_files, sizes[_i] > 4096);
	spool_scene_cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 2);
	spool_scene_readable(id);
	spool_scene_readable(other);
}
END_TEST

START_TEST(many_messages_share_one_sync)
{
	uint64_t syncs = spool_scene_count().syncs;
	int i;

	for (i = 0; i < 20; i++)
		spool_scene_receive(300, 1);
	model_turn(&model);
	ck_assert_uint_eq(spool_scene_count().messages, 20);
	/* The first segment is new: its name is synced too. */
	ck_assert_uint_le(spool_scene_count().syncs - syncs, 2);
}
END_TEST

static int order;

static void
note_done(void *owner, enum commit_result result)
{
	ck_assert_int_eq(result, COMMITTED);
	*(int *)owner = ++order;
}

START_TEST(an_owner_who_went_away_is_not_called)
{
	struct recipient recipient = { .domain = SPAN("a.test") };
	struct envelope envelope = {
		.recipient_count = 1,
		.recipients = &recipient,
	};
	int one = 0, two = 0;

	order = 0;
	intake_commit(spool_begin(model.spool), &envelope, SPAN(""), false,
	    note_done, &one);
	intake_commit(spool_begin(model.spool), &envelope, SPAN(""), false,
	    note_done, &two);
	intake_forget(model.spool, &one);
	spool_turn(model.spool);
	ck_assert_int_eq(one, 0);
	ck_assert_int_eq(two, 1);
	ck_assert_uint_eq(spool_scene_count().messages, 2);
}
END_TEST

START_TEST(a_cancelled_message_leaves_nothing)
{
	struct intake *intake = spool_begin(model.spool);
	char bytes[10000] = { 0 };

	ck_assert(intake_add(intake, span_make(bytes, sizeof(bytes))));
	ck_assert_uint_eq(intake_size(intake), sizeof(bytes));
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 1);
	intake_cancel(intake);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 0);
	ck_assert_uint_eq(spool_scene_count().large_files, 0);
	ck_assert(!spool_busy(model.spool));
}
END_TEST

START_TEST(an_envelope_that_fits_no_segment_is_refused)
{
	spool_scene_receive(10, 1000);
	model_turn(&model);
	ck_assert_int_eq(spool_scene_last()->state, MODEL_REFUSED);
	spool_scene_receive(10, 1);
	model_turn(&model);
	ck_assert_int_eq(spool_scene_last()->state, MODEL_OWED);
}
END_TEST

START_TEST(beyond_the_ceiling_of_memory_content_goes_to_files)
{
	struct intake *intakes[20];
	char bytes[3000] = { 0 };
	size_t i;

	model.options.intake_memory = 16 << 10;
	spool_scene_restart();
	for (i = 0; i < 20; i++) {
		intakes[i] = spool_begin(model.spool);
		ck_assert(
		    intake_add(intakes[i], span_make(bytes, sizeof(bytes))));
	}
	ck_assert_uint_ge(disk_sim_files(sim, "large"), 16);
	for (i = 0; i < 20; i++)
		intake_cancel(intakes[i]);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 0);
}
END_TEST

START_TEST(what_is_being_received_is_gone_after_a_restart)
{
	struct intake *intake = spool_begin(model.spool);
	char bytes[10000] = { 0 };

	ck_assert(intake_add(intake, span_make(bytes, sizeof(bytes))));
	spool_scene_cut_power(1);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 1);
	ck_assert(model_open(&model));
	model_turn(&model);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 0);
	ck_assert_uint_eq(model.waiting_seen, 0);
}
END_TEST

/* ---- results ---- */

START_TEST(a_settled_recipient_stays_settled)
{
	uint64_t id = spool_scene_receive(100, 3);

	model_turn(&model);
	model_settle(&model, spool_scene_last(), 1);
	model_turn(&model);
	spool_scene_cut_power(0);
	ck_assert(model_open(&model));
	ck_assert(spool_settled(model.spool, spool_find(model.spool, id), 0));
	ck_assert(!spool_settled(model.spool, spool_find(model.spool, id), 1));
	model_settle(&model, spool_scene_last(), 2);
	ck_assert_ptr_null(spool_find(model.spool, id));
	model_turn(&model);
	spool_scene_cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 0);
}
END_TEST

START_TEST(results_are_written_when_the_spool_is_closed)
{
	spool_scene_receive(100, 1);
	model_turn(&model);
	spool_scene_settle_all();
	model_close(&model);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 0);
}
END_TEST

START_TEST(the_file_of_a_large_message_goes_with_it)
{
	spool_scene_receive(20000, 2);
	model_turn(&model);
	model_settle(&model, spool_scene_last(), 1);
	model_turn(&model);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 1);
	spool_scene_settle_all();
	model_turn(&model);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 0);
	ck_assert_uint_eq(spool_scene_count().large_files, 0);
}
END_TEST

/* ---- health ---- */

START_TEST(below_the_floor_new_mail_is_refused_and_old_mail_leaves)
{
	model.options.minimum_free = 1000;
	model.options.minimum_inodes = 10;
	model.options.wall_us = spool_scene_clock;
	spool_scene_now = 1800000000000000;
	spool_scene_restart();
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	spool_scene_receive(100, 1);
	disk_sim_set_space(sim, 999, 100);
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	spool_scene_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FULL);
	ck_assert_ptr_null(spool_begin(model.spool));
	model_turn(&model);
	ck_assert_int_eq(spool_scene_last()->state, MODEL_OWED);
	spool_scene_settle_all();
	model_turn(&model);
	disk_sim_set_space(sim, 5000, 9);
	spool_scene_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FULL);
	disk_sim_set_space(sim, 5000, 10);
	spool_scene_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	spool_scene_receive(100, 1);
}
END_TEST

/* ---- looking only ---- */

START_TEST(a_look_at_a_spool_changes_nothing)
{
	struct disk_sim *before;
	uint64_t id = spool_scene_receive(3000, 2),
		 large = spool_scene_receive(9000, 1);

	model_turn(&model);
	spool_scene_flow(30);
	before = disk_sim_crash(sim, 1);
	model_close(&model);
	disk_sim_free(sim);
	sim = before;
	disk_sim_stop_after(sim, 0);
	model.options.disk = disk_sim_disk(sim);
	model.options.read_only = true;
	ck_assert_msg(model_open(&model), "%s", model.said);
	ck_assert_uint_eq(model.waiting_seen, 2);
	spool_scene_readable(id);
	spool_scene_readable(large);
	ck_assert_ptr_null(spool_begin(model.spool));
	spool_turn(model.spool);
	ck_assert_int_eq(spool_fd(model.spool), -1);
	ck_assert(!spool_busy(model.spool));
	model.options.verify = true;
	spool_scene_restart();
	ck_assert_uint_eq(model.waiting_seen, 2);
}
END_TEST

static Suite *
spool_suite(void)
{
	Suite *suite = suite_create("spool");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, spool_scene_set_up,
	    spool_scene_tear_down);
	tcase_set_timeout(all, 30);
	tcase_add_test(all, a_message_is_owed_after_the_turn_and_not_before);
	tcase_add_loop_test(all, content_of_any_size_survives_a_power_cut, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(all, many_messages_share_one_sync);
	tcase_add_test(all, an_owner_who_went_away_is_not_called);
	tcase_add_test(all, a_cancelled_message_leaves_nothing);
	tcase_add_test(all, an_envelope_that_fits_no_segment_is_refused);
	tcase_add_test(all, beyond_the_ceiling_of_memory_content_goes_to_files);
	tcase_add_test(all, what_is_being_received_is_gone_after_a_restart);
	tcase_add_test(all, a_settled_recipient_stays_settled);
	tcase_add_test(all, results_are_written_when_the_spool_is_closed);
	tcase_add_test(all, the_file_of_a_large_message_goes_with_it);
	tcase_add_test(all,
	    below_the_floor_new_mail_is_refused_and_old_mail_leaves);
	tcase_add_test(all, a_look_at_a_spool_changes_nothing);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(spool_suite)
