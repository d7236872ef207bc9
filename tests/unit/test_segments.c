/*
 * Segments and IDs as time goes by, on a simulated disk.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/spool_scene.h"
#include "tests/support/suite.h"

/* ---- segments ---- */

START_TEST(segments_are_recycled)
{
	spool_scene_flow(300);
	ck_assert_uint_le(spool_scene_count().segments, 5);
	ck_assert_uint_eq(spool_scene_count().messages, 0);
}
END_TEST

START_TEST(one_old_message_does_not_hold_its_segment)
{
	uint64_t old = spool_scene_receive(500, 70);

	model_turn(&model);
	model_settle(&model, spool_scene_last(), 1);
	spool_scene_flow(300);
	ck_assert_uint_le(spool_scene_count().segments, 6);
	spool_scene_readable(old);
	spool_scene_cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 1);
	spool_scene_readable(old);
	ck_assert(spool_settled(model.spool, spool_find(model.spool, old), 0));
	ck_assert(
	    !spool_settled(model.spool, spool_find(model.spool, old), 69));
}
END_TEST

START_TEST(an_open_content_stays_where_it_is)
{
	struct content content;
	uint64_t old = spool_scene_receive(500, 1);
	char before[540], after[540];

	model_turn(&model);
	ck_assert(
	    content_open(model.spool, spool_find(model.spool, old), &content));
	ck_assert_int_eq(content_read(model.spool, &content, 0, before, 540),
	    540);
	spool_scene_flow(200);
	ck_assert_int_eq(content_read(model.spool, &content, 0, after, 540),
	    540);
	ck_assert_mem_eq(before, after, 540);
	content_close(model.spool, &content);
	model_turn(&model);
	spool_scene_readable(old);
}
END_TEST

START_TEST(a_segment_full_of_waiting_mail_is_kept)
{
	size_t i;

	for (i = 0; i < 100; i++)
		spool_scene_receive(2000, 1);
	model_turn(&model);
	spool_scene_flow(200);
	ck_assert_uint_eq(spool_scene_count().messages, 100);
	spool_scene_cut_power(0);
	ck_assert(model_open(&model));
	ck_assert_uint_eq(model.waiting_seen, 100);
	for (i = 0; i < 100; i++)
		spool_scene_readable(model.messages[i]->id);
	spool_scene_settle_all();
	for (i = 0; i < 20; i++)
		model_turn(&model);
	/* Empty ones beyond a small reserve are removed. */
	ck_assert_uint_le(spool_scene_count().segments, 8);
}
END_TEST

START_TEST(many_restarts_do_not_pile_up_segments)
{
	uint64_t id = spool_scene_receive(500, 1);
	int i;

	model_turn(&model);
	for (i = 0; i < 40; i++) {
		spool_scene_restart();
		spool_scene_receive(100, 1);
		model_turn(&model);
		model_settle(&model, spool_scene_last(), 1);
		model_turn(&model);
	}
	ck_assert_uint_le(spool_scene_count().segments, 9);
	spool_scene_readable(id);
}
END_TEST

/* ---- IDs ---- */

START_TEST(no_id_is_used_twice_when_the_clock_goes_back)
{
	uint64_t id, last_id = 0;
	int i, k;

	model.options.wall_us = spool_scene_clock;
	for (i = 0; i < 8; i++) {
		spool_scene_now = 1700000000000000 - i * 3600000000ll;
		spool_scene_restart();
		for (k = 0; k < 30; k++) {
			id = spool_scene_receive(1500, 1);
			ck_assert_uint_gt(id, last_id);
			last_id = id;
			model_turn(&model);
			if (i % 2 == 0)
				model_settle(&model, spool_scene_last(), 1);
		}
		model_turn(&model);
		if (i % 3 == 0)
			spool_scene_cut_power(0);
	}
	spool_scene_restart();
}
END_TEST

static Suite *
segments_suite(void)
{
	Suite *suite = suite_create("segments");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, spool_scene_set_up,
	    spool_scene_tear_down);
	tcase_set_timeout(all, 30);
	tcase_add_test(all, segments_are_recycled);
	tcase_add_test(all, one_old_message_does_not_hold_its_segment);
	tcase_add_test(all, an_open_content_stays_where_it_is);
	tcase_add_test(all, a_segment_full_of_waiting_mail_is_kept);
	tcase_add_test(all, many_restarts_do_not_pile_up_segments);
	tcase_add_test(all, no_id_is_used_twice_when_the_clock_goes_back);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(segments_suite)
