/*
 * test_units - sizes and times as people write them.
 */
#include "relayd/admin/units.h"
#include "tests/support/suite.h"

#define BAD UINT64_MAX

static const struct {
	const char *text;
	uint64_t bytes;
	uint64_t seconds;
} cases[] = {
	{ "0", 0, 0 },
	{ "50", 50, 50 },
	{ "50M", 50 << 20, 50 * 60 },
	{ "50m", 50 << 20, 50 * 60 },
	{ "1k", 1024, BAD },
	{ "2G", UINT64_C(2) << 30, BAD },
	{ "1T", UINT64_C(1) << 40, BAD },
	{ "5d", BAD, 5 * 86400 },
	{ "4H", BAD, 4 * 3600 },
	{ "30s", BAD, 30 },
	{ "2w", BAD, 14 * 86400 },
	/* not understood, never guessed */
	{ "", BAD, BAD },
	{ "M", BAD, BAD },
	{ "5 M", BAD, BAD },
	{ " 5", BAD, BAD },
	{ "-5", BAD, BAD },
	{ "+5", BAD, BAD },
	{ "1.5M", BAD, BAD },
	{ "0x10", BAD, BAD },
	{ "5MM", BAD, BAD },
	{ "5MB", BAD, BAD },
	/* the edge of 2^63 */
	{ "9223372036854775807", INT64_MAX, INT64_MAX },
	{ "9223372036854775808", BAD, BAD },
	{ "8388607T", UINT64_C(8388607) << 40, BAD },
	{ "8388608T", BAD, BAD },
	{ "153722867280912931m", BAD, BAD },
	{ "99999999999999999999", BAD, BAD },
};

START_TEST(texts_are_read_or_refused)
{
	struct span text = span_of(cases[_i].text);
	uint64_t number = BAD;

	ck_assert_int_eq(units_bytes(text, &number), cases[_i].bytes != BAD);
	ck_assert_uint_eq(number, cases[_i].bytes);
	number = BAD;
	ck_assert_int_eq(units_seconds(text, &number),
	    cases[_i].seconds != BAD);
	ck_assert_uint_eq(number, cases[_i].seconds);
}
END_TEST

static const struct {
	uint64_t number;
	const char *bytes;
	const char *seconds;
} written[] = {
	{ 0, "0", "0" },
	{ 1, "1", "1s" },
	{ 90, "90", "90s" },
	{ 1024, "1K", "1024s" },
	{ 64 << 20, "64M", "67108864s" },
	{ 3600, "3600", "1h" },
	{ 5 * 86400, "432000", "5d" },
	{ 7 * 86400, "604800", "1w" },
};

START_TEST(numbers_are_written_in_their_largest_unit)
{
	struct buf out;

	buf_init(&out, 64);
	units_add_bytes(&out, written[_i].number);
	ck_assert_str_eq(buf_text(&out), written[_i].bytes);
	buf_empty(&out);
	units_add_seconds(&out, written[_i].number);
	ck_assert_str_eq(buf_text(&out), written[_i].seconds);
	buf_clear(&out);
}
END_TEST

static Suite *
units_suite(void)
{
	Suite *suite = suite_create("units");
	TCase *tcase = tcase_create("units");

	tcase_add_loop_test(tcase, texts_are_read_or_refused, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, numbers_are_written_in_their_largest_unit, 0,
	    sizeof(written) / sizeof(written[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(units_suite)
