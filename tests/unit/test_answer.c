/*
 * test_answer - status lines.
 */
#include "relayd/smtp/answer.h"
#include "tests/support/suite.h"

static const struct {
	int code;
	const char *enhanced;
	struct span text;
	const char *out;
} cases[] = {
#define TEXT(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}
	/* clang-format off */
	{ 250, "2.0.0", TEXT("ok"), "250 2.0.0 ok\r\n" },
	{ 220, NULL, TEXT("a b"), "220 a b\r\n" },
	{ 250, NULL, TEXT("a\nSIZE 1\nDSN"), "250-a\r\n250-SIZE 1\r\n250 DSN\r\n" },
	{ 214, "2.0.0", TEXT("a\nb"), "214-2.0.0 a\r\n214 2.0.0 b\r\n" },
	{ 550, "5.7.1", TEXT("a\rb\0c\xff"), "550 5.7.1 a\\x0db\\x00c\\xff\r\n" },
	{ 354, NULL, TEXT(""), "354 \r\n" },
/* clang-format on */
#undef TEXT
};

START_TEST(a_reply_has_code_status_and_harmless_text)
{
	struct buf out;

	buf_init(&out, 4096);
	answer_add(&out, cases[_i].code, cases[_i].enhanced, cases[_i].text);
	ck_assert_str_eq(buf_text(&out), cases[_i].out);
	buf_clear(&out);
}
END_TEST

START_TEST(a_long_reply_is_folded_and_loses_nothing)
{
	struct buf text, out;
	struct span rest, line;
	size_t i, letters = 0;

	buf_init(&text, 1 << 16);
	buf_init(&out, 1 << 16);
	for (i = 0; i < 3000; i++)
		buf_add_byte(&text, _i > 0 && i % (size_t)_i == 0 ? ' ' : 'x');
	answer_add(&out, 550, "5.7.1", buf_span(&text));
	rest = buf_span(&out);
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		ck_assert_uint_lt(line.len, ANSWER_LINE_MAX);
		ck_assert(span_starts(line,
		    rest.len > 0 ? SPAN("550-5.7.1 ") : SPAN("550 5.7.1 ")));
		for (i = 0; i < line.len; i++)
			letters += line.data[i] == 'x';
	}
	for (i = 0; i < text.len; i++)
		letters -= text.data[i] == 'x';
	ck_assert_uint_eq(letters, 0);
	buf_clear(&text);
	buf_clear(&out);
}
END_TEST

static Suite *
answer_suite(void)
{
	Suite *suite = suite_create("answer");
	TCase *tcase = tcase_create("answer");

	tcase_add_loop_test(tcase, a_reply_has_code_status_and_harmless_text, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, a_long_reply_is_folded_and_loses_nothing, 0,
	    20);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(answer_suite)
