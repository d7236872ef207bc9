/*
 * test_client - odd replies, slow next hops, and content on its way; each
 * misdeed at each stage is in test_misdeeds.c.
 */
#include <string.h>
#include <unistd.h>

/* The real one, not the double of tests/support/far_side.c. */
#include "relayd/delivery/client.c"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

#define LOST     ALL("L0/4.4.2") "closed L0/4.4.2"
#define NONSENSE ALL("L0/4.5.0") "closed L0/4.5.0"
#define LEFT     ALL("L421/4.3.2") "closed L421/4.3.2"

static const char *const manners[] = { "SIZE 1000000,8BITMIME",
	"PIPELINING,SIZE 1000000,8BITMIME" };

START_TEST(control_bytes_of_a_reply_are_escaped_in_outcome_and_reason)
{
	struct script_rule rules[] = {
		{ .on = "RCPT", .reply = "550 a\0b\033[m\r\n", .len = 13 },
		{ .on = NULL }
	};

	scene.hop->rules = rules;
	client_scene_run(&scene);
	ck_assert_str_eq(scene.outcomes[0][0].text, "550 a\\x00b\\x1b[m");
	ck_assert_ptr_nonnull(
	    strstr(scene.outcomes[0][0].remote, "hop.test [127.0.0.1]:"));
}
END_TEST

/* ---- odd replies ---- */

static const struct {
	struct script_rule rules[4];
	const char *story;
} odd[] = {
	/* clang-format off */
	/* greetings: who takes no mail at all (RFC 7504, RFC 5321 3.1) */
	{ { SAY("", "521 no mail here\r\n") }, "closed F521/5.0.0" },
	{ { SAY("", "554 5.3.2 no mail here\r\n") }, "closed F554/5.3.2" },
	{ { SAY("", "556 no\r\n") }, "closed F556/5.0.0" },
	{ { SAY("", "354 what\r\n") }, "closed L0/4.5.0" },
	{ { SAY("", "220-a\r\n220 b\r\n") }, FINE },
	{ { SAY("EHLO", "521 no mail here\r\n") }, "closed F521/5.0.0" },
	{ { SAY("EHLO", "502 5.5.1 what?\r\n"), SAY("HELO", "550 no\r\n") }, "closed L550/4.0.0" },
	{ { SAY("EHLO", "250-x\r\n250 y\r\n250 z\r\n") }, "closed L0/4.4.2" },
	/* bare codes count */
	{ { SAY("MAIL", "250\r\n"), SAY("RCPT", "250\r\n"), SAY(".", "250\r\n") }, FINE },
	/* 251 and other 2yz are a yes */
	{ { SAY("RCPT", "251 will forward\r\n") }, FINE },
	/* no reply but one well-formed 2xx is a yes to the dot */
	{ { SAY(".", "221 2.0.0 bye\r\n") }, NONSENSE },
	{ { SAY(".", "220 hello\r\n") }, NONSENSE },
	{ { SAY(".", "354 go on\r\n") }, NONSENSE },
	{ { ACT(".", "250-kept\r\n", SCRIPT_CLOSE) }, LOST },
	{ { ACT(".", "25", SCRIPT_CLOSE) }, LOST },
	{ { ACT(".", "250 kept\r\n", SCRIPT_CLOSE) }, ALL("D250/2.0.0") "usable" },
	{ { SAY(".", "250 kept\r\n421 4.3.2 bye\r\n") }, ALL("D250/2.0.0") "closed N0/" },
	/* nor one of two that say yes and no */
	{ { SAY(".", "250 kept\r\n451 4.3.0 disk\r\n") }, NONSENSE },
	{ { SAY(".", "250 kept\r\n550 no\r\n") }, NONSENSE },
	{ { SAY(".", "550 no\r\n250 kept\r\n") }, NONSENSE },
	{ { SAY(".", "550 5.7.1 no\r\n421 4.3.2 bye\r\n") }, ALL("F550/5.7.1") "closed N0/" },
	/* a spare reply is nobody's yes */
	{ { SAY("RCPT TO:<b", "250 ok\r\n250 ok\r\n") }, NONSENSE },
	{ { SAY("RCPT TO:<b", "250 ok\r\n550 no\r\n") }, NONSENSE },
	{ { SAY("MAIL", "250 ok\r\n550 no\r\n") }, NONSENSE },
	{ { SAY("MAIL", "250 ok\r\n250 ok\r\n"), SAY("RCPT TO:<b", "550 5.1.1 who?\r\n") }, NONSENSE },
	{ { SAY("MAIL", "250 ok\r\n250 ok\r\n"), SAY("RCPT TO:<c", "550 5.1.1 who?\r\n") }, NONSENSE },
	{ { SAY("RCPT TO:<a", "550 5.1.1 who?\r\n250 ok\r\n") }, NONSENSE },
	{ { SAY("RCPT TO:<b", "550 5.1.1 who?\r\n250 ok\r\n") }, NONSENSE },
	{ { SAY("DATA", "554 no\r\n354 go on\r\n") }, NONSENSE },
	{ { SAY("DATA", "554 5.7.1 no\r\n421 4.3.2 bye\r\n") }, ALL("F554/5.7.1") "closed N0/" },
	{ { SAY("", "220 hello\r\n550 no\r\n") }, "closed L0/4.5.0" },
	/* but 421 is told whenever it is so */
	{ { SAY("RCPT TO:<b", "250 ok\r\n421 4.3.2 going\r\n") }, LEFT },
	{ { SAY("DATA", "354 go on\r\n250 kept\r\n") }, NONSENSE },
	{ { SAY("DATA", "250 ok\r\n") }, NONSENSE },
	{ { SAY("MAIL", "354 go on\r\n") }, NONSENSE },
	{ { SAY("RCPT", "354 go on\r\n") }, NONSENSE },
	/* too many recipients: 552 is 452, but not for the first, nor with another reason */
	{ { SAY("RCPT TO:<a", "250 ok\r\n"), SAY("RCPT", "552 too many recipients\r\n") }, "D250/2.0.0 L452/4.5.3 L452/4.5.3 usable" },
	{ { SAY("RCPT TO:<c", "552 5.5.3 too many recipients\r\n") }, "D250/2.0.0 D250/2.0.0 L452/4.5.3 usable" },
	{ { SAY("RCPT TO:<c", "552 5.2.2 mailbox full\r\n") }, "D250/2.0.0 D250/2.0.0 F552/5.2.2 usable" },
	{ { SAY("RCPT TO:<a", "552 no\r\n") }, "F552/5.0.0 D250/2.0.0 D250/2.0.0 usable" },
	{ { SAY("RCPT TO:<c", "452 4.5.3 too many\r\n") }, "D250/2.0.0 D250/2.0.0 L452/4.5.3 usable" },
	/* all refused: whatever DATA says, and whatever the lone dot */
	{ { SAY("RCPT", "550 5.1.1 who?\r\n"), SAY("DATA", "554 no valid recipients\r\n") }, ALL("F550/5.1.1") "usable" },
	{ { SAY("RCPT", "550 5.1.1 who?\r\n") }, ALL("F550/5.1.1") "usable" },
	{ { SAY("RCPT", "450 4.1.1 who?\r\n"), SAY(".", "250 what?\r\n") }, ALL("L450/4.1.1") "usable" },
	{ { SAY("MAIL", "550 5.7.1 no\r\n"), SAY("RCPT", "503 mail?\r\n"), SAY("DATA", "503 mail?\r\n") }, ALL("F550/5.7.1") "usable" },
	{ { SAY("MAIL", "550 5.7.1 no\r\n") }, ALL("F550/5.7.1") "usable" },
	/* a part of them refused for good, then the message for now */
	{ { SAY("RCPT TO:<b", "550 5.1.1 who?\r\n"), SAY(".", "451 4.3.0 disk\r\n") }, "L451/4.3.0 F550/5.1.1 L451/4.3.0 usable" },
	{ { SAY("RCPT TO:<b", "550 5.1.1 who?\r\n"), ACT(".", NULL, SCRIPT_CLOSE) }, "L0/4.4.2 F550/5.1.1 L0/4.4.2 closed L0/4.4.2" },
	{ { SAY("RCPT TO:<b", "550 5.1.1 who?\r\n"), SAY("DATA", "421 4.3.2 going\r\n") }, "L421/4.3.2 F550/5.1.1 L421/4.3.2 closed L421/4.3.2" },
	/* clang-format on */
};

/* A reply is missing: those behind it are about other recipients. */
static const struct {
	struct script_rule rules[4];
	const char *story;
} missing[] = {
	{ { SAY("RCPT TO:<a", NULL), SAY("RCPT TO:<b", "550 5.1.1 who?\r\n") },
	    NONSENSE },
	{ { SAY("MAIL", NULL), SAY("RCPT TO:<b", "550 5.1.1 who?\r\n") },
	    NONSENSE },
	{ { SAY("RCPT TO:<b", NULL), SAY("RCPT TO:<a", "550 5.1.1 who?\r\n") },
	    NONSENSE },
};

START_TEST(no_refusal_is_believed_where_a_reply_is_missing)
{
	scene.hop->rules = missing[_i].rules;
	scene.hop->offers = manners[1];
	ck_assert_str_eq(client_scene_run(&scene), missing[_i].story);
}
END_TEST

START_TEST(odd_replies_have_their_outcome)
{
	int manner;
	const char *story;

	for (manner = 0; manner < 2; manner++) {
		if (manner > 0) {
			client_scene_close(&scene);
			client_scene_open(&scene);
		}
		scene.hop->rules = odd[_i].rules;
		scene.hop->offers = manners[manner];
		story = client_scene_run(&scene);
		ck_assert_str_eq(story, odd[_i].story);
		/* Whatever else: nothing that the hop did not take is done. */
		if (strstr(story, "D250") != NULL)
			ck_assert_uint_eq(scene.hop->message_count, 1);
	}
}
END_TEST

/*
 * The half of a spare reply, said while nothing was asked: its end must not
 * answer MAIL, or the refusal of a would be heard as that of b.
 */
START_TEST(half_a_reply_that_was_there_before_its_command_decides_nothing)
{
	struct script_rule rules[] = {
		{ .on = ".", .reply = "250 kept\r\n250 spare", .times = 1 },
		{ .on = "MAIL", .reply = "\r\n250 ok\r\n", .after = 1 },
		{ .on = "RCPT TO:<a", .reply = "550 no\r\n", .after = 1 },
		{ .on = "RCPT TO:<c", .reply = "550 no\r\n", .after = 1 },
		{ .on = NULL }
	};

	rules[0].pace = 1; /* the connection rests when the half comes */
	scene.hop->rules = rules;
	scene.hop->offers = manners[_i];
	scene.pause = 1000;
	scene.jobs = 2;
	ck_assert_str_eq(client_scene_run(&scene), NONSENSE);
	ck_assert_int_eq(scene.outcomes[0][0].kind, OUTCOME_DELIVERED);
	ck_assert(scene.job[1].stale);
	ck_assert_uint_eq(scene.hop->message_count, 1);
}
END_TEST

/* ---- time ---- */

START_TEST(tests_and_operators_may_shorten_the_time_outs)
{
	struct script_rule rules[] = { ACT("MAIL", NULL, SCRIPT_DEAF),
		{ .on = NULL } };

	scene.hop->rules = rules;
	scene.needs.timeout_percent = 1;
	client_scene_run(&scene);
	ck_assert_uint_eq(scene.took, 3000);
}
END_TEST

START_TEST(slow_replies_are_heard_but_not_for_ever)
{
	scene.hop->dribble = 1001; /* a byte a second */
	scene.hop->offers = manners[_i];
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	client_scene_close(&scene);
	client_scene_open(&scene);
	scene.hop->dribble = 20001; /* three bytes a minute */
	ck_assert_str_eq(client_scene_run(&scene), "closed L0/4.4.2");
	ck_assert_uint_eq(scene.took, 300000);
}
END_TEST

/* So many wait already for what a next hop says to QUIT. */
START_TEST(few_wait_for_the_reply_to_quit)
{
	struct script_rule rules[] = { ACT("QUIT", NULL, SCRIPT_DEAF),
		{ .on = NULL } };
	uint64_t start = loop_now(scene.loop);

	scene.hop->rules = rules;
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_ge(loop_now(scene.loop) - start, 20000);
	ck_assert_uint_eq(quitting, 0);
	client_scene_close(&scene);
	client_scene_open(&scene);
	scene.hop->rules = rules;
	start = loop_now(scene.loop);
	quitting = QUITTING_MAX;
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_lt(loop_now(scene.loop) - start, 1000);
	ck_assert_uint_eq(quitting, QUITTING_MAX);
	ck_assert_ptr_nonnull(strstr(buf_text(&scene.hop->heard), "QUIT"));
	quitting = 0;
}
END_TEST

static void
write_big(size_t size, bool dots)
{
	struct buf content;

	scene.hop->offers = "PIPELINING";
	buf_init(&content, 64 << 20);
	buf_add(&content, SPAN("Subject: big\r\n\r\n"));
	while (content.len < size)
		buf_add(&content,
		    dots ?
			SPAN(".all work and no play makes a dull relay\r\n") :
			SPAN("all work and no play makes a dull relay\r\n"));
	paper_write(&scene.paper, buf_span(&content), 100);
	buf_clear(&content);
}

/* A stop, or a retry that somebody asks for, comes at any moment. */
START_TEST(client_may_be_dropped_after_any_turn)
{
	bool before_the_end = true;
	size_t turns;

	for (turns = 1; before_the_end; turns += 1 + turns / 16) {
		client_scene_close(&scene);
		client_scene_open(&scene);
		scene.hop->dribble = _i % 4 < 2 ? 0 : 1;
		scene.hop->lmtp = scene.host.lmtp = _i / 4 == 1;
		scene.envelope.body = BODY_8BIT; /* surveyed, converted */
		write_big(40 << 10, true);
		scene.hop->offers = _i % 2 == 0 ? "PIPELINING" : "HELP";
		scene.jobs = 2;
		scene.drop_after = turns;
		client_scene_run(&scene);
		before_the_end = scene.dropped;
		if (before_the_end)
			ck_assert_uint_eq(scene.closed, 0);
	}
	ck_assert_uint_eq(scene.done, 2);
	ck_assert_uint_gt(turns, 10);
}
END_TEST

START_TEST(next_hop_that_stops_reading_is_left_after_three_minutes)
{
	struct script_rule rules[] = { ACT("DATA", "354 go\r\n", SCRIPT_DEAF),
		{ .on = NULL } };

	scene.hop->rules = rules;
	write_big(16 << 20, _i == 1);
	ck_assert_str_eq(client_scene_run(&scene), LOST);
	ck_assert_uint_ge(scene.took, 180000);
	ck_assert_uint_le(scene.took, 181000);
	ck_assert(!scene.job[0].sent_dot);
}
END_TEST

START_TEST(slow_but_steady_next_hop_gets_all_of_it)
{
	scene.hop->sip = 256 << 10;
	scene.hop->sip_ms = 30000;
	write_big(16 << 20, _i == 1);
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_ge(scene.took, 600000);
}
END_TEST

START_TEST(content_that_cannot_be_read_is_no_fault_of_the_next_hop)
{
	write_big(_i == 2 ? 10 << 10 : 1 << 20, _i == 1);
	ck_assert_int_eq(ftruncate(scene.paper.fds[1], 500), 0);
	ck_assert_str_eq(client_scene_run(&scene),
	    ALL("L0/4.3.0") "closed N0/");
	ck_assert_ptr_null(scene.outcomes[0][0].remote);
	ck_assert(scene.job[0].unread);
	ck_assert_uint_eq(scene.hop->message_count, 0);
	ck_assert(!scene.job[0].sent_dot);
}
END_TEST

static const struct {
	const char *reply;
	enum script_act act;
	const char *story;
} early[] = {
	/* clang-format off */
	{ "552 5.3.4 too big\r\n", SCRIPT_DEAF,  ALL("F552/5.3.4") "closed N0/" },
	{ "552 5.3.4 too big\r\n", SCRIPT_GO_ON, ALL("F552/5.3.4") "closed N0/" },
	{ "552 5.3.4 too big\r\n", SCRIPT_CLOSE, ALL("F552/5.3.4") "closed N0/" },
	{ "421 4.3.2 going\r\n",   SCRIPT_CLOSE, LEFT },
	{ "250 thanks\r\n",        SCRIPT_DEAF,  NONSENSE },
	{ "hello\r\n",             SCRIPT_GO_ON, NONSENSE },
	{ "250-half\r\n",          SCRIPT_CLOSE, LOST },
	{ NULL,                    SCRIPT_CLOSE, LOST },
	{ NULL,                    SCRIPT_RESET, LOST },
	/* clang-format on */
};

START_TEST(reply_before_the_final_dot_is_heard)
{
	struct script_rule rules[] = {
		ACT("body", early[_i].reply, early[_i].act), { .on = NULL }
	};

	scene.hop->rules = rules;
	write_big(16 << 20, false);
	ck_assert_str_eq(client_scene_run(&scene), early[_i].story);
	ck_assert(!scene.job[0].sent_dot);
	ck_assert_uint_eq(scene.hop->message_count, 0);
}
END_TEST

/* Said while the last of the content goes out, it is heard before the dot. */
START_TEST(yes_that_came_before_the_final_dot_is_none)
{
	struct script_rule rules[] = { SAY("body", "250 thanks\r\n"),
		SAY(".", "451 4.3.0 disk\r\n"), { .on = NULL } };

	scene.hop->rules = rules;
	write_big((size_t)(_i / 2 + 1) * (100 << 10), _i % 2 == 1);
	ck_assert_str_eq(client_scene_run(&scene), NONSENSE);
}
END_TEST

/* Nor is one that began before it and ended behind it. */
START_TEST(yes_that_began_before_the_final_dot_is_none)
{
	struct script_rule rules[] = { SAY("body", "250 thanks\r\n"),
		{ .on = NULL } };

	rules[0].pace = 1; /* a byte a turn */
	scene.hop->rules = rules;
	write_big(600 << 10, _i == 1);
	ck_assert_str_eq(client_scene_run(&scene), NONSENSE);
	ck_assert_uint_eq(scene.hop->message_count, 0);
}
END_TEST

static Suite *
client_suite(void)
{
	Suite *suite = suite_create("client");
	TCase *tcase = tcase_create("replies");

	tcase_add_checked_fixture(tcase, client_fixture_set_up,
	    client_fixture_tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase,
	    control_bytes_of_a_reply_are_escaped_in_outcome_and_reason);
	tcase_add_loop_test(tcase, odd_replies_have_their_outcome, 0,
	    sizeof(odd) / sizeof(odd[0]));
	tcase_add_loop_test(tcase,
	    no_refusal_is_believed_where_a_reply_is_missing, 0,
	    sizeof(missing) / sizeof(missing[0]));
	tcase_add_loop_test(tcase,
	    half_a_reply_that_was_there_before_its_command_decides_nothing, 0,
	    2);
	suite_add_tcase(suite, tcase);

	tcase = tcase_create("time");
	tcase_add_checked_fixture(tcase, client_fixture_set_up,
	    client_fixture_tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_loop_test(tcase, client_may_be_dropped_after_any_turn, 0, 8);
	tcase_add_test(tcase, few_wait_for_the_reply_to_quit);
	tcase_add_test(tcase, tests_and_operators_may_shorten_the_time_outs);
	tcase_add_loop_test(tcase, slow_replies_are_heard_but_not_for_ever, 0,
	    2);
	tcase_add_loop_test(tcase,
	    next_hop_that_stops_reading_is_left_after_three_minutes, 0, 2);
	tcase_add_loop_test(tcase, slow_but_steady_next_hop_gets_all_of_it, 0,
	    2);
	tcase_add_loop_test(tcase,
	    content_that_cannot_be_read_is_no_fault_of_the_next_hop, 0, 3);
	tcase_add_loop_test(tcase, reply_before_the_final_dot_is_heard, 0,
	    sizeof(early) / sizeof(early[0]));
	tcase_add_loop_test(tcase, yes_that_began_before_the_final_dot_is_none,
	    0, 2);
	tcase_add_loop_test(tcase, yes_that_came_before_the_final_dot_is_none,
	    0, 20);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(client_suite)
