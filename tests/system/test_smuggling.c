/*
 * test_smuggling - no end of data but CRLF.CRLF, seen from the receiving end:
 * for every form that was ever used to smuggle a second message, exactly one
 * arrives, and its line ends are CRLF alone.
 */
#include <stdio.h>

#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

/* SPAN() for initialisers. */
#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define HEAD "Subject: harmless\r\n\r\nbody"
#define FORGED                               \
	"MAIL FROM:<forged@campus.test>\r\n" \
	"RCPT TO:<victim@lab.test>\r\n"      \
	"DATA\r\n"                           \
	"Subject: forged\r\n\r\nforged text\r\n"

/*
 * What stands between the body and the smuggled commands, and what the next
 * hop must be given in its place (unstuffed).
 */
static const struct row {
	struct span end;
	struct span arrives;
} rows[] = {
	/* clang-format off */
	{ BYTES("\n.\n"),            BYTES("\r\n.\r\n") },
	{ BYTES("\n.\r\n"),          BYTES("\r\n.\r\n") },
	{ BYTES("\r\n.\n"),          BYTES("\r\n\r\n") },
	{ BYTES("\r.\r"),            BYTES("\r\n.\r\n") },
	{ BYTES("\r\n.\r"),          BYTES("\r\n\r\n") },
	{ BYTES("\r.\r\n"),          BYTES("\r\n.\r\n") },
	{ BYTES("\r.\n"),            BYTES("\r\n.\r\n") },
	{ BYTES("\n.\r"),            BYTES("\r\n.\r\n") },
	{ BYTES("\r\n\0.\r\n"),      BYTES("\r\n\0.\r\n") },
	{ BYTES("\r\n.\0\r\n"),      BYTES("\r\n\0\r\n") },
	{ BYTES("\n\0.\r\n"),        BYTES("\r\n\0.\r\n") },
	{ BYTES("\r\r\n.\r\r\n"),    BYTES("\r\n\r\n\r\n\r\n") },
	{ BYTES("\r\n.\r\r\n"),      BYTES("\r\n\r\n\r\n") },
	{ BYTES("\n\n.\n\n"),        BYTES("\r\n\r\n.\r\n\r\n") },
	{ BYTES("\r\n..\r\n"),       BYTES("\r\n.\r\n") },
	{ BYTES("\r\n. \r\n"),       BYTES("\r\n \r\n") },
	{ BYTES("\r\n.\t\r\n"),      BYTES("\r\n\t\r\n") },
	{ BYTES("\r\n \r\n.\n"),     BYTES("\r\n \r\n\r\n") },
	{ BYTES("\x0b.\x0b"),        BYTES("\x0b.\x0b") },
	{ BYTES("\xc2\x85.\xc2\x85"), BYTES("\xc2\x85.\xc2\x85") },
	/* clang-format on */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

static struct span
argument_address(const struct buf *argument)
{
	return hop_address(buf_span(argument));
}

/* HEAD, the false end, forged commands as body, and the true end. */
static void
make_wire(struct span end, struct buf *wire)
{
	buf_init(wire, 4096);
	buf_add(wire, SPAN(HEAD));
	buf_add(wire, end);
	buf_add(wire, SPAN(FORGED));
	buf_add(wire, SPAN(".\r\n"));
}

static void
expect_content(struct span arrives, struct buf *content)
{
	buf_init(content, 4096);
	buf_add(content, SPAN(HEAD));
	buf_add(content, arrives);
	buf_add(content, SPAN(FORGED));
}

/* One session; step bytes a write, so that no form is seen only whole. */
static void
send_wire(struct scene *scene, struct span wire, size_t step)
{
	struct talk talk;

	ck_assert(talk_open(&talk, NULL, daemon_port(scene->daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO smuggler.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<a@campus.test>"), 250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<b@campus.test>"), 250);
	ck_assert_int_eq(talk_say(&talk, "DATA"), 354);
	for (; wire.len > 0; wire = span_skip(wire, step))
		ck_assert(talk_send(&talk, span_head(wire, step)));
	ck_assert_int_eq(talk_reply(&talk), 250);
	/* Exactly one reply: the next one answers this. */
	ck_assert_int_eq(talk_say(&talk, "VRFY end"), 252);
	ck_assert_int_eq(talk_say(&talk, "QUIT"), 221);
	talk_close(&talk);
}

static bool
only_crlf(struct span bytes)
{
	size_t i;

	for (i = 0; i < bytes.len; i++) {
		if (bytes.data[i] == '\n' &&
		    (i == 0 || bytes.data[i - 1] != '\r'))
			return false;
		if (bytes.data[i] == '\r' &&
		    (i + 1 == bytes.len || bytes.data[i + 1] != '\n'))
			return false;
	}
	return true;
}

static void
assert_arrival(struct scene *scene, size_t n, size_t row)
{
	const struct hop_mail *mail = hop_mail(scene->campus, n);
	struct buf content;

	ck_assert(only_crlf(buf_span(&mail->wire)));
	expect_content(rows[row].arrives, &content);
	ck_assert_msg(span_ends(buf_span(&mail->content), buf_span(&content)),
	    "row %zu arrived as %.*s", row, SPAN_ARG(buf_span(&mail->content)));
	ck_assert(
	    span_equal(argument_address(&mail->mail), SPAN("a@campus.test")));
	ck_assert_uint_eq(mail->rcpt_count, 1);
	buf_clear(&content);
}

static void
try_every_row(size_t step)
{
	struct scene scene;
	struct buf wire;
	size_t row;

	scene_open(&scene, NULL);
	for (row = 0; row < ROWS; row++) {
		make_wire(rows[row].end, &wire);
		send_wire(&scene, buf_span(&wire), step);
		buf_clear(&wire);
		ck_assert_msg(hop_wait(scene.campus, row + 1, SCENE_WAIT_MS),
		    "row %zu did not arrive", row);
		assert_arrival(&scene, row, row);
	}
	scene_settle(&scene);
	ck_assert_uint_eq(hop_count(scene.campus), ROWS + 1);
	ck_assert_uint_eq(hop_count(scene.lab), 0);
	ck_assert_uint_eq(hop_count(scene.outside), 0);
	scene_close(&scene);
}

START_TEST(no_false_end_of_data_smuggles_a_second_message)
{
	try_every_row(SIZE_MAX);
}
END_TEST

START_TEST(no_false_end_of_data_smuggles_when_sent_byte_by_byte)
{
	try_every_row(1);
}
END_TEST

/* What is pipelined behind the true end is a command, and answered as one. */
START_TEST(what_follows_the_true_end_is_a_transaction_of_its_own)
{
	struct scene scene;
	struct talk talk;

	scene_open(&scene, NULL);
	ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO client.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<a@campus.test>"), 250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<b@campus.test>"), 250);
	ck_assert_int_eq(talk_say(&talk, "DATA"), 354);
	ck_assert(talk_send(&talk,
	    SPAN("Subject: 1\r\n\r\none\r\n.\r\n" FORGED ".\r\nQUIT\r\n")));
	ck_assert_int_eq(talk_reply(&talk), 250); /* the first message */
	ck_assert_int_eq(talk_reply(&talk), 250); /* MAIL */
	ck_assert_int_eq(talk_reply(&talk), 250); /* RCPT */
	ck_assert_int_eq(talk_reply(&talk), 354);
	ck_assert_int_eq(talk_reply(&talk), 250); /* the second */
	ck_assert_int_eq(talk_reply(&talk), 221);
	talk_close(&talk);
	ck_assert(hop_wait(scene.campus, 1, SCENE_WAIT_MS));
	ck_assert(hop_wait(scene.lab, 1, SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

static Suite *
smuggling_suite(void)
{
	Suite *suite = suite_create("smuggling");
	TCase *tcase = tcase_create("smuggling");

	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, no_false_end_of_data_smuggles_a_second_message);
	tcase_add_test(tcase,
	    no_false_end_of_data_smuggles_when_sent_byte_by_byte);
	tcase_add_test(tcase,
	    what_follows_the_true_end_is_a_transaction_of_its_own);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(smuggling_suite)
