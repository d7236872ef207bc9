/*
 * test_span - borrowed bytes.
 */
#include <string.h>

#include "base/span.h"
#include "tests/support/suite.h"

#define S(text) SPAN(text)
/* The same for an initialiser of a table. */
#define I(text)                          \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct {
	struct span a, b;
	bool equal, nocase, starts, ends;
	int order;
} pairs[] = {
	/* clang-format off */
	{ I("a"), I("a"), true, true, true, true, 0 },
	{ I(""), I(""), true, true, true, true, 0 },
	{ I("a"), I("A"), false, true, false, false, 1 },
	{ I("ab"), I("a"), false, false, true, false, 1 },
	{ I("ab"), I("b"), false, false, false, true, -1 },
	{ I("a"), I("ab"), false, false, false, false, -1 },
	{ I("ab"), I(""), false, false, true, true, 1 },
	{ I("a\0b"), I("a\0c"), false, false, false, false, -1 },
	{ I("\xff"), I("a"), false, false, false, false, 1 },
	{ I("@["), I("`{"), false, false, false, false, -1 },
	{ I("\xc3\xa4"), I("\xc3\x84"), false, false, false, false, 1 },
	/* clang-format on */
};

START_TEST(spans_compare_by_bytes)
{
	struct span a = pairs[_i].a, b = pairs[_i].b;
	int order = span_compare(a, b);

	ck_assert_int_eq(span_equal(a, b), pairs[_i].equal);
	ck_assert_int_eq(span_equal_nocase(a, b), pairs[_i].nocase);
	ck_assert_int_eq(span_starts(a, b), pairs[_i].starts);
	ck_assert_int_eq(span_ends(a, b), pairs[_i].ends);
	ck_assert_int_eq((order > 0) - (order < 0), pairs[_i].order);
	ck_assert_int_eq(span_hash(a, 7) == span_hash(b, 7), pairs[_i].equal);
}
END_TEST

START_TEST(heads_and_tails_ignore_ascii_case)
{
	ck_assert(span_starts_nocase(S("FROM:<a>"), S("from:")));
	ck_assert(!span_starts_nocase(S("FRO"), S("from:")));
	ck_assert(span_ends_nocase(S("a.TEST"), S(".test")));
	ck_assert(!span_ends_nocase(S("test"), S(".test")));
}
END_TEST

START_TEST(cutting_never_leaves_the_span)
{
	struct span s = S("abc"), nothing = { NULL, 0 };

	ck_assert(span_equal(span_skip(s, 1), S("bc")));
	ck_assert(span_equal(span_skip(s, 4), S("")));
	ck_assert(span_equal(span_skip(nothing, 4), S("")));
	ck_assert(span_equal(span_head(s, 2), S("ab")));
	ck_assert(span_equal(span_head(s, 9), s));
	ck_assert(span_equal(span_trim(S(" \ta b\t ")), S("a b")));
	ck_assert(span_equal(span_trim(S(" \t ")), S("")));
	ck_assert_uint_eq(span_find(s, 'b'), 1);
	ck_assert_uint_eq(span_find(s, 'x'), 3);
	ck_assert_uint_eq(span_find(nothing, 'x'), 0);
	ck_assert_uint_eq(span_find_last(S("abab"), 'a'), 2);
	ck_assert_uint_eq(span_find_last(s, 'x'), 3);
}
END_TEST

START_TEST(cut_sees_every_part)
{
	static const char *const wanted[] = { "a", "", "b", "" };
	struct span rest = S("a,,b,"), part;
	size_t i = 0;

	while (rest.data != NULL) {
		part = span_cut(&rest, ',');
		ck_assert_uint_lt(i, 4);
		ck_assert(span_equal(part, span_of(wanted[i++])));
	}
	ck_assert_uint_eq(i, 4);
	rest = S("");
	ck_assert_uint_eq(span_cut(&rest, ',').len, 0);
	ck_assert_ptr_null(rest.data);
}
END_TEST

START_TEST(words_are_separated_by_blanks_and_tabs)
{
	struct span rest = S(" a \t bc ");

	ck_assert(span_equal(span_word(&rest), S("a")));
	ck_assert(span_equal(span_word(&rest), S("bc")));
	ck_assert_uint_eq(span_word(&rest).len, 0);
	ck_assert_uint_eq(rest.len, 0);
}
END_TEST

static const struct {
	struct span text;
	uint64_t max;
	bool good;
	uint64_t number;
} numbers[] = {
	{ I("0"), 10, true, 0 },
	{ I("10"), 10, true, 10 },
	{ I("0010"), 10, true, 10 },
	{ I("11"), 10, false, 0 },
	{ I(""), 10, false, 0 },
	{ I("-1"), 10, false, 0 },
	{ I("+1"), 10, false, 0 },
	{ I(" 1"), 10, false, 0 },
	{ I("1x"), 10, false, 0 },
	{ I("1\0"), 10, false, 0 },
	{ I("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
	{ I("18446744073709551616"), UINT64_MAX, false, 0 },
	{ I("99999999999999999999999"), UINT64_MAX, false, 0 },
};

START_TEST(number_is_digits_up_to_max)
{
	uint64_t number = 4711;

	ck_assert_int_eq(span_number(numbers[_i].text, numbers[_i].max,
			     &number),
	    numbers[_i].good);
	ck_assert_uint_eq(number, numbers[_i].good ? numbers[_i].number : 4711);
}
END_TEST

/* RFC 3629 section 4, its first and last of each row, and its neighbours. */
static const struct {
	struct span text;
	bool good;
} texts[] = {
	{ I(""), true },
	{ I("abc\0\x7f"), true },
	{ I("\x80"), false },
	{ I("\xc1\xbf"), false },
	{ I("\xc2\x80"), true },
	{ I("\xdf\xbf"), true },
	{ I("\xdf"), false },
	{ I("\xdf\xc0"), false },
	{ I("\xe0\x9f\xbf"), false },
	{ I("\xe0\xa0\x80"), true },
	{ I("\xed\x9f\xbf"), true },
	{ I("\xed\xa0\x80"), false },
	{ I("\xef\xbf\xbf"), true },
	{ I("\xef\xbf"), false },
	{ I("\xf0\x8f\xbf\xbf"), false },
	{ I("\xf0\x90\x80\x80"), true },
	{ I("\xf4\x8f\xbf\xbf"), true },
	{ I("\xf4\x90\x80\x80"), false },
	{ I("\xf5\x80\x80\x80"), false },
	{ I("a\xff"), false },
};

START_TEST(utf8_is_well_formed_or_not)
{
	ck_assert_int_eq(span_utf8(texts[_i].text), texts[_i].good);
}
END_TEST

START_TEST(bytes_are_sorted_by_kind)
{
	ck_assert(span_printable(S(" ~")));
	ck_assert(!span_printable(S("\x1f")));
	ck_assert(!span_printable(S("\x7f")));
	ck_assert(!span_printable(S("\xc3\xb6")));
	ck_assert(!span_eight_bit(S("a\x7f")));
	ck_assert(span_eight_bit(S("a\x80")));
	ck_assert(span_hash(S("a"), 1) != span_hash(S("a"), 2));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
span_suite(void)
{
	Suite *suite = suite_create("span");
	TCase *tcase = tcase_create("spans");

	tcase_add_loop_test(tcase, spans_compare_by_bytes, 0, ROWS(pairs));
	tcase_add_test(tcase, heads_and_tails_ignore_ascii_case);
	tcase_add_test(tcase, cutting_never_leaves_the_span);
	tcase_add_test(tcase, cut_sees_every_part);
	tcase_add_test(tcase, words_are_separated_by_blanks_and_tabs);
	tcase_add_loop_test(tcase, number_is_digits_up_to_max, 0,
	    ROWS(numbers));
	tcase_add_loop_test(tcase, utf8_is_well_formed_or_not, 0, ROWS(texts));
	tcase_add_test(tcase, bytes_are_sorted_by_kind);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(span_suite)
