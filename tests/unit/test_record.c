#include <stdlib.h>
#include <string.h>

#include "spool/index.h"
#include "spool/record.h"
#include "spool/spool.h"
#include "tests/support/suite.h"

/* ---- IDs ---- */

static const struct {
	uint64_t id;
	const char *text;
} ids[] = {
	{ 0, "0000000000000" },
	{ 1, "0000000000001" },
	{ 31, "000000000000z" },
	{ 32, "0000000000010" },
	{ 1700000000000000, "001ga4gc1wg00" },
	{ UINT64_MAX, "fzzzzzzzzzzzz" },
};

START_TEST(an_id_has_one_text)
{
	char text[SPOOL_ID_LEN + 1];
	uint64_t back;

	spool_id_text(ids[_i].id, text);
	ck_assert_str_eq(text, ids[_i].text);
	ck_assert_uint_eq(strlen(text), SPOOL_ID_LEN);
	ck_assert(spool_id_parse(span_of(text), &back));
	ck_assert_uint_eq(back, ids[_i].id);
}
END_TEST

static const char *const no_ids[] = {
	/* too short, too long, bits that 64 do not hold */
	"", "000000000000", "00000000000000", "g000000000000",
	/* other alphabets */
	"00000000000I0", "000000000000l", "000000000000A", "000000000000u",
	"000000000000-", "../../../etc/"
};

START_TEST(what_is_no_id_is_refused)
{
	uint64_t id = 7;

	ck_assert(!spool_id_parse(span_of(no_ids[_i]), &id));
	ck_assert_uint_eq(id, 7);
}
END_TEST

START_TEST(a_nul_in_an_id_is_refused)
{
	uint64_t id;

	ck_assert(!spool_id_parse(span_make("000000\0"
					    "000000",
				      SPOOL_ID_LEN),
	    &id));
}
END_TEST

START_TEST(texts_sort_as_ids_do)
{
	char low[SPOOL_ID_LEN + 1], high[SPOOL_ID_LEN + 1];
	uint64_t id = 1;
	int i;

	for (i = 0; i < 1000; i++) {
		spool_id_text(id, low);
		spool_id_text(id + 1, high);
		ck_assert(strcmp(low, high) < 0);
		id += id / 20 + 1;
	}
}
END_TEST

/* ---- heads ---- */

static const struct record sample = {
	.kind = RECORD_MESSAGE,
	.flags = RECORD_DOTS,
	.generation = 9,
	.id = 1700000000000000,
	.arrival = 1700000000,
	.envelope_len = 101,
	.state_len = 1,
	.prefix_len = 33,
	.recipient_count = 7,
	.content_len = 1000,
	.meta_sum = 0x1122334455667788u,
	.content_sum = 0x99aabbccddeeff00u,
};

START_TEST(a_head_is_read_as_it_was_written)
{
	unsigned char head[RECORD_HEAD];
	struct record back;

	record_encode(&sample, 77, 8192, head);
	ck_assert(record_decode(head, 9, 77, 8192, &back));
	ck_assert_mem_eq(&back, &sample, sizeof(back));
}
END_TEST

START_TEST(a_head_counts_in_its_life_and_place_only)
{
	unsigned char head[RECORD_HEAD];
	struct record back;

	record_encode(&sample, 77, 8192, head);
	ck_assert(!record_decode(head, 8, 77, 8192, &back));
	ck_assert(!record_decode(head, 10, 77, 8192, &back));
	ck_assert(!record_decode(head, 9, 78, 8192, &back));
	ck_assert(!record_decode(head, 9, 77, 8208, &back));
}
END_TEST

START_TEST(any_changed_bit_of_a_head_is_seen)
{
	unsigned char head[RECORD_HEAD];
	struct record back;
	size_t bit;

	record_encode(&sample, 77, 8192, head);
	for (bit = 0; bit < 8 * RECORD_HEAD; bit++) {
		head[bit / 8] ^= (unsigned char)(1 << bit % 8);
		ck_assert(!record_decode(head, 9, 77, 8192, &back));
		head[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}
END_TEST

START_TEST(records_are_aligned_and_prefix_and_content_are_one_piece)
{
	struct record record = sample;
	uint32_t len;

	for (len = 0; len < 100; len++) {
		record.prefix_len = len;
		ck_assert_uint_eq(record_size(&record) % RECORD_ALIGN, 0);
		ck_assert_uint_eq(record_prefix_at(&record) + len + 1000,
		    record_size(&record));
		ck_assert(record_meta_at(&record) < RECORD_HEAD + 16);
	}
	record.flags |= RECORD_LARGE;
	ck_assert_uint_eq(record_inline_len(&record), 0);
	ck_assert_uint_eq(record_prefix_at(&record) + record.prefix_len,
	    record_size(&record));
}
END_TEST

/* ---- index items ---- */

START_TEST(items_are_read_as_they_were_written)
{
	uint32_t marks[3] = { 0, 5, 0xfffffffe };
	struct index_message message = {
		.id = 5,
		.arrival = -3,
		.at = 8192,
		.size = 160,
		.recipient_count = 9,
		.flow = 0xabcd,
		.flags = RECORD_LARGE,
		.state = SPAN("\x01\x01"),
		.domains = { "a.test\0b.test", 13 },
	};
	struct index_item item;
	struct span rest;
	struct buf items;

	buf_init(&items, 10000);
	index_add_message(&items, &message);
	ck_assert_uint_eq(items.len, index_message_len(&message));
	index_add_end(&items, 6, 2);
	index_add_marks(&items, 7, 3, marks, 3);
	rest = buf_span(&items);
	ck_assert(index_next(&rest, &item));
	ck_assert_int_eq(item.kind, INDEX_MESSAGE);
	ck_assert_uint_eq(item.message.id, 5);
	ck_assert_int_eq(item.message.arrival, -3);
	ck_assert_uint_eq(item.message.at, 8192);
	ck_assert_uint_eq(item.message.size, 160);
	ck_assert_uint_eq(item.message.recipient_count, 9);
	ck_assert_uint_eq(item.message.flow, 0xabcd);
	ck_assert_uint_eq(item.message.flags, RECORD_LARGE);
	ck_assert(!item.message.abridged);
	ck_assert(span_equal(item.message.state, message.state));
	ck_assert(span_equal(item.message.domains, message.domains));
	ck_assert(index_next(&rest, &item));
	ck_assert(item.kind == INDEX_RESULT && item.result.end);
	ck_assert_uint_eq(item.result.id, 6);
	ck_assert_uint_eq(item.result.generation, 2);
	ck_assert_uint_eq(item.bytes.len, INDEX_RESULT_LEN);
	ck_assert(index_next(&rest, &item));
	ck_assert(item.kind == INDEX_RESULT && !item.result.end);
	ck_assert_uint_eq(item.result.mark_count, 3);
	ck_assert_uint_eq(index_mark(&item.result, 2), 0xfffffffe);
	ck_assert(!index_next(&rest, &item));
	ck_assert_uint_eq(rest.len, 0);
	buf_clear(&items);
}
END_TEST

START_TEST(long_domains_are_left_to_the_record)
{
	static char domains[INDEX_DOMAINS_MAX + 1];
	struct index_message message = {
		.id = 5,
		.flow = 0xabcd,
		.domains = { domains, sizeof(domains) },
	};
	struct index_item item;
	struct span rest;
	struct buf items;

	buf_init(&items, 10000);
	index_add_message(&items, &message);
	rest = buf_span(&items);
	ck_assert(index_next(&rest, &item));
	ck_assert(item.message.abridged);
	ck_assert_uint_eq(item.message.flow, 0xabcd);
	ck_assert_uint_eq(rest.len, 0);
	buf_clear(&items);
}
END_TEST

START_TEST(spoiled_items_are_read_without_harm)
{
	uint32_t marks[3] = { 1, 2, 3 };
	struct index_message message = { .id = 5, .domains = SPAN("a.test") };
	struct index_item item;
	struct span rest;
	struct buf items;
	size_t at, len;
	char *copy;

	buf_init(&items, 10000);
	index_add_marks(&items, 7, 3, marks, 3);
	index_add_message(&items, &message);
	for (at = 0; at < items.len; at++)
		for (len = items.len; len > items.len - 9; len--) {
			copy = malloc(len);
			memcpy(copy, items.data, len);
			if (at < len)
				copy[at] ^= (char)0xff;
			rest = span_make(copy, len);
			while (index_next(&rest, &item))
				;
			free(copy);
		}
	buf_clear(&items);
}
END_TEST

static Suite *
record_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, an_id_has_one_text, 0,
	    sizeof(ids) / sizeof(ids[0]));
	tcase_add_loop_test(all, what_is_no_id_is_refused, 0,
	    sizeof(no_ids) / sizeof(no_ids[0]));
	tcase_add_test(all, a_nul_in_an_id_is_refused);
	tcase_add_test(all, texts_sort_as_ids_do);
	tcase_add_test(all, a_head_is_read_as_it_was_written);
	tcase_add_test(all, a_head_counts_in_its_life_and_place_only);
	tcase_add_test(all, any_changed_bit_of_a_head_is_seen);
	tcase_add_test(all,
	    records_are_aligned_and_prefix_and_content_are_one_piece);
	tcase_add_test(all, items_are_read_as_they_were_written);
	tcase_add_test(all, long_domains_are_left_to_the_record);
	tcase_add_test(all, spoiled_items_are_read_without_harm);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(record_suite)
