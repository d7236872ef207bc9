/*
 * test_log - lines of logfmt, and no way out of one.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/admin/log.h"
#include "tests/support/suite.h"

enum {
	TEXT_MAX = 1 << 16
};

static struct buf taken;

static void
take(void *owner, struct span line)
{
	(void)owner;
	buf_add(&taken, line);
	buf_add_byte(&taken, '\n');
}

static void
set_up(void)
{
	buf_init(&taken, TEXT_MAX);
	log_capture(take, NULL);
}

static void
tear_down(void)
{
	log_capture(NULL, NULL);
	log_close();
	buf_clear(&taken);
}

/* SPAN() for initialisers of static tables. */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	struct span value;
	const char *line;
} values[] = {
	{ S("a@b.example"), "a@b.example" },
	{ S("550"), "550" },
	{ S("<a@b>,[::1]:25"), "<a@b>,[::1]:25" },
	/* what needs quotes */
	{ S(""), "\"\"" },
	{ S("two words"), "\"two words\"" },
	{ S("a=b"), "\"a=b\"" },
	{ S("say \"hi\""), "\"say \\\"hi\\\"\"" },
	{ S("back\\slash"), "\"back\\\\slash\"" },
	{ S("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"" },
	/* what a peer may try: to end the line, to forge a key, to hide */
	{ S("x\r\nevent=accepted"), "\"x\\x0d\\x0aevent=accepted\"" },
	{ S("x\nevent"), "\"x\\x0aevent\"" },
	{ S("x code=250"), "\"x code=250\"" },
	{ S("x\" code=\"250"), "\"x\\\" code=\\\"250\"" },
	{ S("nul\0byte"), "\"nul\\x00byte\"" },
	{ S("\x1b[2J"), "\"\\x1b[2J\"" },
	{ S("\xff\xfe"), "\"\\xff\\xfe\"" },
	{ S("\xc2\x9b[2J"), "\"\\xc2\\x9b[2J\"" },
	{ S("tab\there"), "\"tab\\x09here\"" },
	{ S("\x7f"), "\"\\x7f\"" },
};

START_TEST(value_cannot_end_a_line_or_forge_a_key)
{
	struct log_line line;
	char expected[200];

	log_begin(&line, LEVEL_INFO, "test");
	log_span(&line, "value", values[_i].value);
	log_end(&line);
	snprintf(expected, sizeof(expected), "event=test value=%s\n",
	    values[_i].line);
	ck_assert_str_eq(buf_text(&taken), expected);
}
END_TEST

START_TEST(line_holds_its_values_in_order)
{
	struct log_line line;

	log_begin(&line, LEVEL_INFO, "refused");
	log_text(&line, "client", "192.0.2.1");
	log_number(&line, "code", 550);
	log_number(&line, "zero", 0);
	log_number(&line, "most", UINT64_MAX);
	log_text(&line, "nothing", NULL);
	log_format(&line, "rule", "%s:%d", "allowlist", 12);
	log_end(&line);
	log_say(LEVEL_WARNING, "start", "it is %d %s", 5, "o'clock");
	ck_assert_str_eq(buf_text(&taken),
	    "event=refused client=192.0.2.1 code=550 zero=0 "
	    "most=18446744073709551615 nothing=\"\" rule=allowlist:12\n"
	    "event=start text=\"it is 5 o'clock\"\n");
}
END_TEST

START_TEST(lines_may_be_made_while_another_is_made)
{
	struct log_line outer, inner;

	log_begin(&outer, LEVEL_INFO, "outer");
	log_begin(&inner, LEVEL_INFO, "inner");
	log_number(&outer, "a", 1);
	log_number(&inner, "b", 2);
	log_end(&inner);
	log_number(&outer, "c", 3);
	log_end(&outer);
	ck_assert_str_eq(buf_text(&taken),
	    "event=inner b=2\nevent=outer a=1 c=3\n");
}
END_TEST

START_TEST(line_below_the_level_is_not_made)
{
	struct log_line line;
	struct buf why;

	log_begin(&line, LEVEL_DEBUG, "test");
	log_number(&line, "a", 1);
	log_text(&line, "b", "b");
	log_format(&line, "c", "%d", 1);
	log_end(&line);
	log_say(LEVEL_DEBUG, "test", "said");
	ck_assert_str_eq(buf_text(&taken), "");
	buf_init(&why, 1000);
	ck_assert(log_open("stderr", LEVEL_DEBUG, &why));
	log_say(LEVEL_DEBUG, "test", "said");
	ck_assert_str_eq(buf_text(&taken), "event=test text=said\n");
}
END_TEST

START_TEST(long_value_is_shortened_and_a_long_line_is_cut_between_values)
{
	static char bytes[3000];
	struct log_line line;
	const char *text;
	int i;

	memset(bytes, 1, sizeof(bytes));
	log_begin(&line, LEVEL_INFO, "test");
	for (i = 0; i < 5; i++)
		log_span(&line, "bytes", span_make(bytes, sizeof(bytes)));
	log_number(&line, "small", 1);
	log_end(&line);
	ck_assert_uint_le(taken.len, 8300);
	text = buf_text(&taken);
	ck_assert_str_eq(text + strlen(text) - strlen("...\" cut=yes\n"),
	    "...\" cut=yes\n");
	buf_empty(&taken);
	memset(bytes, 'x', sizeof(bytes) - 1);
	bytes[sizeof(bytes) - 1] = '\0';
	log_say(LEVEL_INFO, "test", "%s", bytes);
	ck_assert_uint_eq(taken.len,
	    strlen("event=test text=\"...\"\n") + 1024);
}
END_TEST

static Suite *
log_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("lines");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, value_cannot_end_a_line_or_forge_a_key, 0,
	    sizeof(values) / sizeof(values[0]));
	tcase_add_test(tcase, line_holds_its_values_in_order);
	tcase_add_test(tcase, lines_may_be_made_while_another_is_made);
	tcase_add_test(tcase, line_below_the_level_is_not_made);
	tcase_add_test(tcase,
	    long_value_is_shortened_and_a_long_line_is_cut_between_values);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(log_suite)
