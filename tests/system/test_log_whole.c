/*
 * test_log_whole - the log of a running relayd: no peer can forge a line or a
 * key, and no target, however stuck or full, holds up mail.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/asked.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define SENDER "printer@campus.test"

enum {
	KEYS_MAX = 40,
	REFUSALS = 5000, /* more than fits the pipe and what is kept */
	NAME_BYTES = 200,
};

static struct scene scene;
static struct buf out;

/* ---- forging ---- */

static const char *const hostile[] = {
	"EHLO x\" event=delivered to=\"victim@campus.test",
	"EHLO a=b c=d",
	"EHLO \\",
	"EHLO \\\" x=\"",
	"HELO \x1b[31mred\x1b[0m",
	"HELO caf\xc3\xa9 \xc2\x85 \xe2\x80\xa8 event=accepted",
	"HELO \xff\xfe\x80",
	"MAIL FROM:<\"a\\\" rcpts=9 \\\"b\"@campus.test>",
	"RCPT TO:<\"x y=z\"@outside.example>",
	"RCPT TO:<\"\\\\\"@outside.example>",
	"RCPT TO:<a@outside.example> event=accepted",
	"RSET",
	"MAIL FROM:<a@b> BODY=\"8BITMIME\" x=y",
	"MAIL FROM:<event=accepted id=1@campus.test>",
	"event=accepted id=001k0z9ty9x5g",
	"VRFY event=accepted\" x=\"",
	"NOOP \x7f\x01",
};

/* key=value, key="value": the length of the first one, or 0. */
static size_t
pair_len(struct span line, struct span *key)
{
	size_t at = span_find(line, '='), i;

	*key = span_head(line, at);
	if (at == 0 || at == line.len)
		return 0;
	for (i = 0; i < at; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz_", line.data[i]) == NULL)
			return 0;
	if (++at == line.len || line.data[at] != '"')
		return at + span_find(span_skip(line, at), ' ');
	for (at++; at < line.len && line.data[at] != '"'; at++)
		if (line.data[at] == '\\')
			at++;
	return at < line.len ? at + 1 : 0;
}

static void
assert_logfmt(struct span line)
{
	struct span keys[KEYS_MAX], rest = line;
	size_t count = 0, len, i;

	while (rest.len > 0) {
		ck_assert_uint_lt(count, KEYS_MAX);
		len = pair_len(rest, &keys[count]);
		ck_assert_msg(len > 0, "no logfmt: %.*s", SPAN_ARG(line));
		for (i = 0; i < count; i++)
			ck_assert_msg(!span_equal(keys[i], keys[count]),
			    "%.*s stands twice: %.*s", SPAN_ARG(keys[i]),
			    SPAN_ARG(line));
		count++;
		rest = span_skip(rest, len);
		ck_assert(rest.len == 0 || rest.data[0] == ' ');
		if (rest.len > 0)
			rest = span_skip(rest, 1);
	}
	ck_assert(span_equal(keys[0], SPAN("time")));
	ck_assert(span_equal(keys[1], SPAN("level")));
	ck_assert(span_equal(keys[2], SPAN("event")));
}

START_TEST(nobody_can_forge_a_line_or_a_key)
{
	struct span rest, line;
	struct talk talk;
	size_t i;

	scene_open(&scene, NULL);
	ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		ck_assert_int_ne(talk_say(&talk, "%s", hostile[i]), 0);
	talk_close(&talk);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@campus.test"), 250);
	daemon_wait_log(scene.daemon, "event=delivered", NULL);
	rest = span_of(daemon_log(scene.daemon));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		ck_assert(span_printable(line));
		assert_logfmt(line);
	}
	ck_assert_int_eq(daemon_logged(scene.daemon, " event=accepted ", NULL),
	    1);
	ck_assert_int_eq(daemon_logged(scene.daemon, " event=delivered ", NULL),
	    1);
	scene_close(&scene);
}
END_TEST

/* ---- what only looks ---- */

START_TEST(who_only_quits_is_counted_and_not_logged)
{
	struct talk talk;
	int i;

	buf_init(&out, 1 << 20);
	scene_open(&scene,
	    &(struct scene_setup){ .more = "control = \"control\";" });
	daemon_log_forget(scene.daemon);
	for (i = 0; i < 3; i++) {
		ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
		ck_assert_int_eq(talk_reply(&talk), 220);
		ck_assert_int_eq(talk_say(&talk, "QUIT"), 221);
		talk_close(&talk);
	}
	ASKED(0, scene.daemon, &out, "status", "--json");
	ck_assert_ptr_null(strstr(daemon_log(scene.daemon), "session="));
	/* One more greeted the test when the daemon had started. */
	HEARD(&out, "\"connections\":{\"total\":4,");
	scene_close(&scene);
	buf_clear(&out);
}
END_TEST

/* ---- targets ---- */

static char folder[64], fifo[96];
static int reader;

static void
make_fifo(void)
{
	strcpy(folder, "/tmp/relayd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ne(reader, -1);
	buf_init(&out, 16 << 20);
}

static void
remove_fifo(void)
{
	close(reader);
	unlink(fifo);
	rmdir(folder);
	buf_clear(&out);
}

static void
serve_with_log(const char *target)
{
	char more[256];

	snprintf(more, sizeof(more), "log = { target = \"%s\"; };", target);
	scene_open(&scene,
	    &(struct scene_setup){ .more = more,
		.limits = "errors_per_session = 100000;" });
}

/* A line of some 500 bytes for each. */
static void
fill_log(void)
{
	char name[NAME_BYTES + 1];
	struct talk talk;
	int i;

	memset(name, 'x', NAME_BYTES);
	name[NAME_BYTES] = '\0';
	ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "HELO %s", name), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<%s>", SENDER), 250);
	for (i = 0; i < REFUSALS; i++)
		ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@%d.example>", i),
		    550);
	talk_close(&talk);
}

/* Reads until the text comes; every wait is bounded. */
static void
drain_until(const char *text)
{
	struct pollfd waits = { .fd = reader, .events = POLLIN };
	size_t room;
	ssize_t got;
	char *to;

	while (strstr(buf_text(&out), text) == NULL) {
		ck_assert_msg(poll(&waits, 1, SCENE_WAIT_MS) == 1, "no %s",
		    text);
		to = buf_room(&out, 65536, &room);
		ck_assert_ptr_nonnull(to);
		got = read(reader, to, room);
		if (got > 0)
			buf_grew(&out, (size_t)got);
	}
}

START_TEST(a_reader_that_sleeps_holds_up_no_mail_and_hears_what_was_dropped)
{
	serve_with_log(fifo);
	fill_log();
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@campus.test"), 250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.campus, "a@campus.test", SCENE_WAIT_MS));
	drain_until("event=log-dropped count=");
	scene_close(&scene);
}
END_TEST

START_TEST(a_disk_that_is_full_for_the_log_holds_up_no_mail)
{
	serve_with_log("/dev/full");
	fill_log();
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@campus.test"), 250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.campus, "a@campus.test", SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

static Suite *
log_whole_suite(void)
{
	Suite *suite = suite_create("log_whole");
	TCase *tcase = tcase_create("lines");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, nobody_can_forge_a_line_or_a_key);
	tcase_add_test(tcase, who_only_quits_is_counted_and_not_logged);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("targets");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make_fifo, remove_fifo);
	tcase_add_test(tcase,
	    a_reader_that_sleeps_holds_up_no_mail_and_hears_what_was_dropped);
	tcase_add_test(tcase, a_disk_that_is_full_for_the_log_holds_up_no_mail);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(log_whole_suite)
