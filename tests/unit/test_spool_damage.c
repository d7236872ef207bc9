/*
 * A spool whose bytes were spoiled: what can be read is served, what cannot is
 * set aside and said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "spool/bytes.h"
#include "spool/segment.h"
#include "spool/spool.h"
#include "tests/support/disk_sim.h"
#include "tests/support/spool_model.h"
#include "tests/support/suite.h"

enum {
	MESSAGES = 9 /* in the first segment */
};

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
	disk_sim_free(sim);
}

static void
receive(size_t size)
{
	ck_assert(model_receive(&model, size, 1));
	model_turn(&model);
}

/* MESSAGES in segment 1, and when it is to be sealed, more in segment 2. */
static void
fill(bool sealed)
{
	int i;

	for (i = 0; i < MESSAGES; i++)
		receive(2000);
	for (i = 0; sealed && i < 4; i++)
		receive(2000);
	if (sealed)
		model_turn(&model);
	model_close(&model);
	model.warnings = 0;
}

static unsigned char *
segment(const char *name, size_t *size)
{
	unsigned char *bytes = disk_sim_file(sim, name, size);

	ck_assert_ptr_nonnull(bytes);
	return bytes;
}

/* The place of message number n (in segment 1): all have the same size. */
static size_t
place(size_t n)
{
	size_t size, at;
	unsigned char *bytes = segment("journal/000001", &size);
	int i = -1;

	for (at = SEGMENT_RECORDS; at + 80 < size; at += 16)
		if (bytes_get32(bytes + at) == 0x43455259u &&
		    bytes[at + 4] == 1 && ++i == (int)n)
			return at;
	ck_abort_msg("message %zu is not there", n);
}

/* How many of the messages can be read after a start. */
static size_t
readable(void)
{
	size_t i, good = 0;

	ck_assert_msg(model_open(&model), "%s", model.said);
	for (i = 0; i < model.count; i++)
		good += model_read(&model, model.messages[i]->id) == NULL;
	return good;
}

/* ---- one message is spoiled, and only that is lost ---- */

static const struct {
	const char *what;
	size_t offset; /* in the record */
	bool sealed;
} spots[] = {
	/* clang-format off */
	{ "head",                 20,   true },
	{ "magic",                0,    true },
	{ "envelope",             100,  true },
	{ "content",              1000, true },
	{ "head in the tail",     20,   false },
	{ "envelope in the tail", 100,  false },
	{ "content in the tail",  1000, false },
	/* clang-format on */
};

START_TEST(rot_in_a_message_costs_that_message_only)
{
	size_t size, all = MESSAGES + (spots[_i].sealed ? 4 : 0);

	fill(spots[_i].sealed);
	segment("journal/000001", &size)[place(4) + spots[_i].offset] ^= 0x40;
	ck_assert_uint_eq(readable(), all - 1);
	ck_assert_msg(model.warnings > 0, "%s", spots[_i].what);
	ck_assert_ptr_nonnull(strstr(model.said, "segment 000001 offset"));
	ck_assert_ptr_nonnull(strstr(model.said, "set aside in corrupt/"));
	ck_assert_uint_eq(disk_sim_files(sim, "corrupt"), 1);
	/* It is told once, not at every start. */
	model_turn(&model);
	model_close(&model);
	model.warnings = 0;
	ck_assert_uint_eq(readable(), all - 1);
	ck_assert_uint_eq(model.warnings, 0);
	ck_assert_uint_eq(disk_sim_files(sim, "corrupt"), 1);
}
END_TEST

START_TEST(a_rotten_index_costs_nothing)
{
	size_t size;
	unsigned char *bytes;

	fill(true);
	bytes = segment("journal/000001", &size);
	bytes[size - (_i == 0 ? 40 : _i == 1 ? 8 : 200)] ^= 1;
	ck_assert_uint_eq(readable(), MESSAGES + 4);
	ck_assert_uint_eq(disk_sim_files(sim, "corrupt"), 0);
}
END_TEST

START_TEST(one_rotten_copy_of_a_header_costs_nothing)
{
	size_t size;

	fill(true);
	segment("journal/000001", &size)[_i * SEGMENT_BLOCK + 17] ^= 1;
	ck_assert_uint_eq(readable(), MESSAGES + 4);
}
END_TEST

START_TEST(both_copies_rotten_set_the_segment_aside)
{
	size_t size;

	fill(true);
	segment("journal/000001", &size)[17] ^= 1;
	segment("journal/000001", &size)[SEGMENT_BLOCK + 17] ^= 1;
	ck_assert_uint_lt(readable(), MESSAGES + 4);
	ck_assert_uint_eq(disk_sim_files(sim, "corrupt"), 1);
	ck_assert_ptr_nonnull(
	    disk_sim_file(sim, "corrupt/000001.segment", &size));
	receive(10);
	ck_assert_int_eq(model.messages[model.count - 1]->state, MODEL_OWED);
}
END_TEST

START_TEST(a_rotten_large_file_costs_that_message_only)
{
	char path[40] = "large/", text[SPOOL_ID_LEN + 1];
	size_t size;

	receive(20000);
	receive(100);
	spool_id_text(model.messages[0]->id, text);
	strcat(path, text);
	model_close(&model);
	segment(path, &size)[12345] ^= 1;
	ck_assert_uint_eq(readable(), 1);
	strcpy(path, "corrupt/");
	strcat(strcat(path, text), ".large");
	ck_assert_ptr_nonnull(disk_sim_file(sim, path, &size));
}
END_TEST

/* ---- the log cut off at every sector ---- */

START_TEST(a_log_cut_off_anywhere_gives_what_lies_before)
{
	size_t size, at, cut, whole, good, i;
	unsigned char *bytes;
	struct disk_sim *all;

	fill(false);
	all = sim;
	for (cut = SEGMENT_RECORDS; cut <= 32 << 10; cut += 512) {
		sim = disk_sim_crash(all, 1);
		model.options.disk = disk_sim_disk(sim);
		whole = 0;
		for (i = 0; i < MESSAGES; i++) {
			at = place(i);
			whole += at +
				(i + 1 < MESSAGES ? place(i + 1) - at :
						    at - place(i - 1)) <=
			    cut;
		}
		bytes = segment("journal/000001", &size);
		memset(bytes + cut, 0, size - cut);
		good = readable();
		ck_assert_msg(good >= whole && good <= whole + 1,
		    "cut at %zu: %zu of %zu", cut, good, whole);
		model_close(&model);
		disk_sim_free(sim);
	}
	sim = all;
}
END_TEST

/* It goes on while the disk goes back to what it was. */
static int64_t
ticking_clock(void)
{
	static int64_t now = 1800000000000000;

	return now += 1000;
}

START_TEST(nothing_that_a_segment_may_hold_does_harm)
{
	struct disk_sim *all;
	unsigned char *bytes;
	size_t size, i;
	int round;

	fill(_i % 2 == 0);
	all = sim;
	model.options.wall_us = ticking_clock;
	for (round = 0; round < 60; round++) {
		sim = disk_sim_crash(all, 1);
		model.options.disk = disk_sim_disk(sim);
		bytes = segment("journal/000001", &size);
		for (i = 0; i < 1 + (size_t)round / 2; i++)
			bytes[model_random(&model, size)] =
			    (unsigned char)model_random(&model, 256);
		readable();
		receive(10);
		ck_assert_int_eq(model.messages[model.count - 1]->state,
		    MODEL_OWED);
		model_close(&model);
		disk_sim_free(sim);
	}
	sim = all;
}
END_TEST

/* A message that holds a record: it must not pass for one. */
START_TEST(a_record_inside_a_message_is_only_content)
{
	size_t size, at, inside;
	unsigned char *bytes;

	fill(false);
	bytes = segment("journal/000001", &size);
	/* The first record, whole, in the middle of a damaged second one. */
	at = place(1);
	inside = (at + 600) & ~(size_t)15;
	memcpy(bytes + inside, bytes + place(0), 1000);
	bytes[at + 20] ^= 1;
	ck_assert_uint_eq(readable(), MESSAGES - 1);
	ck_assert_uint_eq(model.waiting_seen, MESSAGES - 1);
}
END_TEST

START_TEST(a_look_at_a_damaged_spool_serves_what_is_whole)
{
	size_t size;

	fill(true);
	segment("journal/000001", &size)[place(4) + 1000] ^= 0x40;
	disk_sim_stop_after(sim, 0);
	model.options.read_only = true;
	model.options.verify = true;
	ck_assert_uint_eq(readable(), MESSAGES + 4 - 1);
	ck_assert_uint_gt(model.warnings, 0);
	ck_assert_uint_eq(disk_sim_files(sim, "corrupt"), 0);
}
END_TEST

static Suite *
damage_suite(void)
{
	Suite *suite = suite_create("spool damage");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_set_timeout(all, 60);
	tcase_add_loop_test(all, rot_in_a_message_costs_that_message_only, 0,
	    sizeof(spots) / sizeof(spots[0]));
	tcase_add_loop_test(all, a_rotten_index_costs_nothing, 0, 3);
	tcase_add_loop_test(all, one_rotten_copy_of_a_header_costs_nothing, 0,
	    2);
	tcase_add_test(all, both_copies_rotten_set_the_segment_aside);
	tcase_add_test(all, a_rotten_large_file_costs_that_message_only);
	tcase_add_test(all, a_log_cut_off_anywhere_gives_what_lies_before);
	tcase_add_loop_test(all, nothing_that_a_segment_may_hold_does_harm, 0,
	    2);
	tcase_add_test(all, a_record_inside_a_message_is_only_content);
	tcase_add_test(all, a_look_at_a_damaged_spool_serves_what_is_whole);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(damage_suite)
