/*
 * test_dot - what ends a message and what does not.
 */
#include <string.h>

#include "base/buf.h"
#include "relayd/smtp/dot.h"
#include "tests/support/suite.h"

#define CRLF "\r\n"

enum {
	CONTENT_MAX = 1 << 20
};

static const struct {
	struct span in;
	struct span content;
	enum dot_verdict verdict;
	struct span rest;
	bool dot_lines;
} cases[] = {
#define ROW(in, content, verdict, rest, dots)                                 \
	{                                                                     \
		{ (in), sizeof(in) - 1 }, { (content), sizeof(content) - 1 }, \
		    (verdict), { (rest), sizeof(rest) - 1 }, (dots)           \
	}
	/* clang-format off */
	/* the one end */
	ROW(".\r\n",             "",               DOT_END,  "",     false),
	ROW("hi\r\n.\r\n",       "hi\r\n",         DOT_END,  "",     false),
	ROW("hi\r\n.\r\nQUIT",   "hi\r\n",         DOT_END,  "QUIT", false),
	ROW("\r\n.\r\n",         "\r\n",           DOT_END,  "",     false),
	ROW("hi\r\n\r\n.\r\n",   "hi\r\n\r\n",     DOT_END,  "",     false),
	ROW("a\r\n.\r\n.\r\n",   "a\r\n",          DOT_END,  ".\r\n", false),
	/* not yet */
	ROW("",                  "",               DOT_MORE, "",     false),
	ROW("hi",                "hi",             DOT_MORE, "",     false),
	ROW("hi\r\n",            "hi\r\n",         DOT_MORE, "",     false),
	ROW("hi\r\n.",           "hi\r\n",         DOT_MORE, "",     false),
	ROW("hi\r\n.\r",         "hi\r\n",         DOT_MORE, "",     false),
	/* stuffing: one dot goes, at the start of a line only */
	ROW("..\r\n.\r\n",       ".\r\n",          DOT_END,  "",     true),
	ROW("...\r\n.\r\n",      "..\r\n",         DOT_END,  "",     true),
	ROW(".x\r\n.\r\n",       "x\r\n",          DOT_END,  "",     false),
	ROW("..x\r\n.\r\n",      ".x\r\n",         DOT_END,  "",     true),
	ROW("a.\r\n.\r\n",       "a.\r\n",         DOT_END,  "",     false),
	ROW("a\r\n..b\r\n.\r\n", "a\r\n.b\r\n",    DOT_END,  "",     true),
	ROW(". \r\n.\r\n",       " \r\n",          DOT_END,  "",     false),
	/* smuggling: nothing but CRLF.CRLF ends the data */
	ROW("hi\n.\n",           "hi\r\n.\r\n",    DOT_MORE, "",     true),
	ROW("hi\n.\r\n",         "hi\r\n.\r\n",    DOT_MORE, "",     true),
	ROW("hi\r\n.\n",         "hi\r\n\r\n",     DOT_MORE, "",     false),
	ROW("hi\r\n.\r",         "hi\r\n",         DOT_MORE, "",     false),
	ROW("hi\r\n.\rx",        "hi\r\n\r\nx",    DOT_MORE, "",     false),
	ROW("hi\r.\r",           "hi\r\n.",        DOT_MORE, "",     true),
	ROW("hi\r.\rx",          "hi\r\n.\r\nx",   DOT_MORE, "",     true),
	ROW("hi\r.\r\n",         "hi\r\n.\r\n",    DOT_MORE, "",     true),
	ROW("hi\r\r\n.\n",       "hi\r\n\r\n\r\n", DOT_MORE, "",     false),
	ROW("hi\n\r.\r\n",       "hi\r\n\r\n.\r\n", DOT_MORE, "",    true),
	ROW("hi\r\n.\r\r\n",     "hi\r\n\r\n\r\n", DOT_MORE, "",     false),
	ROW("hi\r\n.\n\r\n",     "hi\r\n\r\n\r\n", DOT_MORE, "",     false),
	ROW("hi\r\n\0.\r\n",     "hi\r\n\0.\r\n",  DOT_MORE, "",     false),
	ROW("hi\r\n.\0\r\n",     "hi\r\n\0\r\n",   DOT_MORE, "",     false),
	ROW("hi\r\n .\r\n",      "hi\r\n .\r\n",   DOT_MORE, "",     false),
	ROW("hi\r\n.\t\r\n",     "hi\r\n\t\r\n",   DOT_MORE, "",     false),
	ROW("hi\r\0\n.\r\n",     "hi\r\n\0\r\n.\r\n", DOT_MORE, "",  true),
	ROW("hi\n\n.\r\n",       "hi\r\n\r\n.\r\n", DOT_MORE, "",    true),
	ROW("hi\r\n.\r\0\n",     "hi\r\n\r\n\0\r\n", DOT_MORE, "",   false),
	/* a CRLF is a CRLF, whatever stands before it */
	ROW("hi\r\r\n.\r\n",     "hi\r\n\r\n",     DOT_END,  "",     false),
	ROW("hi\n\r\n.\r\n",     "hi\r\n\r\n",     DOT_END,  "",     false),
	/* line ends become CRLF */
	ROW("a\nb\r\n.\r\n",     "a\r\nb\r\n",     DOT_END,  "",     false),
	ROW("a\rb\r\n.\r\n",     "a\r\nb\r\n",     DOT_END,  "",     false),
	ROW("a\r\rb\r\n.\r\n",   "a\r\n\r\nb\r\n", DOT_END,  "",     false),
	ROW("\n\r\n.\r\n",       "\r\n\r\n",       DOT_END,  "",     false),
	ROW("\0a\x80\r\n.\r\n",  "\0a\x80\r\n",    DOT_END,  "",     false),
	/* a dot behind a broken line end is content and stays */
	ROW("a\n..b\r\n.\r\n",   "a\r\n..b\r\n",   DOT_END,  "",     true),
	ROW("a\r.b\r\n.\r\n",    "a\r\n.b\r\n",    DOT_END,  "",     true),
/* clang-format on */
#undef ROW
};

/* Feeds in pieces of at most step bytes. */
static enum dot_verdict
run(struct dot *dot, struct span in, size_t step, struct buf *content,
    size_t *used)
{
	enum dot_verdict verdict = DOT_MORE;
	struct span rest, piece;
	size_t at = 0;

	while (at < in.len && verdict != DOT_END) {
		rest = span_head(span_skip(in, at), step);
		at += rest.len;
		while ((verdict = dot_next(dot, &rest, &piece)) == DOT_PIECE) {
			ck_assert_uint_gt(piece.len, 0);
			buf_add(content, piece);
		}
		at -= rest.len;
	}
	*used = at;
	return verdict;
}

static void
check(size_t i, size_t step)
{
	enum dot_verdict verdict;
	struct buf content;
	struct dot dot;
	size_t used;

	buf_init(&content, CONTENT_MAX);
	dot_init(&dot, DOT_STUFFED);
	verdict = run(&dot, cases[i].in, step, &content, &used);
	ck_assert_int_eq(verdict, cases[i].verdict);
	ck_assert_msg(span_equal(buf_span(&content), cases[i].content),
	    "row %zu step %zu gave %s", i, step, buf_text(&content));
	ck_assert_uint_eq(cases[i].in.len - used, cases[i].rest.len);
	ck_assert_int_eq(dot.dot_lines, cases[i].dot_lines);
	buf_clear(&content);
}

START_TEST(only_crlf_dot_crlf_ends_the_data)
{
	check((size_t)_i, 1000);
}
END_TEST

START_TEST(it_may_be_cut_at_every_byte)
{
	size_t step;

	for (step = 1; step < cases[_i].in.len; step++)
		check((size_t)_i, step);
}
END_TEST

static const struct {
	struct span in;
	struct span content;
	bool dot_lines;
} plain[] = {
#define ROW(in, content, dots)                                                \
	{                                                                     \
		{ (in), sizeof(in) - 1 }, { (content), sizeof(content) - 1 }, \
		    (dots)                                                    \
	}
	/* clang-format off */
	ROW("",                 "",                    false),
	ROW("hi\r\n",           "hi\r\n",              false),
	ROW("hi\r\n.\r\nmore",  "hi\r\n.\r\nmore\r\n", true),
	ROW(".",                ".\r\n",               true),
	ROW("hi\r",             "hi\r\n",              false),
	ROW("hi\n",             "hi\r\n",              false),
	ROW("a\n.\nb",          "a\r\n.\r\nb\r\n",     true),
	ROW("..x\r\n",          "..x\r\n",             true),
/* clang-format on */
#undef ROW
};

START_TEST(a_chunk_keeps_its_dots_and_ends_in_crlf)
{
	struct span piece;
	struct buf content;
	struct dot dot;
	size_t step, used;

	for (step = 1; step <= plain[_i].in.len + 1; step++) {
		buf_init(&content, CONTENT_MAX);
		dot_init(&dot, DOT_PLAIN);
		run(&dot, plain[_i].in, step, &content, &used);
		if (dot_finish(&dot, &piece))
			buf_add(&content, piece);
		ck_assert(span_equal(buf_span(&content), plain[_i].content));
		ck_assert_int_eq(dot.dot_lines, plain[_i].dot_lines);
		buf_clear(&content);
	}
}
END_TEST

START_TEST(whole_blocks_of_good_lines_pass_in_one_piece)
{
	struct span piece, rest;
	struct buf in;
	struct dot dot;
	size_t i;

	buf_init(&in, CONTENT_MAX);
	for (i = 0; i < 150; i++)
		buf_add(&in,
		    SPAN("a line of an ordinary message, not long\r\n"));
	rest = buf_span(&in);
	dot_init(&dot, DOT_STUFFED);
	ck_assert_int_eq(dot_next(&dot, &rest, &piece), DOT_PIECE);
	ck_assert_uint_eq(piece.len, in.len);
	ck_assert_int_eq(dot_next(&dot, &rest, &piece), DOT_MORE);
	ck_assert(!dot.bare_cr && !dot.bare_lf && !dot.dot_lines);
	buf_clear(&in);
}
END_TEST

static Suite *
dot_suite(void)
{
	Suite *suite = suite_create("dot");
	TCase *tcase = tcase_create("dot");

	tcase_add_loop_test(tcase, only_crlf_dot_crlf_ends_the_data, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, it_may_be_cut_at_every_byte, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, a_chunk_keeps_its_dots_and_ends_in_crlf, 0,
	    sizeof(plain) / sizeof(plain[0]));
	tcase_add_test(tcase, whole_blocks_of_good_lines_pass_in_one_piece);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(dot_suite)
