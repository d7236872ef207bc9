/*
 * test_complaints - errors and warnings, told in bounded text.
 */
#include <string.h>

#include "domains/complaints.h"
#include "tests/support/suite.h"

static struct complaints complaints;

static void
begin(void)
{
	complaints_init(&complaints);
}

static void
end(void)
{
	complaints_clear(&complaints);
}

static const struct {
	const char *file;
	size_t line, column;
	const char *text;
} places[] = {
	{ "hosted", 3, 7, "hosted:3:7: wrong\n" },
	{ "hosted", 3, 0, "hosted:3: wrong\n" },
	{ "hosted", 0, 7, "hosted: wrong\n" },
	{ "hosted", 0, 0, "hosted: wrong\n" },
	{ NULL, 0, 0, "wrong\n" },
	{ "a\nb", 1, 1, "a\\x0ab:1:1: wrong\n" },
};

START_TEST(complaint_names_its_place)
{
	ck_assert(!complain(&complaints, places[_i].file, places[_i].line,
	    places[_i].column, "%s", "wrong"));
	ck_assert_uint_eq(complaints.errors, 1);
	ck_assert_uint_eq(complaints.warnings, 0);
	ck_assert_str_eq(complaints_text(&complaints), places[_i].text);
}
END_TEST

START_TEST(warning_says_so_and_is_no_error)
{
	complain_softly(&complaints, "hosted", 1, 2, "odd %d", 7);
	ck_assert_uint_eq(complaints.errors, 0);
	ck_assert_uint_eq(complaints.warnings, 1);
	ck_assert_str_eq(complaints_text(&complaints),
	    "hosted:1:2: warning: odd 7\n");
}
END_TEST

START_TEST(control_characters_are_shown_not_sent)
{
	complain(&complaints, NULL, 0, 0,
	    "\"a\\b\" \x1b[2J\r\n\xff \xc2\x9b \xc3\xb6");
	ck_assert_str_eq(complaints_text(&complaints),
	    "\"a\\b\" \\x1b[2J\\x0d\\x0a\\xff \\xc2\\x9b \xc3\xb6\n");
}
END_TEST

START_TEST(long_text_is_cut)
{
	char text[5000];

	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	complain(&complaints, text, 1, 0, "%s", text);
	ck_assert_uint_le(complaints.text.len, 500 * 4 + 2 + 4000 + 10);
	ck_assert_ptr_nonnull(
	    strstr(complaints_text(&complaints), "\\x01...\n"));
}
END_TEST

START_TEST(beyond_two_hundred_they_are_counted)
{
	size_t i, lines = 0;
	const char *text;

	for (i = 0; i < COMPLAINTS_TOLD; i++)
		complain(&complaints, "f", i + 1, 0, "wrong");
	ck_assert_ptr_null(strstr(complaints_text(&complaints), "more"));
	for (i = 0; i < 3; i++)
		complain(&complaints, "f", i + 1, 0, "untold");
	text = complaints_text(&complaints);
	ck_assert_ptr_null(strstr(text, "untold"));
	ck_assert(span_ends(span_of(text),
	    SPAN("f:200: wrong\nand 3 more errors\n")));
	/* a warning still finds its place, before the last line */
	complain_softly(&complaints, "f", 9, 0, "odd");
	text = complaints_text(&complaints);
	text = complaints_text(&complaints);
	ck_assert(span_ends(span_of(text),
	    SPAN("f:200: wrong\nf:9: warning: odd\nand 3 more errors\n")));
	for (; *text != '\0'; text++)
		lines += *text == '\n';
	ck_assert_uint_eq(lines, COMPLAINTS_TOLD + 2);
	ck_assert_uint_eq(complaints.errors, COMPLAINTS_TOLD + 3);
}
END_TEST

START_TEST(ten_thousand_long_ones_stay_within_the_ceiling)
{
	char text[1200];
	size_t i;

	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < 10000; i++) {
		complain(&complaints, text, i, 1, "%s", text);
		complain_softly(&complaints, text, i, 1, "%s", text);
	}
	ck_assert(!complaints.text.full);
	ck_assert(span_ends(span_of(complaints_text(&complaints)),
	    SPAN("and 9800 more errors\nand 9800 more warnings\n")));
}
END_TEST

static Suite *
complaints_suite(void)
{
	Suite *suite = suite_create("complaints");
	TCase *tcase = tcase_create("complaints");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_loop_test(tcase, complaint_names_its_place, 0,
	    (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_test(tcase, warning_says_so_and_is_no_error);
	tcase_add_test(tcase, control_characters_are_shown_not_sent);
	tcase_add_test(tcase, long_text_is_cut);
	tcase_add_test(tcase, beyond_two_hundred_they_are_counted);
	tcase_add_test(tcase, ten_thousand_long_ones_stay_within_the_ceiling);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(complaints_suite)
