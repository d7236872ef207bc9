/*
 * test_outcome - verdicts and the words that explain them.
 */
#include <string.h>

#include "relayd/delivery/outcome.h"
#include "tests/support/suite.h"

static const struct {
	enum outcome_kind kind;
	const char *given;
	const char *kept;
} codes[] = {
	/* clang-format off */
	{ OUTCOME_FAILED,    "5.1.1", "5.1.1" },
	{ OUTCOME_LATER,     "4.2.2", "4.2.2" },
	{ OUTCOME_DELIVERED, "2.1.5", "2.1.5" },
	/* of another class, or none: ours by class */
	{ OUTCOME_FAILED,    "4.2.2", "5.0.0" },
	{ OUTCOME_LATER,     "5.1.1", "4.0.0" },
	{ OUTCOME_LATER,     "",      "4.0.0" },
	{ OUTCOME_FAILED,    NULL,    "5.0.0" },
	{ OUTCOME_DELIVERED, NULL,    "2.0.0" },
	/* clang-format on */
};

START_TEST(enhanced_code_has_the_class_of_the_verdict)
{
	struct outcome outcome = { .kind = OUTCOME_NONE };

	outcome_set(&outcome, codes[_i].kind, 550, codes[_i].given, SPAN("x"),
	    NULL);
	ck_assert_str_eq(outcome.enhanced, codes[_i].kept);
	ck_assert_int_eq(outcome.kind, codes[_i].kind);
	ck_assert_int_eq(outcome.code, 550);
	outcome_clear(&outcome);
}
END_TEST

static const struct {
	struct span text;
	const char *kept;
} texts[] = {
	/* clang-format off */
	{ { "550 no \"such\" \\user", 19 }, "550 no \"such\" \\user" },
	{ { "a\r\nBcc: x", 9 },             "a\\x0d\\x0aBcc: x" },
	{ { "a\0b\033[2J", 8 - 1 },         "a\\x00b\\x1b[2J" },
	{ { "\303\244", 2 },                "\303\244" },
	{ { "\303", 1 },                    "\\xc3" },
	{ { "", 0 },                        "" },
	/* clang-format on */
};

START_TEST(no_byte_of_a_peer_breaks_a_line)
{
	struct outcome outcome = { .kind = OUTCOME_NONE };

	outcome_set(&outcome, OUTCOME_LATER, 450, "4.0.0", texts[_i].text,
	    "mx.test [192.0.2.1]:25");
	ck_assert_str_eq(outcome.text, texts[_i].kept);
	ck_assert_str_eq(outcome.remote, "mx.test [192.0.2.1]:25");
	outcome_clear(&outcome);
	ck_assert_int_eq(outcome.kind, OUTCOME_NONE);
	ck_assert_ptr_null(outcome.text);
}
END_TEST

START_TEST(text_is_bounded_and_may_be_set_from_itself)
{
	struct outcome outcome = { .kind = OUTCOME_NONE };
	char text[5000];

	memset(text, 1, sizeof(text));
	outcome_set(&outcome, OUTCOME_LATER, 450, "4.0.0",
	    span_make(text, sizeof(text)), NULL);
	ck_assert_uint_eq(strlen(outcome.text), OUTCOME_TEXT_MAX * 4 + 3);
	ck_assert(span_ends(span_of(outcome.text), SPAN("\\x01...")));
	outcome_set(&outcome, outcome.kind, outcome.code, outcome.enhanced,
	    span_of(outcome.text), outcome.remote);
	ck_assert_int_eq(outcome.text[0], '\\');
	ck_assert_str_eq(outcome.enhanced, "4.0.0");
	outcome_clear(&outcome);
}
END_TEST

static Suite *
outcome_suite(void)
{
	Suite *suite = suite_create("outcome");
	TCase *tcase = tcase_create("outcome");

	tcase_add_loop_test(tcase, enhanced_code_has_the_class_of_the_verdict,
	    0, sizeof(codes) / sizeof(codes[0]));
	tcase_add_loop_test(tcase, no_byte_of_a_peer_breaks_a_line, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, text_is_bounded_and_may_be_set_from_itself);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(outcome_suite)
