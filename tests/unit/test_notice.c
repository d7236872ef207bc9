/*
 * test_notice - what a notice says, in words and in fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/delivery/notice.h"
#include "tests/support/story.h"
#include "tests/support/suite.h"

START_TEST(failure_is_told_in_words_and_in_fields)
{
	struct story story;

	story_begin(&story);
	story_send(&story);
	ck_assert_uint_eq(story_envelope.sender.len, 0);
	ck_assert_uint_eq(story_envelope.flags, ENVELOPE_NOTICE);
	ck_assert_int_eq(story_envelope.body, BODY_7BIT);
	ck_assert_uint_eq(story_envelope.recipient_count, 1);
	ck_assert(span_equal(story_envelope.recipients[0].address,
	    SPAN("alice@campus.test")));
	ck_assert(span_equal(story_envelope.recipients[0].domain,
	    SPAN("campus.test")));
	ck_assert(span_equal(story_envelope.session, SPAN("s1")));
	story_is_well_formed(false);
	story_has("From: Mail Delivery System <postmaster@campus.test>\r\n");
	story_has("\r\nTo: <alice@campus.test>\r\n");
	story_has("\r\nSubject: Mail could not be delivered\r\n");
	story_has("\r\nDate: Fri, 15 Jan 2027 08:01:40 +0000\r\n");
	story_has(".relayd@mail.campus.test>\r\n");
	story_has("\r\nAuto-Submitted: auto-replied\r\n");
	story_has("\r\nMIME-Version: 1.0\r\n");
	story_has("\r\nContent-Type: multipart/report; "
		  "report-type=delivery-status;\r\n boundary=\"=_relayd_");
	story_has("\r\n    <bob@example.org>\r\n"
		  "        There is no such mailbox there.\r\n"
		  "        mx1.example.org [192.0.2.25]:25 said: 550 5.1.1 "
		  "<bob@example.org>:\r\n"
		  "        no such user\r\n");
	story_has("\r\nAsk the help desk, phone 4711.\r\n");
	story_has("write to <postmaster@campus.test>");
	story_has("\r\nContent-Type: message/delivery-status\r\n"
		  "Content-Transfer-Encoding: 7bit\r\n"
		  "\r\n"
		  "Reporting-MTA: dns; mail.campus.test\r\n"
		  "Arrival-Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n"
		  "X-Relayd-ID: 000000000002d\r\n"
		  "\r\n"
		  "Final-Recipient: rfc822; bob@example.org\r\n"
		  "Action: failed\r\n"
		  "Status: 5.1.1\r\n"
		  "Remote-MTA: dns; mx1.example.org\r\n"
		  "Diagnostic-Code: smtp; 550 5.1.1 <bob@example.org>: no "
		  "such user\r\n"
		  "Last-Attempt-Date: Fri, 15 Jan 2027 08:01:30 +0000\r\n"
		  "\r\n--=_relayd_");
	story_has("\r\nContent-Type: text/rfc822-headers\r\n"
		  "Content-Transfer-Encoding: 7bit\r\n"
		  "\r\n"
		  "Received: by us\r\n"
		  "From: alice@campus.test\r\n"
		  "Subject: hello\r\n"
		  "\r\n--=_relayd_");
	story_lacks("the body");
}
END_TEST

START_TEST(delay_says_until_when_and_returns_the_header_only)
{
	struct story story;

	story_begin(&story);
	story.notice.kind = NOTICE_DELAYED;
	story.notice.retry_until = 1800432000;
	story.envelope.flags = ENVELOPE_RET_FULL;
	outcome_set(&story.outcome, OUTCOME_LATER, 0, "4.4.1",
	    SPAN("connection timed out"), "[192.0.2.25]:2525");
	story_send(&story);
	story_has("\r\nSubject: Mail is delayed: no need to send it again\r\n");
	story_has("tried again until Wed, 20 Jan 2027 08:00:00 +0000. ");
	story_has("The next mail server does not answer.\r\n");
	story_has("\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
		  "Remote-MTA: dns; [192.0.2.25]\r\n"
		  "Diagnostic-Code: X-relayd; connection timed out\r\n"
		  "Last-Attempt-Date: Fri, 15 Jan 2027 08:01:30 +0000\r\n"
		  "Will-Retry-Until: Wed, 20 Jan 2027 08:00:00 +0000\r\n");
	story_lacks("the body");
}
END_TEST

static const struct {
	const char *remote, *field;
} remotes[] = {
	/* clang-format off */
	{ "mx1.example.org [192.0.2.25]:25",   "dns; mx1.example.org" },
	{ "mx1.example.org [2001:db8::1]:25",  "dns; mx1.example.org" },
	{ "[192.0.2.25]:2525",                 "dns; [192.0.2.25]" },
	/* an address literal, RFC 5321 4.1.3 */
	{ "[2001:db8::1]:25",                  "dns; [IPv6:2001:db8::1]" },
	{ "unix:/run/lmtp",                    "x-unix; /run/lmtp" },
	/* clang-format on */
};

START_TEST(remote_mta_is_named_by_its_kind)
{
	struct story story;
	char field[100];

	story_begin(&story);
	outcome_set(&story.outcome, OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 5.1.1 no such user"), remotes[_i].remote);
	story_send(&story);
	snprintf(field, sizeof(field), "\r\nRemote-MTA: %s\r\n",
	    remotes[_i].field);
	story_has(field);
}
END_TEST

START_TEST(relayed_mail_is_told_of_without_a_fault)
{
	struct story story;

	story_begin(&story);
	story.notice.kind = NOTICE_RELAYED;
	outcome_set(&story.outcome, OUTCOME_DELIVERED, 250, NULL,
	    SPAN("250 ok"), "mx1.example.org [192.0.2.25]:25");
	story_send(&story);
	story_has("\r\nSubject: Mail was passed on\r\n");
	story_has("\r\nAction: relayed\r\nStatus: 2.0.0\r\n");
	story_has("        passed on to mx1.example.org [192.0.2.25]:25\r\n");
}
END_TEST

/* LMTP is the last step: RFC 3464 2.3.3. */
START_TEST(mail_in_the_mailbox_is_told_of_as_delivered)
{
	struct story story;

	story_begin(&story);
	story.notice.kind = NOTICE_DELIVERED;
	outcome_set(&story.outcome, OUTCOME_DELIVERED, 250, "2.1.5",
	    SPAN("250 2.1.5 saved"), "unix:/run/lmtp");
	story_send(&story);
	story_has("\r\nSubject: Mail was delivered\r\n");
	story_has("\r\nAction: delivered\r\nStatus: 2.1.5\r\n"
		  "Remote-MTA: x-unix; /run/lmtp\r\n");
	story_lacks("passed on");
}
END_TEST

START_TEST(envelope_id_and_original_recipient_are_decoded)
{
	struct story story;

	story_begin(&story);
	story.envelope.envid = SPAN("QQ+2B314159+3Dx");
	story.recipient.orcpt = SPAN("rfc822;Bob+2Blab@example.org");
	story_send(&story);
	story_has("\r\nOriginal-Envelope-Id: QQ+314159=x\r\n");
	story_has("\r\nOriginal-Recipient: rfc822; Bob+lab@example.org\r\n"
		  "Final-Recipient: rfc822; bob@example.org\r\n");
}
END_TEST

/* SPAN() for initialisers of static tables. */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* CVE-2020-28026 was a line end in xtext. */
static const struct {
	struct span envid;
	struct span orcpt;
} hostile_xtext[] = {
	{ S("a+0D+0AAction:+20relayed"), S("rfc822;a+0D+0AAction:+20relayed") },
	{ S("a\r\nAction: relayed"), S("rfc822;a\r\nAction: relayed") },
	{ S("a+0"), S("rfc822;a+0") },
	{ S("a+zz"), S("rfc822;a+zz") },
	{ S("+00"), S("rfc822;+00") },
	{ S("+FF"), S("rfc822;+FF") },
	{ S("+"), S("\r\nAction: relayed;x") },
	{ S("\0"), S("rfc822") },
	{ S("\xff"), S(";x") },
};

START_TEST(xtext_cannot_make_a_field)
{
	struct story story;

	story_begin(&story);
	story.envelope.envid = hostile_xtext[_i].envid;
	story.recipient.orcpt = hostile_xtext[_i].orcpt;
	story_send(&story);
	story_is_well_formed(false);
	story_lacks("\nAction: relayed");
	story_lacks("Original-Envelope-Id");
	story_lacks("Original-Recipient: \\x");
}
END_TEST

START_TEST(words_of_a_peer_cannot_make_a_field_or_a_part)
{
	struct story story;
	char reply[600];

	story_begin(&story);
	/* Past outcome_set(), which escapes: as if it did not. */
	free(story.outcome.text);
	free(story.outcome.remote);
	story.outcome.text = strdup("550 x\r\nAction: relayed\r\n\r\n--=_");
	story.outcome.remote = strdup("mx\r\nAction: relayed");
	story_send(&story);
	story_is_well_formed(false);
	story_lacks("\nAction: relayed");
	story_has("550 x\\x0d\\x0aAction:");

	buf_empty(&story_written);
	story_done_count = 0;
	story_begin(&story);
	memset(reply, 'x', sizeof(reply));
	memset(reply + 300, 1, 200);
	outcome_set(&story.outcome, OUTCOME_FAILED, 550, "5.0.0",
	    span_make(reply, sizeof(reply)), "mx");
	story_send(&story);
	story_is_well_formed(false);
}
END_TEST

START_TEST(utf8_recipient_is_written_in_ascii_fields)
{
	struct story story;

	story_begin(&story);
	story.recipient.address = SPAN("gr\xc3\xbc\xc3\x9f+e@example.org");
	story.envelope.flags = ENVELOPE_SMTPUTF8;
	story.original = SPAN("Subject: gr\xc3\xbc\xc3\x9f\r\n\r\nbody\r\n");
	outcome_set(&story.outcome, OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 gr\xc3\xbc\xc3\x9f"), "mx");
	story_send(&story);
	/* whatever the next hop takes */
	story_is_well_formed(false);
	ck_assert_int_eq(story_envelope.body, BODY_7BIT);
	ck_assert_uint_eq(story_envelope.flags, ENVELOPE_NOTICE);
	story_has("\r\nFinal-Recipient: utf-8; "
		  "gr\\x{FC}\\x{DF}\\x{2B}e@example.org\r\n");
	story_has("\r\nContent-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n");
	story_has("\r\n    <gr=C3=BC=C3=9F+e@example.org>\r\n");
	story_has("\r\nDiagnostic-Code: smtp; 550 gr\\xc3\\xbc\\xc3\\x9f\r\n");
	story_has(" said: 550 gr=C3=BC=C3=9F\r\n");
	story_has("\r\nContent-Type: message/global-headers\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n");
	story_has("\r\nSubject: gr=C3=BC=C3=9F\r\n");
}
END_TEST

START_TEST(notice_to_a_utf8_address_asks_for_smtputf8)
{
	struct story story;

	story_begin(&story);
	story.envelope.sender = SPAN("gr\xc3\xbc\xc3\x9f@campus.test");
	story_send(&story);
	ck_assert_uint_eq(story_envelope.flags,
	    ENVELOPE_NOTICE | ENVELOPE_SMTPUTF8);
	story_has("\r\nTo: <gr\xc3\xbc\xc3\x9f@campus.test>\r\n");
}
END_TEST

START_TEST(spool_that_takes_nothing_says_so)
{
	struct story story;

	story_reopen_spool(UINT64_MAX);
	story_begin(&story);
	story_tie(&story);
	ck_assert(!notice_send(&story.notice, &story_conf,
	    story.envelope.sender, story_done, &story_spool));
	ck_assert(!spool_busy(story_spool));
	ck_assert_int_eq(story_done_count, 0);
	outcome_clear(&story.outcome);
}
END_TEST

START_TEST(owner_and_postmaster_learn_why_they_are_told)
{
	struct story story;

	story_begin(&story);
	story.envelope.sender = SPAN("root@localhost");
	story_send_to(&story, SPAN("lab@campus.test"), false);
	story_has("\r\nTo: <lab@campus.test>\r\n");
	story_has("a message from the host 192.0.2.17.");
	story_has("<root@localhost>, cannot take mail.");

	buf_empty(&story_written);
	story_done_count = 0;
	story_begin(&story);
	story.envelope.sender = SPAN("");
	story.envelope.flags = ENVELOPE_NOTICE;
	story_send_to(&story, span_of(story_conf.postmaster), false);
	story_has("\r\nSubject: A notice could not be delivered\r\n");
	story_has("You get it as the postmaster");
	story_has("\r\nthe body\r\n");
}
END_TEST

START_TEST(many_recipients_are_all_in_the_fields)
{
	enum {
		COUNT = 5000
	};
	static struct recipient recipients[COUNT];
	static struct notice_recipient of[COUNT];
	static char names[COUNT][32];
	struct story story;
	struct span rest, line;
	size_t i;
	int found = 0;

	story_begin(&story);
	for (i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "user%zu@example.org", i);
		recipients[i].address = span_of(names[i]);
		of[i].recipient = &recipients[i];
		of[i].outcome = &story.outcome;
	}
	story_tie(&story);
	story.envelope.recipients = recipients;
	story.envelope.recipient_count = COUNT;
	story.notice.count = COUNT;
	story.notice.recipients = of;
	story_receive(&story);
	ck_assert(notice_send(&story.notice, &story_conf, story.envelope.sender,
	    story_done, &story_spool));
	content_close(story_spool, &story.content);
	outcome_clear(&story.outcome);
	story_read(false);
	story_has("\r\n    and 4900 more, which the second part of this "
		  "notice lists\r\n");
	for (rest = buf_span(&story_written); rest.data != NULL;) {
		line = span_cut(&rest, '\n');
		found += span_starts(line, SPAN("Final-Recipient: "));
	}
	ck_assert_int_eq(found, COUNT);
}
END_TEST

static Suite *
notice_suite(void)
{
	Suite *suite = suite_create("notice");
	TCase *tcase = tcase_create("notice");

	tcase_add_checked_fixture(tcase, story_set_up, story_tear_down);
	tcase_add_test(tcase, failure_is_told_in_words_and_in_fields);
	tcase_add_test(tcase,
	    delay_says_until_when_and_returns_the_header_only);
	tcase_add_loop_test(tcase, remote_mta_is_named_by_its_kind, 0,
	    sizeof(remotes) / sizeof(remotes[0]));
	tcase_add_test(tcase, relayed_mail_is_told_of_without_a_fault);
	tcase_add_test(tcase, mail_in_the_mailbox_is_told_of_as_delivered);
	tcase_add_test(tcase, envelope_id_and_original_recipient_are_decoded);
	tcase_add_loop_test(tcase, xtext_cannot_make_a_field, 0,
	    sizeof(hostile_xtext) / sizeof(hostile_xtext[0]));
	tcase_add_test(tcase, words_of_a_peer_cannot_make_a_field_or_a_part);
	tcase_add_test(tcase, utf8_recipient_is_written_in_ascii_fields);
	tcase_add_test(tcase, notice_to_a_utf8_address_asks_for_smtputf8);
	tcase_add_test(tcase, spool_that_takes_nothing_says_so);
	tcase_add_test(tcase, owner_and_postmaster_learn_why_they_are_told);
	tcase_add_test(tcase, many_recipients_are_all_in_the_fields);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notice_suite)
