/*
 * The spool as its users see it, on a simulated disk.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/spool.h"
#include "tests/support/disk_sim.h"
#include "tests/support/spool_model.h"
#include "tests/support/suite.h"

static struct disk_sim *sim;
static struct model model;

static void
setup(void)
{
	sim = disk_sim_new();
	model_init(&model, disk_sim_disk(sim));
	ck_assert_msg(model_open(&model), "%s", model.said);
}

static void
teardown(void)
{
	model_clear(&model);
	ck_assert_uint_eq(disk_sim_open_count(sim), 0);
	disk_sim_free(sim);
}

static void
restart(void)
{
	model_close(&model);
	ck_assert_msg(model_open(&model), "%s", model.said);
}

/* The power goes; what was not synced is lost. */
static void
cut_power(uint64_t seed)
{
	struct disk_sim *after = disk_sim_crash(sim, seed);

	model_close(&model);
	disk_sim_free(sim);
	sim = after;
	model.options.disk = disk_sim_disk(sim);
}

static uint64_t
receive(size_t size, size_t recipients)
{
	ck_assert(model_receive(&model, size, recipients));
	return model.messages[model.count - 1]->id;
}

static struct spool_counts
count(void)
{
	struct spool_counts counts;

	spool_count(model.spool, &counts);
	return counts;
}

static void
assert_readable(uint64_t id)
{
	const char *wrong = model_read(&model, id);

	ck_assert_msg(wrong == NULL, "%s", wrong);
}

static void
settle_all(void)
{
	struct model_message *message;
	size_t i;

	for (i = 0; i < model.count; i++) {
		message = model.messages[i];
		if (message->state == MODEL_OWED &&
		    message->settled_count < message->recipient_count)
			model_settle(&model, message, message->recipient_count);
	}
}

/* ---- commit ---- */

static struct model_message *
last(void)
{
	return model.messages[model.count - 1];
}

START_TEST(a_message_is_owed_after_the_turn_and_not_before)
{
	receive(1000, 2);
	ck_assert_int_eq(last()->state, MODEL_COMMITTING);
	ck_assert(spool_busy(model.spool));
	ck_assert_ptr_null(spool_find(model.spool, last()->id));
	model_turn(&model);
	ck_assert_int_eq(last()->state, MODEL_OWED);
	ck_assert(!spool_busy(model.spool));
	assert_readable(last()->id);
}
END_TEST

/* around the borders: nothing, the memory's first size, large, very large */
static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 8192, 300000 };

START_TEST(content_of_any_size_survives_a_power_cut)
{
	uint64_t id = receive(sizes[_i], 1), other = receive(10, 1);

	model_turn(&model);
	assert_readable(id);
	ck_assert_uint_eq(count().large_files, sizes[_i] > 4096);
	cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 2);
	assert_readable(id);
	assert_readable(other);
}
END_TEST

START_TEST(many_messages_share_one_sync)
{
	uint64_t syncs = count().syncs;
	int i;

	for (i = 0; i < 20; i++)
		receive(300, 1);
	model_turn(&model);
	ck_assert_uint_eq(count().messages, 20);
	/* The first segment is new: its name is synced too. */
	ck_assert_uint_le(count().syncs - syncs, 2);
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
	ck_assert_uint_eq(count().messages, 2);
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
	ck_assert_uint_eq(count().large_files, 0);
	ck_assert(!spool_busy(model.spool));
}
END_TEST

START_TEST(an_envelope_that_fits_no_segment_is_refused)
{
	receive(10, 1000);
	model_turn(&model);
	ck_assert_int_eq(last()->state, MODEL_REFUSED);
	receive(10, 1);
	model_turn(&model);
	ck_assert_int_eq(last()->state, MODEL_OWED);
}
END_TEST

START_TEST(beyond_the_ceiling_of_memory_content_goes_to_files)
{
	struct intake *intakes[20];
	char bytes[3000] = { 0 };
	size_t i;

	model.options.intake_memory = 16 << 10;
	restart();
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
	cut_power(1);
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
	uint64_t id = receive(100, 3);

	model_turn(&model);
	model_settle(&model, last(), 1);
	model_turn(&model);
	cut_power(0);
	ck_assert(model_open(&model));
	ck_assert(spool_settled(model.spool, spool_find(model.spool, id), 0));
	ck_assert(!spool_settled(model.spool, spool_find(model.spool, id), 1));
	model_settle(&model, last(), 2);
	ck_assert_ptr_null(spool_find(model.spool, id));
	model_turn(&model);
	cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 0);
}
END_TEST

START_TEST(results_are_written_when_the_spool_is_closed)
{
	receive(100, 1);
	model_turn(&model);
	settle_all();
	model_close(&model);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 0);
}
END_TEST

START_TEST(the_file_of_a_large_message_goes_with_it)
{
	receive(20000, 2);
	model_turn(&model);
	model_settle(&model, last(), 1);
	model_turn(&model);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 1);
	settle_all();
	model_turn(&model);
	ck_assert_uint_eq(disk_sim_files(sim, "large"), 0);
	ck_assert_uint_eq(count().large_files, 0);
}
END_TEST

/* ---- segments ---- */

static void
flow(int messages)
{
	int i;

	for (i = 0; i < messages; i++) {
		receive(2000, 1);
		model_turn(&model);
		model_settle(&model, last(), 1);
	}
	model_turn(&model);
	model_turn(&model);
}

START_TEST(segments_are_recycled)
{
	flow(300);
	ck_assert_uint_le(count().segments, 5);
	ck_assert_uint_eq(count().messages, 0);
}
END_TEST

START_TEST(one_old_message_does_not_hold_its_segment)
{
	uint64_t old = receive(500, 70);

	model_turn(&model);
	model_settle(&model, last(), 1);
	flow(300);
	ck_assert_uint_le(count().segments, 6);
	assert_readable(old);
	cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 1);
	assert_readable(old);
	ck_assert(spool_settled(model.spool, spool_find(model.spool, old), 0));
	ck_assert(
	    !spool_settled(model.spool, spool_find(model.spool, old), 69));
}
END_TEST

START_TEST(an_open_content_stays_where_it_is)
{
	struct content content;
	uint64_t old = receive(500, 1);
	char before[540], after[540];

	model_turn(&model);
	ck_assert(
	    content_open(model.spool, spool_find(model.spool, old), &content));
	ck_assert_int_eq(content_read(model.spool, &content, 0, before, 540),
	    540);
	flow(200);
	ck_assert_int_eq(content_read(model.spool, &content, 0, after, 540),
	    540);
	ck_assert_mem_eq(before, after, 540);
	content_close(model.spool, &content);
	model_turn(&model);
	assert_readable(old);
}
END_TEST

START_TEST(a_segment_full_of_waiting_mail_is_kept)
{
	size_t i;

	for (i = 0; i < 100; i++)
		receive(2000, 1);
	model_turn(&model);
	flow(200);
	ck_assert_uint_eq(count().messages, 100);
	cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 100);
	for (i = 0; i < 100; i++)
		assert_readable(model.messages[i]->id);
	settle_all();
	for (i = 0; i < 20; i++)
		model_turn(&model);
	/* Empty ones beyond a small reserve are removed. */
	ck_assert_uint_le(count().segments, 5);
}
END_TEST

START_TEST(many_restarts_do_not_pile_up_segments)
{
	uint64_t id = receive(500, 1);
	int i;

	model_turn(&model);
	for (i = 0; i < 40; i++) {
		restart();
		receive(100, 1);
		model_turn(&model);
		model_settle(&model, last(), 1);
		model_turn(&model);
	}
	ck_assert_uint_le(count().segments, 9);
	assert_readable(id);
}
END_TEST

/* ---- IDs ---- */

static int64_t clock_now;

static int64_t
movable_clock(void)
{
	return clock_now;
}

START_TEST(no_id_is_used_twice_when_the_clock_goes_back)
{
	uint64_t id, last_id = 0;
	int i, k;

	model.options.wall_us = movable_clock;
	for (i = 0; i < 8; i++) {
		clock_now = 1700000000000000 - i * 3600000000ll;
		restart();
		for (k = 0; k < 30; k++) {
			id = receive(1500, 1);
			ck_assert_uint_gt(id, last_id);
			last_id = id;
			model_turn(&model);
			if (i % 2 == 0)
				model_settle(&model, last(), 1);
		}
		model_turn(&model);
		if (i % 3 == 0)
			cut_power(0);
	}
	restart();
}
END_TEST

/* ---- health ---- */

START_TEST(below_the_floor_new_mail_is_refused_and_old_mail_leaves)
{
	model.options.minimum_free = 1000;
	model.options.minimum_inodes = 10;
	model.options.wall_us = movable_clock;
	clock_now = 1800000000000000;
	restart();
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	receive(100, 1);
	disk_sim_set_space(sim, 999, 100);
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	clock_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FULL);
	ck_assert_ptr_null(spool_begin(model.spool));
	model_turn(&model);
	ck_assert_int_eq(last()->state, MODEL_OWED);
	settle_all();
	model_turn(&model);
	disk_sim_set_space(sim, 5000, 9);
	clock_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FULL);
	disk_sim_set_space(sim, 5000, 10);
	clock_now += 1000000;
	ck_assert_int_eq(spool_health(model.spool), SPOOL_FINE);
	receive(100, 1);
}
END_TEST

/* ---- looking only ---- */

START_TEST(a_look_at_a_spool_changes_nothing)
{
	struct disk_sim *before;
	uint64_t id = receive(3000, 2), large = receive(9000, 1);

	model_turn(&model);
	flow(30);
	before = disk_sim_crash(sim, 1);
	model_close(&model);
	disk_sim_free(sim);
	sim = before;
	disk_sim_stop_after(sim, 0);
	model.options.disk = disk_sim_disk(sim);
	model.options.read_only = true;
	ck_assert_msg(model_open(&model), "%s", model.said);
	ck_assert_uint_eq(model.waiting_seen, 2);
	assert_readable(id);
	assert_readable(large);
	ck_assert_ptr_null(spool_begin(model.spool));
	spool_turn(model.spool);
	ck_assert_int_eq(spool_fd(model.spool), -1);
	ck_assert(!spool_busy(model.spool));
	model.options.verify = true;
	restart();
	ck_assert_uint_eq(model.waiting_seen, 2);
}
END_TEST

static Suite *
spool_suite(void)
{
	Suite *suite = suite_create("spool");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
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
	tcase_add_test(all, segments_are_recycled);
	tcase_add_test(all, one_old_message_does_not_hold_its_segment);
	tcase_add_test(all, an_open_content_stays_where_it_is);
	tcase_add_test(all, a_segment_full_of_waiting_mail_is_kept);
	tcase_add_test(all, many_restarts_do_not_pile_up_segments);
	tcase_add_test(all, no_id_is_used_twice_when_the_clock_goes_back);
	tcase_add_test(all,
	    below_the_floor_new_mail_is_refused_and_old_mail_leaves);
	tcase_add_test(all, a_look_at_a_spool_changes_nothing);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(spool_suite)
