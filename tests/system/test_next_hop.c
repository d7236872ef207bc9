/*
 * test_next_hop - what becomes of mail when next hops answer, and when they
 * do not: every class of reply at every stage, and a lost connection at each.
 */
#include <stdio.h>

#include "base/buf.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define FAST "retry_first = \"1s\"; retry_max = \"1s\";"
#define TEXT "Subject: scan\r\n\r\none page\r\n"

enum {
	PATIENCE_MS = 30000
};

enum fate {
	AT_ONCE,     /* the first attempt delivers it */
	LATER,       /* the first attempt is deferred, a later one delivers */
	LATER_TWICE, /* as LATER, and the first copy had been transmitted */
	NEVER,       /* refused for good: a notice, no delivery */
};

static const struct row {
	const char *name;
	struct hop_rule rules[2];
	enum fate fate;
} rows[] = {
	/* clang-format off */
	{ "nothing odd", { HOP_RULES_END }, AT_ONCE },

	{ "banner 421", { { HOP_BANNER, NULL, "421 4.3.2 not now", 1 }, HOP_RULES_END }, LATER },
	{ "banner 450", { { HOP_BANNER, NULL, "450 4.3.2 not now", 1 }, HOP_RULES_END }, LATER },
	{ "banner of two lines", { { HOP_BANNER, NULL, "220-hello\r\n220 again", 1 }, HOP_RULES_END }, AT_ONCE },
	{ "banner garbage", { { HOP_BANNER, NULL, "hello, who is there?", 1 }, HOP_RULES_END }, LATER },
	{ "banner lost", { { HOP_BANNER, NULL, NULL, 1 }, HOP_RULES_END }, LATER },
	/* A host of the campus that takes no mail is a mistake to be mended. */
	{ "banner 521", { { HOP_BANNER, NULL, "521 5.3.2 no mail here", 1 }, HOP_RULES_END }, LATER },
	{ "banner 554", { { HOP_BANNER, NULL, "554 5.7.1 not you", 1 }, HOP_RULES_END }, LATER },

	{ "EHLO 421", { { HOP_EHLO, NULL, "421 4.3.2 closing", 1 }, HOP_RULES_END }, LATER },
	{ "EHLO 451", { { HOP_EHLO, NULL, "451 4.3.0 later", 1 }, HOP_RULES_END }, LATER },
	/* RFC 5321 3.2: HELO is tried then. */
	{ "EHLO 502", { { HOP_EHLO, "EHLO", "502 5.5.1 what?", 0 }, HOP_RULES_END }, AT_ONCE },
	{ "EHLO garbage", { { HOP_EHLO, NULL, "\001\002\003", 1 }, HOP_RULES_END }, LATER },
	{ "EHLO lost", { { HOP_EHLO, NULL, NULL, 1 }, HOP_RULES_END }, LATER },

	{ "MAIL 421", { { HOP_MAIL, NULL, "421 4.3.2 closing", 1 }, HOP_RULES_END }, LATER },
	{ "MAIL 451", { { HOP_MAIL, NULL, "451 4.3.0 later", 1 }, HOP_RULES_END }, LATER },
	{ "MAIL 550", { { HOP_MAIL, NULL, "550 5.7.1 not you", 0 }, HOP_RULES_END }, NEVER },
	{ "MAIL garbage", { { HOP_MAIL, NULL, "2500 well", 1 }, HOP_RULES_END }, LATER },
	{ "MAIL lost", { { HOP_MAIL, NULL, NULL, 1 }, HOP_RULES_END }, LATER },

	{ "RCPT 421", { { HOP_RCPT, NULL, "421 4.3.2 closing", 1 }, HOP_RULES_END }, LATER },
	{ "RCPT 450", { { HOP_RCPT, NULL, "450 4.2.0 greylisted", 1 }, HOP_RULES_END }, LATER },
	{ "RCPT 550", { { HOP_RCPT, NULL, "550 5.1.1 nobody", 0 }, HOP_RULES_END }, NEVER },
	{ "RCPT garbage", { { HOP_RCPT, NULL, "ok", 1 }, HOP_RULES_END }, LATER },
	{ "RCPT lost", { { HOP_RCPT, NULL, NULL, 1 }, HOP_RULES_END }, LATER },

	{ "DATA 421", { { HOP_DATA, NULL, "421 4.3.2 closing", 1 }, HOP_RULES_END }, LATER },
	{ "DATA 451", { { HOP_DATA, NULL, "451 4.3.0 later", 1 }, HOP_RULES_END }, LATER },
	{ "DATA 554", { { HOP_DATA, NULL, "554 5.6.0 no", 0 }, HOP_RULES_END }, NEVER },
	{ "DATA 250", { { HOP_DATA, NULL, "250 2.0.0 thanks", 1 }, HOP_RULES_END }, LATER },
	{ "DATA garbage", { { HOP_DATA, NULL, "<html>", 1 }, HOP_RULES_END }, LATER },
	{ "DATA lost", { { HOP_DATA, NULL, NULL, 1 }, HOP_RULES_END }, LATER },

	/* After the final dot only a 2xx is a yes: RFC 5321 4.2.5. */
	{ "dot 421", { { HOP_DOT, NULL, "421 4.3.2 closing", 1 }, HOP_RULES_END }, LATER_TWICE },
	{ "dot 451", { { HOP_DOT, NULL, "451 4.3.0 later", 1 }, HOP_RULES_END }, LATER_TWICE },
	{ "dot 554", { { HOP_DOT, NULL, "554 5.7.1 spam", 0 }, HOP_RULES_END }, NEVER },
	{ "dot 221", { { HOP_DOT, NULL, "221 2.0.0 bye", 1 }, HOP_RULES_END }, LATER_TWICE },
	{ "dot 354", { { HOP_DOT, NULL, "354 more?", 1 }, HOP_RULES_END }, LATER_TWICE },
	{ "dot garbage", { { HOP_DOT, NULL, "25x no", 1 }, HOP_RULES_END }, LATER_TWICE },
	{ "dot lost", { { HOP_DOT, NULL, NULL, 1 }, HOP_RULES_END }, LATER_TWICE },
	/* clang-format on */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

/* One daemon, the hop of the campus itself, and a hop for each row. */
struct stage {
	struct daemon *daemon;
	struct hop *campus;
	struct hop *hops[ROWS];
};

static void
stage_open(struct stage *stage)
{
	struct daemon_setup setup = { .delivery = FAST };
	struct buf hosted;
	size_t i;

	buf_init(&hosted, 1 << 16);
	stage->campus = hop_new(NULL);
	buf_addf(&hosted, "campus.test via=[127.0.0.1]:%u\n",
	    hop_port(stage->campus));
	for (i = 0; i < ROWS; i++) {
		stage->hops[i] = hop_new(rows[i].rules);
		buf_addf(&hosted, "d%zu.test via=[127.0.0.1]:%u\n", i,
		    hop_port(stage->hops[i]));
	}
	setup.hosted = buf_text(&hosted);
	stage->daemon = daemon_new(&setup);
	daemon_start(stage->daemon);
	buf_clear(&hosted);
}

static void
stage_close(struct stage *stage)
{
	size_t i;

	daemon_free(stage->daemon);
	hop_free(stage->campus);
	for (i = 0; i < ROWS; i++)
		hop_free(stage->hops[i]);
}

static void
send_row(struct stage *stage, size_t i)
{
	char sender[64], recipient[64];

	snprintf(sender, sizeof(sender), "row%zu@campus.test", i);
	snprintf(recipient, sizeof(recipient), "user@d%zu.test", i);
	ck_assert_int_eq(talk_once(NULL, daemon_port(stage->daemon), sender,
			     recipient, TEXT),
	    250);
}

/* With one Message-ID: whoever got both can tell (RFC 5321 6.1). */
static bool
same_twice(struct hop *hop)
{
	struct span first = buf_span(&hop_mail(hop, 0)->content);

	return scene_holds(first, "\r\nMessage-ID: <") &&
	    span_equal(first, buf_span(&hop_mail(hop, 1)->content));
}

/* What is wrong with the fate of row i, or NULL. */
static const char *
wrong_with(struct stage *stage, size_t i, unsigned patience)
{
	struct hop *hop = stage->hops[i];
	char sender[64], destination[64];
	int deferred;

	snprintf(sender, sizeof(sender), "row%zu@campus.test", i);
	snprintf(destination, sizeof(destination), "dest=\"[127.0.0.1]:%u ",
	    hop_port(hop));
	if (rows[i].fate == NEVER) {
		if (hop_wait_for(stage->campus, sender, patience) == NULL)
			return "no notice came";
		return hop_accepted(hop) == 0 ? NULL : "it was delivered";
	}
	if (!hop_wait(hop, 1, patience))
		return "it was not delivered";
	if (hop_accepted(hop) != 1)
		return "it was delivered more than once";
	if (hop_count(hop) != (rows[i].fate == LATER_TWICE ? 2 : 1))
		return "it was transmitted another number of times";
	deferred =
	    daemon_logged(stage->daemon, "event=deferred", destination, NULL);
	if ((deferred > 0) != (rows[i].fate != AT_ONCE))
		return "the log tells it otherwise";
	if (hop_mail_for(stage->campus, sender, 0) != NULL)
		return "the sender got a notice";
	if (rows[i].fate == LATER_TWICE && !same_twice(hop))
		return "the second copy is another message";
	return NULL;
}

START_TEST(every_reply_at_every_stage_has_its_outcome)
{
	struct stage stage;
	const char *wrong;
	struct buf text;
	size_t i;

	buf_init(&text, 1 << 16);
	stage_open(&stage);
	for (i = 0; i < ROWS; i++)
		send_row(&stage, i);
	for (i = 0; i < ROWS; i++) {
		/* What was waited for once is not waited for again. */
		wrong =
		    wrong_with(&stage, i, text.len == 0 ? PATIENCE_MS : 1000);
		if (wrong != NULL)
			buf_addf(&text, "\nrow %zu, %s: %s", i, rows[i].name,
			    wrong);
	}
	ck_assert_msg(text.len == 0, "%s", buf_text(&text));
	buf_clear(&text);
	stage_close(&stage);
}
END_TEST

/* ---- the usual set ---- */

START_TEST(each_recipient_fares_by_its_own_reply)
{
	static const struct hop_rule rules[] = {
		{ HOP_RCPT, "later@", "451 4.2.1 full for a moment", 1 },
		{ HOP_RCPT, "never@", "550 5.1.1 no never here", 0 },
		HOP_RULES_END,
	};
	static const char *const recipients[] = { "good@lab.test",
		"later@lab.test", "never@lab.test", "fine@lab.test", NULL };
	const struct hop_mail *notice, *first;
	struct scene scene;
	struct span text;

	scene_open(&scene, &(struct scene_setup){ .lab = rules });
	ck_assert_int_eq(scene_send(&scene, "printer@campus.test", recipients,
			     SPAN(TEXT)),
	    250);
	first = hop_wait_for(scene.lab, "good@lab.test", PATIENCE_MS);
	ck_assert_ptr_nonnull(first);
	ck_assert_uint_eq(first->rcpt_count, 2);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.lab, "later@lab.test", PATIENCE_MS));
	notice = hop_wait_for(scene.campus, "printer@campus.test", PATIENCE_MS);
	ck_assert_ptr_nonnull(notice);
	text = buf_span(&notice->content);
	ck_assert(scene_holds(text, "no never here"));
	ck_assert(scene_holds(text, "never@lab.test"));
	ck_assert(!scene_holds(text, "good@lab.test"));
	/* Nobody is served twice. */
	ck_assert_uint_eq(hop_accepted(scene.lab), 2);
	ck_assert_ptr_null(hop_mail_for(scene.lab, "good@lab.test", 1));
	ck_assert_ptr_null(hop_mail_for(scene.lab, "fine@lab.test", 1));
	scene_close(&scene);
}
END_TEST

START_TEST(all_recipients_of_a_message_share_one_transaction)
{
	static const char *const recipients[] = { "a@lab.test", "b@lab.test",
		"c@lab.test", NULL };
	struct scene scene;

	scene_open(&scene, NULL);
	ck_assert_int_eq(scene_send(&scene, "printer@campus.test", recipients,
			     SPAN(TEXT)),
	    250);
	ck_assert(hop_wait(scene.lab, 1, PATIENCE_MS));
	ck_assert_uint_eq(hop_mail(scene.lab, 0)->rcpt_count, 3);
	ck_assert_uint_eq(hop_heard(scene.lab, HOP_MAIL), 1);
	scene_close(&scene);
}
END_TEST

START_TEST(connections_to_a_next_hop_are_used_again)
{
	struct scene scene;
	size_t i;

	scene_open(&scene, NULL);
	for (i = 1; i <= 10; i++) {
		ck_assert_int_eq(scene_send_one(&scene, "x@campus.test",
				     "a@lab.test"),
		    250);
		ck_assert(hop_wait(scene.lab, i, PATIENCE_MS));
	}
	ck_assert_uint_lt(hop_heard(scene.lab, HOP_BANNER), 5);
	scene_close(&scene);
}
END_TEST

START_TEST(a_next_hop_that_comes_back_gets_its_mail)
{
	struct scene scene;

	scene_open(&scene, NULL);
	hop_sleep(scene.lab);
	ck_assert_int_eq(scene_send_one(&scene, "x@campus.test", "a@lab.test"),
	    250);
	ck_assert_int_eq(scene_send_one(&scene, "x@campus.test", "a@lab.test"),
	    250);
	daemon_wait_log(scene.daemon, "event=deferred", NULL);
	hop_wake(scene.lab);
	ck_assert(hop_wait(scene.lab, 2, PATIENCE_MS));
	scene_close(&scene);
}
END_TEST

START_TEST(the_second_hop_is_used_when_the_first_is_dead)
{
	struct daemon_setup setup = { .delivery = FAST };
	struct hop *hop = hop_new(NULL);
	struct daemon *daemon;
	char hosted[128];

	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:1,[127.0.0.1]:%u\n", hop_port(hop));
	setup.hosted = hosted;
	daemon = daemon_new(&setup);
	daemon_start(daemon);
	ck_assert_int_eq(talk_once(NULL, daemon_port(daemon), "a@campus.test",
			     "b@campus.test", TEXT),
	    250);
	ck_assert(hop_wait(hop, 1, PATIENCE_MS));
	ck_assert_int_eq(daemon_logged(daemon, "event=deferred", NULL), 0);
	daemon_free(daemon);
	hop_free(hop);
}
END_TEST

/* RFC 7504 3: the host takes no mail, and it is not ours to mend. */
START_TEST(a_host_outside_that_takes_no_mail_fails_it)
{
	static const struct hop_rule rules[] = {
		{ HOP_BANNER, NULL, "521 5.3.2 no mail here", 0 },
		HOP_RULES_END,
	};
	const struct hop_mail *notice;
	struct scene scene;

	scene_open(&scene,
	    &(struct scene_setup){ .outside = rules,
		.allowlist = "127.0.0.2\n" });
	ck_assert_int_eq(talk_once("127.0.0.2", daemon_port(scene.daemon),
			     "printer@campus.test", "a@else.example", TEXT),
	    250);
	notice = hop_wait_for(scene.campus, "printer@campus.test", PATIENCE_MS);
	ck_assert_ptr_nonnull(notice);
	ck_assert(scene_holds(buf_span(&notice->content), "521 5.3.2"));
	scene_close(&scene);
}
END_TEST

static const enum hop_stage silences[] = { HOP_BANNER, HOP_EHLO, HOP_MAIL,
	HOP_RCPT, HOP_DATA, HOP_DOT };

START_TEST(a_silent_next_hop_delays_nobody_else)
{
	const struct hop_rule rules[] = { { silences[_i], NULL, "", 0 },
		HOP_RULES_END };
	struct scene scene;

	scene_open(&scene, &(struct scene_setup){ .lab = rules });
	ck_assert_int_eq(scene_send_one(&scene, "x@campus.test", "a@lab.test"),
	    250);
	ck_assert(hop_wait_heard(scene.lab, silences[_i], 1, PATIENCE_MS));
	ck_assert_int_eq(scene_send_one(&scene, "x@campus.test",
			     "b@campus.test"),
	    250);
	ck_assert(hop_wait(scene.campus, 1, 2000));
	ck_assert_uint_eq(hop_accepted(scene.lab), 0);
	hop_sleep(scene.lab); /* an end that waits for nobody */
	scene_close(&scene);
}
END_TEST

static Suite *
next_hop_suite(void)
{
	Suite *suite = suite_create("next hops");
	TCase *tcase = tcase_create("next hops");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, every_reply_at_every_stage_has_its_outcome);
	tcase_add_test(tcase, each_recipient_fares_by_its_own_reply);
	tcase_add_test(tcase,
	    all_recipients_of_a_message_share_one_transaction);
	tcase_add_test(tcase, connections_to_a_next_hop_are_used_again);
	tcase_add_test(tcase, a_next_hop_that_comes_back_gets_its_mail);
	tcase_add_test(tcase, the_second_hop_is_used_when_the_first_is_dead);
	tcase_add_test(tcase, a_host_outside_that_takes_no_mail_fails_it);
	tcase_add_loop_test(tcase, a_silent_next_hop_delays_nobody_else, 0,
	    sizeof(silences) / sizeof(silences[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(next_hop_suite)
