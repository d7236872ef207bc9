/*
 * test_command - where a command line ends, and what is one.
 */
#include <stdio.h>

#include "base/buf.h"
#include "relayd/smtp/command.h"
#include "tests/support/suite.h"

enum {
	LOG_MAX = 1 << 16
};

/*
 * in, and what comes of it: each line in brackets, each refusal a letter
 * (b bare LF, c control character, l too long).
 */
static const struct {
	struct span in;
	bool accept_bare_lf;
	const char *out;
} cases[] = {
#define ROW(in, accept, out)                              \
	{                                                 \
		{ (in), sizeof(in) - 1 }, (accept), (out) \
	}
	/* clang-format off */
	ROW("",                          false, ""),
	ROW("NOOP",                      false, ""),
	ROW("NOOP\r",                    false, ""),
	ROW("NOOP\r\n",                  false, "[NOOP]"),
	ROW("\r\n",                      false, "[]"),
	ROW("A\r\nB\r\nC",               false, "[A][B]"),
	ROW("A\tb \r\n",                 false, "[A\tb ]"),
	ROW("EHLO \xc3\xa9\r\n",         false, "[EHLO \xc3\xa9]"),
	/* a bare LF is answered at once, and taints the line behind it */
	ROW("A\n",                       false, "b"),
	ROW("A\nB\nC\n",                 false, "bbb"),
	ROW("A\nB\r\nC\r\n",             false, "bb[C]"),
	ROW("\nA\r\nB\r\n",              false, "bb[B]"),
	/* or served, where the listener says so */
	ROW("A\nB\r\nC\n",               true,  "[A][B][C]"),
	ROW("\n",                        true,  "[]"),
	/* control characters */
	ROW("A\0B\r\n",                  false, "c"),
	ROW("A\rB\r\nC\r\n",             false, "c[C]"),
	ROW("A\r\r\n",                   false, "c"),
	ROW("A\x7f\r\n",                 false, "c"),
	ROW("A\x1b[2J\r\nB\r\n",         false, "c[B]"),
	ROW("A\0\nB\n",                  true,  "c[B]"),
/* clang-format on */
#undef ROW
};

static void
note(struct buf *out, enum command_verdict verdict, struct span line)
{
	switch (verdict) {
	case COMMAND_LINE:
		buf_addf(out, "[%.*s]", SPAN_ARG(line));
		break;
	case COMMAND_BARE_LF:
		buf_add_byte(out, 'b');
		break;
	case COMMAND_CONTROL:
		buf_add_byte(out, 'c');
		break;
	case COMMAND_LONG:
		buf_add_byte(out, 'l');
		break;
	case COMMAND_ENDLESS:
		buf_add_byte(out, 'e');
		break;
	case COMMAND_MORE:
		break;
	}
}

/* Gives the bytes step at a time, as a session would. */
static void
run(struct span in, bool accept_bare_lf, size_t step, struct buf *out)
{
	enum command_verdict verdict;
	struct command command;
	struct buf pending;
	struct span line;
	size_t at, used;
	bool bare_lf;

	command_init(&command, accept_bare_lf);
	buf_init(&pending, 1 << 20);
	for (at = 0; at < in.len; at += step) {
		buf_add(&pending, span_head(span_skip(in, at), step));
		do {
			verdict = command_next(&command, buf_span(&pending),
			    &line, &used, &bare_lf);
			note(out, verdict, line);
			buf_eat(&pending, used);
		} while (verdict != COMMAND_MORE && verdict != COMMAND_ENDLESS);
	}
	buf_clear(&pending);
}

START_TEST(lines_end_in_crlf_however_they_are_cut)
{
	struct buf out;
	size_t step;

	for (step = 1; step <= cases[_i].in.len + 1; step++) {
		buf_init(&out, LOG_MAX);
		run(cases[_i].in, cases[_i].accept_bare_lf, step, &out);
		ck_assert_str_eq(buf_text(&out), cases[_i].out);
		buf_clear(&out);
	}
}
END_TEST

static const struct {
	size_t len; /* of the first line */
	const char *ending;
	const char *out; /* with the first line left out */
} lengths[] = {
	/* clang-format off */
	{ COMMAND_MAX + 1,        "\r\n", "l[NEXT]" },
	{ COMMAND_MAX * 5,        "\r\n", "l[NEXT]" },
	{ COMMAND_MAX * 5,        "\n",   "lb" }, /* the tail stays refused */
	{ COMMAND_SKIP_MAX * 2,   "\r\n", NULL }, /* endless, or too long */
	/* clang-format on */
};

START_TEST(the_rest_of_a_long_line_is_never_a_command)
{
	static const size_t steps[] = { 7, 512, 4096, 32768 };
	struct buf in, out;
	size_t i;

	buf_init(&in, 1 << 20);
	for (i = 0; i < lengths[_i].len; i++)
		buf_add_byte(&in, i % 2 == 0 ? 'A' : ' ');
	buf_addf(&in, "%sNEXT\r\n", lengths[_i].ending);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		buf_init(&out, LOG_MAX);
		run(buf_span(&in), false, steps[i], &out);
		if (lengths[_i].out != NULL)
			ck_assert_str_eq(buf_text(&out), lengths[_i].out);
		else
			ck_assert(span_starts(buf_span(&out), SPAN("le")));
		buf_clear(&out);
	}
	buf_clear(&in);
}
END_TEST

START_TEST(a_line_of_exactly_the_limit_is_served)
{
	struct buf in, out;
	size_t i;

	buf_init(&in, LOG_MAX);
	buf_init(&out, LOG_MAX);
	for (i = 0; i < COMMAND_MAX; i++)
		buf_add_byte(&in, 'x');
	buf_add(&in, SPAN("\r\n"));
	run(buf_span(&in), false, 1000, &out);
	ck_assert_uint_eq(out.len, COMMAND_MAX + 2);
	buf_clear(&in);
	buf_clear(&out);
}
END_TEST

static const struct {
	const char *line, *verb, *args;
} splits[] = {
	{ "NOOP", "NOOP", "" },
	{ "  noop  ", "noop", "" },
	{ "MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>" },
	{ "mail \t from: a@b  ", "mail", "from: a@b" },
	{ "", "", "" },
};

START_TEST(a_line_is_a_verb_and_the_rest)
{
	struct span verb, args;

	command_split(span_of(splits[_i].line), &verb, &args);
	ck_assert(span_equal(verb, span_of(splits[_i].verb)));
	ck_assert(span_equal(args, span_of(splits[_i].args)));
}
END_TEST

static Suite *
command_suite(void)
{
	Suite *suite = suite_create("command");
	TCase *tcase = tcase_create("command");

	tcase_add_loop_test(tcase, lines_end_in_crlf_however_they_are_cut, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, the_rest_of_a_long_line_is_never_a_command,
	    0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(tcase, a_line_of_exactly_the_limit_is_served);
	tcase_add_loop_test(tcase, a_line_is_a_verb_and_the_rest, 0,
	    sizeof(splits) / sizeof(splits[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(command_suite)
