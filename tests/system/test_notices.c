/*
 * test_notices - who is told of a failure, and how: RFC 3464 notices to
 * senders that may be relied on, the postmaster's summary for all others.
 */
#include <stdio.h>

#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

static const struct hop_rule refuses[] = {
	{ HOP_RCPT, NULL, "550 5.1.1 no \"such\" user", 0 },
	HOP_RULES_END,
};

/* The notice for an address; fails the test when none comes. */
static struct span
notice_for(struct scene *scene, const char *address)
{
	const struct hop_mail *mail =
	    hop_wait_for(scene->campus, address, SCENE_WAIT_MS);

	ck_assert_msg(mail != NULL, "no notice for %s", address);
	ck_assert(span_equal(hop_address(buf_span(&mail->mail)), SPAN("")));
	return buf_span(&mail->content);
}

static void
assert_holds(struct span notice, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		ck_assert_msg(scene_holds(notice, *texts),
		    "no \"%s\" in the notice:\n%.*s", *texts, SPAN_ARG(notice));
}

START_TEST(a_hosted_sender_gets_a_report_by_rfc_3464)
{
	static const char *const texts[] = {
		"Content-Type: multipart/report",
		"report-type=delivery-status",
		"Content-Type: message/delivery-status",
		"Auto-Submitted: auto-",
		"MIME-Version: 1.0",
		"Reporting-MTA: dns; mail.campus.test",
		"Final-Recipient: rfc822; nobody@lab.test",
		"Action: failed",
		"Status: 5.1.1",
		"Diagnostic-Code: smtp; 550",
		"Remote-MTA: dns;",
		"To: ",
		"Date: ",
		"Message-ID: <",
		/* the third part: what it was about */
		"Subject: scan",
		NULL,
	};
	struct scene scene;

	scene_open(&scene, &(struct scene_setup){ .lab = refuses });
	ck_assert_int_eq(scene_send_one(&scene, "printer@campus.test",
			     "nobody@lab.test"),
	    250);
	assert_holds(notice_for(&scene, "printer@campus.test"), texts);
	daemon_wait_log(scene.daemon, "event=failed", "nobody@lab.test",
	    "code=550", NULL);
	scene_close(&scene);
}
END_TEST

START_TEST(one_notice_tells_of_all_recipients_that_failed_together)
{
	static const char *const recipients[] = { "n1@lab.test", "n2@lab.test",
		"n3@lab.test", NULL };
	static const char *const texts[] = { "n1@lab.test", "n2@lab.test",
		"n3@lab.test", NULL };
	struct scene scene;

	scene_open(&scene, &(struct scene_setup){ .lab = refuses });
	ck_assert_int_eq(scene_send(&scene, "printer@campus.test", recipients,
			     SPAN("Subject: x\r\n\r\nx\r\n")),
	    250);
	assert_holds(notice_for(&scene, "printer@campus.test"), texts);
	scene_settle(&scene);
	ck_assert_ptr_null(
	    hop_mail_for(scene.campus, "printer@campus.test", 1));
	scene_close(&scene);
}
END_TEST

START_TEST(a_forged_outside_sender_gets_nothing)
{
	struct scene scene;

	scene_open(&scene, &(struct scene_setup){ .lab = refuses });
	ck_assert_int_eq(scene_send_one(&scene, "victim@elsewhere.example",
			     "nobody@lab.test"),
	    250);
	daemon_wait_log(scene.daemon, "event=failed", "nobody@lab.test", NULL);
	scene_settle(&scene);
	ck_assert_uint_eq(hop_count(scene.outside), 0);
	scene_close(&scene);
}
END_TEST

START_TEST(a_granted_client_gets_its_notice_outside)
{
	const char *grants = "127.0.0.2 owner=lab@campus.test\n";
	struct scene scene;

	scene_open(&scene,
	    &(struct scene_setup){ .lab = refuses, .allowlist = grants });
	ck_assert_int_eq(talk_once("127.0.0.2", daemon_port(scene.daemon),
			     "tool@vendor.example", "nobody@lab.test",
			     "Subject: x\r\n\r\nx\r\n"),
	    250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.outside, "tool@vendor.example", SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

START_TEST(the_owner_of_a_grant_is_told_when_the_sender_is_nobody)
{
	const char *grants = "127.0.0.2 owner=lab@campus.test\n";
	struct scene scene;

	scene_open(&scene,
	    &(struct scene_setup){ .lab = refuses, .allowlist = grants });
	ck_assert_int_eq(talk_once("127.0.0.2", daemon_port(scene.daemon),
			     "root", "nobody@lab.test",
			     "Subject: x\r\n\r\nx\r\n"),
	    250);
	notice_for(&scene, "lab@campus.test");
	scene_close(&scene);
}
END_TEST

START_TEST(a_notice_that_fails_goes_to_the_postmaster_and_no_further)
{
	struct scene scene;

	scene_open(&scene, &(struct scene_setup){ .lab = refuses });
	ck_assert_int_eq(scene_send_one(&scene, "gone@lab.test",
			     "nobody@lab.test"),
	    250);
	notice_for(&scene, "postmaster@campus.test");
	scene_settle(&scene);
	ck_assert_ptr_null(
	    hop_mail_for(scene.campus, "postmaster@campus.test", 1));
	scene_close(&scene);
}
END_TEST

/* The sender's own server is an old one: the notice reaches him all the same. */
START_TEST(a_notice_about_a_utf8_address_passes_a_seven_bit_hop)
{
	static const struct hop_rule old[] = {
		{ HOP_EHLO, NULL, "250 hop.test", 0 },
		HOP_RULES_END,
	};
	static const char *const texts[] = {
		"Final-Recipient: utf-8; gr\\x{FC}n@lab.test",
		"Status: 5.6.7",
		"Content-Type: message/global",
		NULL,
	};
	const struct hop_mail *mail;
	struct scene scene;
	struct talk talk;

	scene_open(&scene, &(struct scene_setup){ .lab = old });
	ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO printer.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<printer@lab.test> %s",
			     _i == 0 ? "SMTPUTF8" : "SMTPUTF8 RET=FULL"),
	    250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<gr\xc3\xbcn@lab.test>"),
	    250);
	ck_assert_int_eq(talk_say(&talk, "DATA"), 354);
	ck_assert_int_eq(talk_say(&talk,
			     "Subject: gr\xc3\xbcn\r\n\r\ngr\xc3\xbcn\r\n."),
	    250);
	talk_close(&talk);
	mail = hop_wait_for(scene.lab, "printer@lab.test", SCENE_WAIT_MS);
	ck_assert_ptr_nonnull(mail);
	assert_holds(buf_span(&mail->content), texts);
	ck_assert(!span_eight_bit(buf_span(&mail->content)));
	scene_close(&scene);
}
END_TEST

START_TEST(mail_that_outlives_its_lifetime_fails_with_its_last_reason)
{
	static const struct hop_rule waits[] = {
		{ HOP_RCPT, NULL, "451 4.2.2 mailbox is full today", 0 },
		HOP_RULES_END,
	};
	static const char *const texts[] = {
		"said: 451 4.2.2 mailbox is full today",
		"Action: failed",
		"Status: 4.4.7",
		"Remote-MTA: dns; [127.0.0.1]",
		"Diagnostic-Code: smtp; 451 4.2.2 mailbox is full today",
		"slow@lab.test",
		NULL,
	};
	struct scene scene;

	scene_open(&scene,
	    &(struct scene_setup){ .lab = waits,
		.delivery = "lifetime = \"3s\"; notice_after = 0;" });
	ck_assert_int_eq(scene_send_one(&scene, "printer@campus.test",
			     "slow@lab.test"),
	    250);
	assert_holds(notice_for(&scene, "printer@campus.test"), texts);
	ck_assert_uint_ge(hop_heard(scene.lab, HOP_RCPT), 2);
	scene_close(&scene);
}
END_TEST

START_TEST(mail_that_waits_long_brings_one_notice_of_delay)
{
	static const struct hop_rule waits[] = {
		{ HOP_RCPT, NULL, "451 4.2.2 mailbox is full today", 4 },
		HOP_RULES_END,
	};
	static const char *const texts[] = { "Action: delayed",
		"Will-Retry-Until: ", "slow@lab.test", NULL };
	struct scene scene;

	scene_open(&scene,
	    &(struct scene_setup){ .lab = waits,
		.delivery = "notice_after = \"1s\";" });
	ck_assert_int_eq(scene_send_one(&scene, "printer@campus.test",
			     "slow@lab.test"),
	    250);
	assert_holds(notice_for(&scene, "printer@campus.test"), texts);
	ck_assert(hop_wait(scene.lab, 1, SCENE_WAIT_MS));
	scene_settle(&scene);
	ck_assert_ptr_null(
	    hop_mail_for(scene.campus, "printer@campus.test", 1));
	scene_close(&scene);
}
END_TEST

static Suite *
notices_suite(void)
{
	Suite *suite = suite_create("notices");
	TCase *tcase = tcase_create("notices");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_hosted_sender_gets_a_report_by_rfc_3464);
	tcase_add_test(tcase,
	    one_notice_tells_of_all_recipients_that_failed_together);
	tcase_add_test(tcase, a_forged_outside_sender_gets_nothing);
	tcase_add_test(tcase, a_granted_client_gets_its_notice_outside);
	tcase_add_test(tcase,
	    the_owner_of_a_grant_is_told_when_the_sender_is_nobody);
	tcase_add_test(tcase,
	    a_notice_that_fails_goes_to_the_postmaster_and_no_further);
	tcase_add_loop_test(tcase,
	    a_notice_about_a_utf8_address_passes_a_seven_bit_hop, 0, 2);
	tcase_add_test(tcase,
	    mail_that_outlives_its_lifetime_fails_with_its_last_reason);
	tcase_add_test(tcase, mail_that_waits_long_brings_one_notice_of_delay);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notices_suite)
