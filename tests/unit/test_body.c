/*
 * test_body - content on its way out: dots, ends, files and blocks.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/delivery/body.h"
#include "relayd/delivery/stuff.h"
#include "tests/support/paper.h"
#include "tests/support/suite.h"

enum {
	OUT_MAX = 4 << 20,
	BIG = 1 << 20, /* leaves by sendfile */
	BUDGET = 256 << 10
};

static const struct {
	const char *in;
	const char *out;
} cases[] = {
	/* clang-format off */
	{ "a\r\n", "a\r\n.\r\n" },
	{ "", ".\r\n" },
	/* an end that is missing is added */
	{ "a", "a\r\n.\r\n" },
	{ "a\r", "a\r\r\n.\r\n" },
	{ "a\n", "a\n\r\n.\r\n" },
	/* dots at the start of a line, and only there */
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..\r\n", "...\r\n.\r\n" },
	{ ".a\r\n.b\r\n", "..a\r\n..b\r\n.\r\n" },
	{ "a.b\r\n a.\r\n", "a.b\r\n a.\r\n.\r\n" },
	{ "\r\n.\r\n\r\n", "\r\n..\r\n\r\n.\r\n" },
	{ "a\r\n.", "a\r\n..\r\n.\r\n" },
	/* a bare LF has no business here; a dot behind it ends nothing */
	{ "a\n.\r\nb\r\n", "a\n..\r\nb\r\n.\r\n" },
	{ "a\r.\r\n", "a\r.\r\n.\r\n" },
	/* clang-format on */
};

enum {
	CASES = sizeof(cases) / sizeof(cases[0])
};

START_TEST(content_is_stuffed_the_same_wherever_it_is_cut)
{
	struct span in = span_of(cases[_i].in);
	struct stuff stuff;
	struct buf out;
	size_t first, second;

	for (first = 0; first <= in.len; first++) {
		for (second = first; second <= in.len; second++) {
			buf_init(&out, OUT_MAX);
			stuff_begin(&stuff);
			stuff_add(&stuff, span_head(in, first), &out);
			stuff_add(&stuff,
			    span_head(span_skip(in, first), second - first),
			    &out);
			stuff_add(&stuff, span_skip(in, second), &out);
			stuff_end(&stuff, &out);
			ck_assert_str_eq(buf_text(&out), cases[_i].out);
			buf_clear(&out);
		}
	}
}
END_TEST

static bool
fill_all(struct body *body, struct buf *out)
{
	while (!body->ended)
		if (!body_fill(body, out))
			return false;
	return true;
}

START_TEST(content_of_two_pieces_is_one_content)
{
	struct span in = span_of(cases[_i].in);
	struct paper paper;
	struct body body;
	struct buf out;
	size_t cut;

	paper_open(&paper);
	for (cut = 0; cut <= in.len; cut++) {
		paper_write(&paper, in, cut);
		buf_init(&out, OUT_MAX);
		body_begin(&body, paper.spool, &paper.content, NULL);
		ck_assert(fill_all(&body, &out));
		ck_assert_str_eq(buf_text(&out), cases[_i].out);
		buf_clear(&out);
	}
	paper_close(&paper);
}
END_TEST

/* ---- over a socket ---- */

/* Lines of all lengths; with dots at the start of some, if asked. */
static void
make_content(struct buf *content, size_t size, bool dots, bool ended)
{
	size_t line = 0, i;

	while (content->len < size) {
		if (dots && line % 7 == 0)
			buf_add_byte(content, '.');
		for (i = 0; i < line % 200; i++)
			buf_add_byte(content, (char)('a' + (line + i) % 26));
		buf_add(content, SPAN("\r\n"));
		line++;
	}
	if (!ended)
		buf_add(content, SPAN("no end"));
}

static void
read_some(int fd, struct buf *wire)
{
	char *room;
	size_t size;
	ssize_t got;

	room = buf_room(wire, 64 << 10, &size);
	ck_assert_ptr_nonnull(room);
	got = recv(fd, room, size, MSG_DONTWAIT);
	if (got > 0)
		buf_grew(wire, (size_t)got);
}

/* Sends it all over a socket that is read slowly; the last verdict. */
static enum body_verdict
send_all(struct body *body, size_t budget, struct buf *wire, int *turns)
{
	enum body_verdict verdict;
	struct stream *stream;
	struct buf out;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     pair),
	    0);
	stream = stream_new(pair[0]);
	buf_init(&out, OUT_MAX);
	*turns = 0;
	do {
		verdict = body_send(body, stream, &out, budget);
		read_some(pair[1], wire);
		(*turns)++;
		ck_assert_int_lt(*turns, 100000);
	} while (verdict == BODY_MORE || verdict == BODY_WAITING);
	while (verdict == BODY_GONE_OUT &&
	    !span_ends(buf_span(wire), SPAN("\r\n.\r\n")))
		read_some(pair[1], wire);
	stream_free(stream);
	close(pair[1]);
	buf_clear(&out);
	return verdict;
}

static const struct {
	size_t size;
	bool dots, ended;
	size_t cut;
	bool by_file;
} sends[] = {
	/* clang-format off */
	{ 100,       false, true,  0,    false },
	{ 10 << 10,  false, true,  300,  false },
	{ 10 << 10,  true,  true,  300,  false },
	{ 63 << 10,  false, false, 300,  false },
	{ BIG,       false, true,  0,    true },
	{ BIG,       false, true,  1000, true },
	{ BIG,       false, false, 1000, true },
	{ BIG,       true,  true,  1000, false },
	/* clang-format on */
};

START_TEST(content_arrives_as_it_is_by_file_or_in_blocks)
{
	struct buf content, wire, want;
	struct stuff stuff;
	struct paper paper;
	struct body body;
	int turns;

	buf_init(&content, OUT_MAX);
	buf_init(&wire, OUT_MAX);
	buf_init(&want, OUT_MAX);
	make_content(&content, sends[_i].size, sends[_i].dots, sends[_i].ended);
	stuff_begin(&stuff);
	stuff_add(&stuff, buf_span(&content), &want);
	stuff_end(&stuff, &want);
	paper_open(&paper);
	paper_write(&paper, buf_span(&content), sends[_i].cut);
	body_begin(&body, paper.spool, &paper.content, NULL);
	ck_assert_int_eq(body.by_file, sends[_i].by_file);
	ck_assert_int_eq(send_all(&body, BUDGET, &wire, &turns), BODY_GONE_OUT);
	ck_assert(span_equal(buf_span(&wire), buf_span(&want)));
	ck_assert_uint_eq(body.moved, want.len);
	paper_close(&paper);
	buf_clear(&content);
	buf_clear(&wire);
	buf_clear(&want);
}
END_TEST

START_TEST(one_turn_sends_about_its_budget)
{
	struct buf content, wire;
	struct paper paper;
	struct body body;
	int turns;

	buf_init(&content, OUT_MAX);
	buf_init(&wire, OUT_MAX);
	make_content(&content, BIG, _i == 1, true);
	paper_open(&paper);
	paper_write(&paper, buf_span(&content), 0);
	body_begin(&body, paper.spool, &paper.content, NULL);
	ck_assert_int_eq(send_all(&body, 32 << 10, &wire, &turns),
	    BODY_GONE_OUT);
	ck_assert_int_ge(turns, (BIG / (32 << 10)) / 4);
	paper_close(&paper);
	buf_clear(&content);
	buf_clear(&wire);
}
END_TEST

static const struct {
	size_t size;
	bool dots;
} short_files[] = {
	{ 10 << 10, false },
	{ 10 << 10, true },
	{ BIG, false },
	{ BIG, true },
};

START_TEST(content_that_ends_early_is_never_ended_with_a_dot)
{
	struct buf content, wire;
	enum body_verdict verdict;
	struct paper paper;
	struct body body;
	int turns;

	buf_init(&content, OUT_MAX);
	buf_init(&wire, OUT_MAX);
	make_content(&content, short_files[_i].size, short_files[_i].dots,
	    true);
	paper_open(&paper);
	paper_write(&paper, buf_span(&content), 0);
	ck_assert_int_eq(ftruncate(paper.fds[0], (off_t)content.len / 2), 0);
	body_begin(&body, paper.spool, &paper.content, NULL);
	verdict = send_all(&body, BUDGET, &wire, &turns);
	ck_assert_int_eq(verdict, BODY_UNREADABLE);
	ck_assert(!body.ended);
	paper_close(&paper);
	buf_clear(&content);
	buf_clear(&wire);
}
END_TEST

static Suite *
body_suite(void)
{
	Suite *suite = suite_create("body");
	TCase *tcase = tcase_create("body");

	tcase_add_loop_test(tcase,
	    content_is_stuffed_the_same_wherever_it_is_cut, 0, CASES);
	tcase_add_loop_test(tcase, content_of_two_pieces_is_one_content, 0,
	    CASES);
	tcase_add_loop_test(tcase,
	    content_arrives_as_it_is_by_file_or_in_blocks, 0,
	    sizeof(sends) / sizeof(sends[0]));
	tcase_add_loop_test(tcase, one_turn_sends_about_its_budget, 0, 2);
	tcase_add_loop_test(tcase,
	    content_that_ends_early_is_never_ended_with_a_dot, 0,
	    sizeof(short_files) / sizeof(short_files[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(body_suite)
