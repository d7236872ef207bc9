/*
 * test_buf - owned bytes with a ceiling.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/suite.h"

START_TEST(append_beyond_the_ceiling_changes_nothing_else)
{
	struct buf buf;

	buf_init(&buf, 5);
	buf_add(&buf, SPAN("abc"));
	ck_assert(!buf.full);
	buf_add(&buf, SPAN("def"));
	ck_assert(buf.full);
	ck_assert_str_eq(buf_text(&buf), "abc");
	buf_add_byte(&buf, 'd'); /* it would fit, but something is missing */
	buf_addf(&buf, "%d", 1);
	ck_assert_str_eq(buf_text(&buf), "abc");
	buf_empty(&buf);
	ck_assert(!buf.full);
	buf_add(&buf, SPAN("defgh"));
	ck_assert(!buf.full);
	ck_assert_str_eq(buf_text(&buf), "defgh");
	buf_clear(&buf);
	ck_assert_ptr_null(buf.memory);
	ck_assert_uint_eq(buf.max, 5);
}
END_TEST

START_TEST(empty_buffer_is_an_empty_text)
{
	struct buf buf;

	buf_init(&buf, 10);
	ck_assert_str_eq(buf_text(&buf), "");
	ck_assert_uint_eq(buf_span(&buf).len, 0);
	buf_add(&buf, SPAN(""));
	ck_assert_ptr_null(buf.memory);
	buf_clear(&buf);
}
END_TEST

START_TEST(released_buffer_holds_no_memory)
{
	struct buf buf;

	buf_init(&buf, 1000);
	buf_add(&buf, SPAN("abc"));
	buf_release(&buf);
	ck_assert_ptr_nonnull(buf.memory); /* it has live bytes */
	buf_eat(&buf, 3);
	buf_release(&buf);
	ck_assert_ptr_null(buf.memory);
	buf_add(&buf, SPAN("abc"));
	ck_assert_str_eq(buf_text(&buf), "abc");
	buf_clear(&buf);
}
END_TEST

START_TEST(format_of_any_length_fits_below_the_ceiling)
{
	struct buf buf;
	char text[3000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	buf_init(&buf, 3004);
	buf_addf(&buf, "%s%d", text, 1234);
	ck_assert(!buf.full);
	ck_assert_uint_eq(buf.len, 3003);
	ck_assert_str_eq(buf_text(&buf) + 2999, "1234");
	buf_addf(&buf, "%s", "ab");
	ck_assert(buf.full);
	buf_clear(&buf);
}
END_TEST

/* Bytes in at the end and out at the front, against a plain model. */
START_TEST(bytes_come_out_as_they_went_in)
{
	unsigned char next_in = 0, next_out = 0;
	unsigned random = (unsigned)_i * 2654435761u + 1;
	struct buf buf;
	size_t i, n, room;
	bool same = true;
	char *to;

	buf_init(&buf, 700);
	for (i = 0; i < 1000; i++) {
		random = random * 1103515245u + 12345u;
		n = random >> 16 & 0xff;
		if ((random >> 8 & 3) == 0) {
			to = buf_room(&buf, n, &room);
			ck_assert_int_eq(to == NULL, buf.len == buf.max);
			if (to == NULL)
				continue;
			ck_assert_uint_le(room, buf.max - buf.len);
			n = n < room ? n : room;
			memset(to, 0, room); /* all of it is ours */
			for (size_t k = 0; k < n; k++)
				to[k] = (char)next_in++;
			buf_grew(&buf, n);
		} else if ((random >> 8 & 3) == 1 && buf.len < buf.max) {
			buf_add_byte(&buf, (char)next_in++);
		} else {
			n = n < buf.len ? n : buf.len;
			for (size_t k = 0; k < n; k++)
				same = same &&
				    (unsigned char)buf.data[k] == next_out++;
			ck_assert(same);
			buf_eat(&buf, n);
		}
		ck_assert(!buf.full);
		ck_assert_uint_eq(buf.len & 0xff,
		    (unsigned char)(next_in - next_out));
		ck_assert_uint_le(buf.size, buf.max + 1);
		ck_assert_int_eq(buf_text(&buf)[buf.len], 0);
	}
	buf_clear(&buf);
}
END_TEST

START_TEST(cut_drops_what_is_behind)
{
	struct buf buf;

	buf_init(&buf, 100);
	buf_add(&buf, SPAN("abcdef"));
	buf_eat(&buf, 2);
	buf_cut(&buf, 2);
	ck_assert_str_eq(buf_text(&buf), "cd");
	buf_add(&buf, SPAN("xy"));
	ck_assert_str_eq(buf_text(&buf), "cdxy");
	buf_clear(&buf);
}
END_TEST

/* A span for an initialiser of a table. */
#define I(text)                          \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct {
	struct span bytes;
	size_t limit;
	const char *shown;
} escapes[] = {
	{ I("a b~"), 100, "a b~" },
	{ I("a\"b\\c"), 100, "a\\\"b\\\\c" },
	{ I("\0\x01\r\n\t\x1b\x7f"), 100,
	    "\\x00\\x01\\x0d\\x0a\\x09\\x1b\\x7f" },
	{ I("\xc3\xb6 \xe2\x82\xac \xf0\x9f\x93\xa7"), 100,
	    "\xc3\xb6 \xe2\x82\xac \xf0\x9f\x93\xa7" },
	{ I("\xc2\x85\xc2\xa0"), 100, "\\xc2\\x85\xc2\xa0" },
	{ I("\xc3\xff\x80"), 100, "\\xc3\\xff\\x80" },
	{ I("\xed\xa0\x80"), 100, "\\xed\\xa0\\x80" },
	{ I("\xf0\x9f\x93"), 100, "\\xf0\\x9f\\x93" },
	{ I("abc"), 3, "abc" },
	{ I("abcd"), 3, "abc..." },
	{ I(""), 0, "" },
};

START_TEST(escaped_text_harms_no_terminal)
{
	struct buf buf;

	buf_init(&buf, 1000);
	buf_add_escaped(&buf, escapes[_i].bytes, escapes[_i].limit);
	ck_assert_str_eq(buf_text(&buf), escapes[_i].shown);
	buf_clear(&buf);
}
END_TEST

static Suite *
buf_suite(void)
{
	Suite *suite = suite_create("buf");
	TCase *tcase = tcase_create("buffers");

	tcase_add_test(tcase, append_beyond_the_ceiling_changes_nothing_else);
	tcase_add_test(tcase, empty_buffer_is_an_empty_text);
	tcase_add_test(tcase, released_buffer_holds_no_memory);
	tcase_add_test(tcase, format_of_any_length_fits_below_the_ceiling);
	tcase_add_loop_test(tcase, bytes_come_out_as_they_went_in, 0, 10);
	tcase_add_test(tcase, cut_drops_what_is_behind);
	tcase_add_loop_test(tcase, escaped_text_harms_no_terminal, 0,
	    (int)(sizeof(escapes) / sizeof(escapes[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(buf_suite)
