/*
 * test_handover - what goes over the wire for a message, and connections that
 * serve more than one.
 */
/* The real client, not the double of tests/support/far_side.c. */
#include <string.h>

#include "relayd/delivery/client.c"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

static const char *
heard(void)
{
	return buf_text(&scene.hop->heard);
}

/* ---- the wire ---- */

START_TEST(message_arrives_stuffed_on_the_wire_and_whole)
{
	const struct scripted_message *message;

	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_eq(scene.hop->message_count, 1);
	message = &scene.hop->messages[0];
	ck_assert(span_equal(buf_span(&message->wire),
	    SPAN("Subject: x\r\n\r\n..hello\r\n")));
	ck_assert(span_equal(buf_span(&message->content),
	    SPAN("Subject: x\r\n\r\n.hello\r\n")));
	ck_assert(scene.outcomes[0][0].passed_on_dsn);
	ck_assert(!scene.outcomes[0][0].final);
	ck_assert(scene.job[0].sent_dot);
}
END_TEST

START_TEST(group_is_one_write_with_pipelining_and_many_without)
{
	static const struct {
		const char *offers;
		size_t reads; /* EHLO, ..., QUIT */
	} rows[] = { { "PIPELINING", 3 }, { "HELP", 7 } };

	scene.hop->offers = rows[_i].offers;
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_eq(scene.hop->reads, rows[_i].reads);
	ck_assert_str_eq(heard(),
	    "EHLO relay.test\nMAIL FROM:<s@lab.test>\n" RCPTS
	    "DATA\n.\nQUIT\n");
}
END_TEST

static const struct {
	const char *offers;
	unsigned flags;
	enum envelope_body body;
	const char *sender;
	const char *envid;
	const char *mail; /* the line; NULL: nothing is sent */
	const char *story;
} mails[] = {
	/* clang-format off */
	{ "HELP", 0, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "HELP", 0, BODY_7BIT, "", "", "MAIL FROM:<>\n", FINE },
	{ "SIZE", 0, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> SIZE=22\n", FINE },
	{ "SIZE 0", 0, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> SIZE=22\n", FINE },
	{ "SIZE 22", 0, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> SIZE=22\n", FINE },
	{ "SIZE 21", 0, BODY_7BIT, "s@lab.test", "", NULL, ALL("F0/5.3.4") "usable" },
	{ "8BITMIME", 0, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "8BITMIME", 0, BODY_8BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> BODY=8BITMIME\n", FINE },
	/* without 8BITMIME: converted (its size is not known then), unless signed */
	{ "SIZE", 0, BODY_8BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "SIZE", ENVELOPE_SIGNED, BODY_8BIT, "s@lab.test", "", NULL, ALL("F0/5.6.3") "usable" },
	{ "8BITMIME", ENVELOPE_SIGNED, BODY_8BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> BODY=8BITMIME\n", FINE },
	{ "SIZE", ENVELOPE_SIGNED, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> SIZE=22\n", FINE },
	/* SMTPUTF8 */
	{ "SMTPUTF8", ENVELOPE_SMTPUTF8, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> SMTPUTF8\n", FINE },
	{ "SMTPUTF8,8BITMIME", 0, BODY_8BIT, "\303\244@lab.test", "", "MAIL FROM:<\303\244@lab.test> BODY=8BITMIME SMTPUTF8\n", FINE },
	{ "8BITMIME", ENVELOPE_SMTPUTF8, BODY_8BIT, "\303\244@lab.test", "", NULL, ALL("F0/5.6.7") "usable" },
	{ "8BITMIME", ENVELOPE_SMTPUTF8, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "8BITMIME", ENVELOPE_SMTPUTF8, BODY_8BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> BODY=8BITMIME\n", FINE },
	/* DSN */
	{ "DSN", ENVELOPE_RET_FULL, BODY_7BIT, "s@lab.test", "Q+2Bx", "MAIL FROM:<s@lab.test> RET=FULL ENVID=Q+2Bx\n", FINE },
	{ "DSN", ENVELOPE_RET_HDRS, BODY_7BIT, "s@lab.test", "", "MAIL FROM:<s@lab.test> RET=HDRS\n", FINE },
	{ "SIZE", ENVELOPE_RET_FULL, BODY_7BIT, "s@lab.test", "Q", "MAIL FROM:<s@lab.test> SIZE=22\n", FINE },
	/* what a damaged disk may hold never makes a command of its own */
	{ "DSN", 0, BODY_7BIT, "s@lab.test", "Q\r\nRSET", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "DSN", 0, BODY_7BIT, "s@lab.test", "Q RET=FULL", "MAIL FROM:<s@lab.test>\n", FINE },
	{ "DSN", 0, BODY_7BIT, "s@lab\r\nRSET", "", NULL, ALL("F0/5.1.7") "usable" },
	/* clang-format on */
};

START_TEST(mail_says_what_the_next_hop_takes)
{
	const char *story;

	scene.hop->offers = mails[_i].offers;
	scene.envelope.flags = mails[_i].flags;
	scene.envelope.body = mails[_i].body;
	scene.envelope.sender = span_of(mails[_i].sender);
	scene.envelope.envid = span_of(mails[_i].envid);
	story = client_scene_run(&scene);
	ck_assert_str_eq(story, mails[_i].story);
	if (mails[_i].mail != NULL)
		ck_assert_ptr_nonnull(strstr(heard(), mails[_i].mail));
	else
		ck_assert_str_eq(heard(), "EHLO relay.test\nQUIT\n");
	ck_assert_uint_eq(scene.outcomes[0][0].passed_on_dsn,
	    strcmp(mails[_i].offers, "DSN") == 0 && strcmp(story, FINE) == 0);
}
END_TEST

START_TEST(one_address_that_needs_smtputf8_stops_no_other)
{
	struct span address = scene.recipients[1].address;

	scene.recipients[1].address = SPAN("\303\244@campus.test");
	scene.hop->offers = "PIPELINING";
	ck_assert_str_eq(client_scene_run(&scene),
	    "D250/2.0.0 F0/5.6.7 D250/2.0.0 usable");
	scene.recipients[1].address = address;
	ck_assert_ptr_null(strstr(heard(), "\303"));
}
END_TEST

START_TEST(header_that_needs_smtputf8_is_not_sent_without_it)
{
	scene.envelope.flags = ENVELOPE_SMTPUTF8;
	scene.envelope.body = BODY_8BIT;
	scene.hop->offers = "8BITMIME";
	paper_write(&scene.paper,
	    _i == 0 ? SPAN("Subject: \303\244\r\n\r\nx\r\n") :
		      SPAN("Subject: x\r\n\r\n\303\244\r\n"),
	    5);
	ck_assert_str_eq(client_scene_run(&scene),
	    _i == 0 ? ALL("F0/5.6.7") "usable" : FINE);
}
END_TEST

START_TEST(address_with_a_line_end_makes_no_command)
{
	struct span address = scene.recipients[1].address;

	scene.recipients[1].address = SPAN("b@campus.test>\r\nRSET");
	ck_assert_str_eq(client_scene_run(&scene),
	    "D250/2.0.0 F0/5.1.3 D250/2.0.0 usable");
	scene.recipients[1].address = address;
	ck_assert_ptr_null(strstr(heard(), "RSET"));
}
END_TEST

/* ---- conversion ---- */

START_TEST(eight_bit_content_is_converted_for_a_seven_bit_hop)
{
	static const char *const contents[] = {
		"Subject: x\r\n\r\n\303\244 .\r\n.\303\244\r\n",
		"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n"
		"\303\244\r\n--b--\r\n",
	};
	const char *story;

	scene.envelope.body = BODY_8BIT;
	scene.hop->offers = "PIPELINING";
	scene.jobs = 2; /* and the next one is none the worse for it */
	paper_write(&scene.paper, span_of(contents[_i]), 7);
	story = client_scene_run(&scene);
	if (_i == 1) {
		ck_assert_str_eq(story, ALL("F0/5.6.3") "usable");
		ck_assert_str_eq(heard(), "EHLO relay.test\nQUIT\n");
		return;
	}
	ck_assert_str_eq(story, FINE);
	ck_assert_uint_eq(scene.hop->message_count, 2);
	ck_assert(span_equal(buf_span(&scene.hop->messages[1].content),
	    SPAN("Subject: x\r\nMIME-Version: 1.0\r\n"
		 "Content-Type: text/plain; charset=utf-8\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n"
		 "\r\n=C3=A4 .\r\n.=C3=A4\r\n")));
}
END_TEST

START_TEST(big_content_is_converted_in_many_turns)
{
	struct buf content;

	buf_init(&content, 8 << 20);
	buf_add(&content, SPAN("Subject: big\r\n\r\n"));
	while (content.len < (600 << 10))
		buf_add(&content, SPAN("\303\244=.\r\n.\r\n"));
	paper_write(&scene.paper, buf_span(&content), 100);
	buf_clear(&content);
	scene.envelope.body = BODY_8BIT;
	scene.hop->offers = "PIPELINING";
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert(!span_eight_bit(buf_span(&scene.hop->messages[0].wire)));
	ck_assert(span_ends(buf_span(&scene.hop->messages[0].content),
	    SPAN("=C3=A4=3D.\r\n.\r\n")));
}
END_TEST

/* ---- many recipients ---- */

static const struct {
	const char *offers;
	size_t recipients, sent;
} groups[] = {
	{ "PIPELINING", 100, 100 },
	{ "PIPELINING", 250, 100 },
	{ "HELP", 101, 100 },
	{ "PIPELINING,LIMITS RCPTMAX=7", 20, 7 },
	{ "PIPELINING,LIMITS RCPTMAX=1000", 250, 100 },
	{ "PIPELINING,LIMITS RCPTMAX=0", 5, 5 },
};

START_TEST(recipients_beyond_a_group_wait_for_the_next_transaction)
{
	size_t i;

	scene.hop->offers = groups[_i].offers;
	scene.envelope.recipient_count = groups[_i].recipients;
	client_scene_run(&scene);
	for (i = 0; i < groups[_i].recipients; i++) {
		if (i < groups[_i].sent) {
			ck_assert_int_eq(scene.outcomes[0][i].kind,
			    OUTCOME_DELIVERED);
			continue;
		}
		ck_assert_int_eq(scene.outcomes[0][i].kind, OUTCOME_LATER);
		ck_assert_int_eq(scene.outcomes[0][i].code, 452);
		ck_assert_str_eq(scene.outcomes[0][i].enhanced, "4.5.3");
	}
}
END_TEST

/* ---- one connection, many messages ---- */

static const struct {
	struct script_rule rules[3];
	const char *offers;
	size_t pause;      /* virtual seconds */
	const char *heard; /* of the second job and what follows */
	const char *story;
	bool stale;
} reuses[] = {
	/* clang-format off */
	{ { { 0 } }, "PIPELINING", 0, "MAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	{ { { 0 } }, "PIPELINING", 200, "MAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	/* what was left open is closed first, in the same group */
	{ { { .on = "MAIL", .reply = "450 4.7.1 no\r\n", .times = 1 } }, "PIPELINING", 0,
	    "RSET\nMAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	{ { { .on = "DATA", .reply = "450 4.7.1 no\r\n", .times = 1 } }, "PIPELINING", 0,
	    "RSET\nMAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	{ { { .on = "RCPT", .reply = "550 5.1.1 no\r\n", .times = 3 } }, "PIPELINING", 0,
	    "RSET\nMAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	{ { { .on = "RCPT", .reply = "550 5.1.1 no\r\n", .times = 3 } }, "HELP", 0,
	    "RSET\nMAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	{ { { .on = ".", .reply = "450 4.7.1 no\r\n", .times = 1 } }, "HELP", 0,
	    "RSET\nMAIL FROM:<s@lab.test>\n" RCPTS "DATA\n.\nQUIT\n", FINE, false },
	/* the second finds a dead connection: nothing was heard, nothing is lost */
	{ { { .on = "MAIL", .reply = NULL, .act = SCRIPT_CLOSE, .after = 1 } }, "PIPELINING", 0,
	    "MAIL FROM:<s@lab.test>\n", ALL("L0/4.4.2") "closed L0/4.4.2", true },
	{ { { .on = "MAIL", .reply = NULL, .act = SCRIPT_RESET, .after = 1 } }, "HELP", 0,
	    "MAIL FROM:<s@lab.test>\n", ALL("L0/4.4.2") "closed L0/4.4.2", true },
	{ { { .on = "MAIL", .reply = "421 4.7.0 idle\r\n", .act = SCRIPT_CLOSE, .after = 1 } }, "PIPELINING", 0,
	    "MAIL FROM:<s@lab.test>\n", ALL("L421/4.7.0") "closed L421/4.7.0", true },
	/* something was heard: not stale */
	{ { { .on = "RCPT", .reply = NULL, .act = SCRIPT_CLOSE, .after = 3 } }, "PIPELINING", 0,
	    "MAIL FROM:<s@lab.test>\nRCPT TO:<a@campus.test>\n", ALL("L0/4.4.2") "closed L0/4.4.2", false },
	{ { { .on = ".", .reply = "450 4.7.1 no\r\n", .times = 1 }, { .on = "RSET", .reply = "500 what?\r\n" } }, "HELP", 0,
	    "RSET\nQUIT\n", ALL("L0/4.5.0") "closed L0/4.5.0", true },
	/* clang-format on */
};

START_TEST(connection_serves_one_message_after_the_other)
{
	const char *second, *story;

	scene.hop->rules = reuses[_i].rules;
	scene.hop->offers = reuses[_i].offers;
	scene.pause = reuses[_i].pause * 1000;
	scene.jobs = 2;
	story = client_scene_run(&scene);
	ck_assert_str_eq(story, reuses[_i].story);
	ck_assert_uint_eq(scene.done, 2);
	ck_assert_int_eq(scene.job[1].stale, reuses[_i].stale);
	ck_assert(!scene.job[0].stale);
	ck_assert_uint_eq(scene.hop->connections, 1);
	second = heard() + scene.hop->heard.len - strlen(reuses[_i].heard);
	ck_assert_str_eq(second, reuses[_i].heard);
}
END_TEST

/* A write fails, and what the hop said before it went is still there. */
START_TEST(last_words_of_a_next_hop_are_heard)
{
	scene.jobs = 2;
	scene.pause = 1000;
	scene.strike = _i == 0 ? "421 4.7.0 bye\r\n" : "";
	ck_assert_str_eq(client_scene_run(&scene),
	    _i == 0 ? ALL("L421/4.7.0") "closed L421/4.7.0" :
		      ALL("L0/4.4.2") "closed L0/4.4.2");
	ck_assert(scene.job[1].stale);
	ck_assert(!scene.job[1].sent_dot);
}
END_TEST

START_TEST(refused_recipient_was_not_passed_on_with_its_dsn)
{
	struct script_rule rules[] = { SAY("RCPT TO:<b", "550 5.1.1 no\r\n"),
		{ .on = NULL } };

	scene.hop->rules = rules;
	client_scene_run(&scene);
	ck_assert(scene.outcomes[0][0].passed_on_dsn);
	ck_assert(!scene.outcomes[0][1].passed_on_dsn);
}
END_TEST

START_TEST(first_message_on_a_connection_is_never_stale)
{
	struct script_rule rules[] = { ACT("MAIL", NULL, SCRIPT_CLOSE),
		{ .on = NULL } };

	scene.hop->rules = rules;
	client_scene_run(&scene);
	ck_assert(!scene.job[0].stale);
}
END_TEST

START_TEST(next_hop_that_leaves_an_idle_connection_hurts_nobody)
{
	static const struct script_rule rules[][2] = {
		{ ACT(".", "usual", SCRIPT_CLOSE), { .on = NULL } },
		{ SAY(".", "250 ok\r\n421 4.7.0 bye\r\n"), { .on = NULL } },
		{ { .on = NULL } }, /* neither of us says a word */
	};

	scene.hop->rules = rules[_i];
	scene.keep = true;
	client_scene_run(&scene);
	ck_assert_uint_eq(scene.done, 1);
	ck_assert_int_eq(scene.outcomes[0][0].kind, OUTCOME_DELIVERED);
	ck_assert_uint_eq(scene.closed, 1);
	ck_assert_int_eq(scene.why.kind, OUTCOME_NONE);
	ck_assert_uint_eq(scene.took, _i == 2 ? 300000 : 0);
}
END_TEST

/* RFC 9422 4.3: a limit of the session, so each message has one of its own. */
START_TEST(limit_of_recipient_domains_is_obeyed)
{
	static const struct {
		const char *offers, *story;
		size_t done;
	} rows[] = {
		{ "LIMITS RCPTDOMAINMAX=1",
		    "D250/2.0.0 L452/4.5.3 D250/2.0.0 closed N0/", 1 },
		{ "PIPELINING,LIMITS RCPTMAX=9 RCPTDOMAINMAX=1",
		    "D250/2.0.0 L452/4.5.3 D250/2.0.0 closed N0/", 1 },
		{ "PIPELINING,LIMITS RCPTDOMAINMAX=1 RCPTMAX=1",
		    "D250/2.0.0 L452/4.5.3 L452/4.5.3 closed N0/", 1 },
		{ "LIMITS RCPTDOMAINMAX=2", ALL("D250/2.0.0") "closed N0/", 1 },
		{ "LIMITS RCPTDOMAINMAX=0", FINE, 2 },
		{ "HELP", FINE, 2 },
	};

	scene.recipients[1].domain = SPAN("also-campus.test");
	scene.hop->offers = rows[_i].offers;
	scene.jobs = 2;
	ck_assert_str_eq(client_scene_run(&scene), rows[_i].story);
	ck_assert_uint_eq(scene.done, rows[_i].done);
}
END_TEST

START_TEST(limit_of_messages_is_obeyed)
{
	scene.hop->offers = "PIPELINING,LIMITS MAILMAX=2";
	scene.jobs = 3;
	ck_assert_str_eq(client_scene_run(&scene),
	    ALL("D250/2.0.0") "closed N0/");
	ck_assert_uint_eq(scene.done, 2);
	ck_assert(span_ends(buf_span(&scene.hop->heard), SPAN("QUIT\n")));
}
END_TEST

START_TEST(owner_may_drop_it_from_within_any_event)
{
	scene.abort_when_ready = _i == 0;
	scene.abort_when_done = _i == 1;
	client_scene_run(&scene);
	ck_assert_uint_eq(scene.closed, 0);
	ck_assert_uint_eq(scene.done, _i == 0 ? 0 : 1);
}
END_TEST

static Suite *
handover_suite(void)
{
	Suite *suite = suite_create("handover");
	TCase *tcase = tcase_create("handover");

	tcase_add_checked_fixture(tcase, client_fixture_set_up,
	    client_fixture_tear_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, message_arrives_stuffed_on_the_wire_and_whole);
	tcase_add_loop_test(tcase,
	    group_is_one_write_with_pipelining_and_many_without, 0, 2);
	tcase_add_loop_test(tcase, mail_says_what_the_next_hop_takes, 0,
	    sizeof(mails) / sizeof(mails[0]));
	tcase_add_test(tcase, one_address_that_needs_smtputf8_stops_no_other);
	tcase_add_loop_test(tcase,
	    header_that_needs_smtputf8_is_not_sent_without_it, 0, 2);
	tcase_add_test(tcase, address_with_a_line_end_makes_no_command);
	tcase_add_loop_test(tcase,
	    eight_bit_content_is_converted_for_a_seven_bit_hop, 0, 2);
	tcase_add_test(tcase, big_content_is_converted_in_many_turns);
	tcase_add_loop_test(tcase,
	    recipients_beyond_a_group_wait_for_the_next_transaction, 0,
	    sizeof(groups) / sizeof(groups[0]));
	tcase_add_loop_test(tcase,
	    connection_serves_one_message_after_the_other, 0,
	    sizeof(reuses) / sizeof(reuses[0]));
	tcase_add_loop_test(tcase, last_words_of_a_next_hop_are_heard, 0, 2);
	tcase_add_test(tcase, refused_recipient_was_not_passed_on_with_its_dsn);
	tcase_add_test(tcase, first_message_on_a_connection_is_never_stale);
	tcase_add_loop_test(tcase,
	    next_hop_that_leaves_an_idle_connection_hurts_nobody, 0, 3);
	tcase_add_test(tcase, limit_of_messages_is_obeyed);
	tcase_add_loop_test(tcase, limit_of_recipient_domains_is_obeyed, 0, 6);
	tcase_add_loop_test(tcase, owner_may_drop_it_from_within_any_event, 0,
	    2);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(handover_suite)
