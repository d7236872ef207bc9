/*
 * test_summary - the postmaster's summary: what it says, and when.
 */
#include <string.h>

#include "relayd/delivery/notice.h"
#include "tests/support/story.h"
#include "tests/support/suite.h"

enum {
	NOW = 1800000000
};

static struct summary *summary;

static void
set_up(void)
{
	story_set_up();
	summary = summary_new();
}

static void
tear_down(void)
{
	summary_free(summary);
	summary_free(NULL);
	story_tear_down();
}

static void
add(const char *sender, const char *recipient_address, int64_t now)
{
	struct envelope envelope = {
		.sender = span_of(sender),
		.client = SPAN("192.0.2.17"),
	};
	struct recipient recipient = { .address = span_of(recipient_address) };
	struct outcome outcome = { .kind = OUTCOME_NONE };

	outcome_set(&outcome, OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 5.1.1 no such user"), "mx1.example.org [192.0.2.25]:25");
	summary_add(summary, &envelope, 77, &recipient, &outcome, now);
	outcome_clear(&outcome);
}

/* Sends it, and reads it from the spool. */
static void
send(int64_t now)
{
	ck_assert(summary_send(summary, story_spool, &story_conf, now,
	    story_done, &story_spool));
	story_read(false);
}

START_TEST(summary_tells_the_postmaster_what_nobody_else_was_told)
{
	add("", "bob@example.org", NOW);
	add("x@forged.example", "gr\xc3\xbc\xc3\x9f@example.org", NOW + 5);
	send(NOW + 60);
	ck_assert_uint_eq(story_envelope.sender.len, 0);
	ck_assert_uint_eq(story_envelope.flags, ENVELOPE_NOTICE);
	ck_assert_int_eq(story_envelope.body, BODY_8BIT);
	ck_assert(span_equal(story_envelope.recipients[0].address,
	    span_of(story_conf.postmaster)));
	ck_assert(span_equal(story_envelope.recipients[0].domain,
	    SPAN("campus.test")));
	story_has("From: Mail Delivery System <postmaster@campus.test>\r\n");
	story_has("\r\nTo: <postmaster@campus.test>\r\n");
	story_has("\r\nSubject: 2 failed deliveries that nobody was told "
		  "of\r\n");
	story_has("\r\nAuto-Submitted: auto-generated\r\n");
	story_has("\r\nContent-Transfer-Encoding: 8bit\r\n");
	story_has("\r\n\r\nThis is the mail relay mail.campus.test. The ");
	story_has("\r\n000000000002d  Fri, 15 Jan 2027 08:00:00 +0000\r\n"
		  "    from <>, host 192.0.2.17\r\n"
		  "    to <bob@example.org>\r\n"
		  "    mx1.example.org [192.0.2.25]:25: 550 5.1.1 no such "
		  "user\r\n"
		  "\r\n"
		  "000000000002d  Fri, 15 Jan 2027 08:00:05 +0000\r\n"
		  "    from <x@forged.example>, host 192.0.2.17\r\n"
		  "    to <gr\xc3\xbc\xc3\x9f@example.org>\r\n");
}
END_TEST

START_TEST(what_was_put_off_too_long_is_said_to_be_given_up)
{
	struct envelope envelope = { .client = SPAN("192.0.2.17") };
	struct recipient recipient = { .address = SPAN("bob@example.org") };
	struct outcome outcome = { .kind = OUTCOME_NONE };

	outcome_set(&outcome, OUTCOME_LATER, 451, "4.4.7",
	    SPAN("451 4.2.2 full"), "mx1");
	outcome.kind = OUTCOME_FAILED;
	summary_add(summary, &envelope, 77, &recipient, &outcome, NOW);
	outcome_clear(&outcome);
	send(NOW + 60);
	story_has("Subject: 1 failed delivery that nobody");
	story_has("\r\n    given up after too long a time\r\n"
		  "    mx1: 451 4.2.2 full\r\n");
}
END_TEST

START_TEST(first_comes_after_a_minute_and_the_next_after_an_hour)
{
	ck_assert_int_eq(summary_due(summary), INT64_MAX);
	add("", "a@example.org", NOW);
	add("", "b@example.org", NOW + 30);
	ck_assert_int_eq(summary_due(summary), NOW + 60);
	send(NOW + 61);
	ck_assert_int_eq(summary_due(summary), INT64_MAX);
	add("", "c@example.org", NOW + 100);
	ck_assert_int_eq(summary_due(summary), NOW + 61 + 3600);
}
END_TEST

START_TEST(late_line_waits_a_minute_again)
{
	add("", "a@example.org", NOW);
	send(NOW + 60);
	add("", "c@example.org", NOW + 9000);
	ck_assert_int_eq(summary_due(summary), NOW + 9060);
}
END_TEST

START_TEST(clock_that_was_ahead_does_not_put_it_off)
{
	add("", "a@example.org", NOW + 1000000);
	send(NOW + 1000060);
	add("", "b@example.org", NOW);
	ck_assert_int_le(summary_due(summary), NOW + 3600);
}
END_TEST

START_TEST(beyond_a_thousand_lines_are_counted)
{
	struct span rest, line;
	int told = 0, i;

	for (i = 0; i < 1234; i++)
		add("a@example.net", "bob@example.org", NOW + i);
	send(NOW + 4000);
	story_has("Subject: 1234 failed deliveries");
	story_has("\r\nAnd 234 more, which the log has.\r\n");
	for (rest = buf_span(&story_written); rest.data != NULL;) {
		line = span_cut(&rest, '\n');
		told += span_starts(line, SPAN("    to <bob"));
	}
	ck_assert_int_eq(told, 1000);
}
END_TEST

START_TEST(long_lines_are_bounded_and_counted)
{
	static char address[3000];
	int i;

	memset(address, 'x', sizeof(address) - 1);
	for (i = 0; i < 1000; i++)
		add(address, address, NOW);
	send(NOW + 60);
	ck_assert_uint_le(story_written.len, 3 << 20);
	story_has("Subject: 1000 failed deliveries");
	story_has(" more, which the log has.\r\n");
}
END_TEST

START_TEST(spool_that_takes_nothing_leaves_it_for_later)
{
	add("", "a@example.org", NOW);
	story_reopen_spool(UINT64_MAX);
	ck_assert(!summary_send(summary, story_spool, &story_conf, NOW + 60,
	    story_done, &story_spool));
	ck_assert_int_eq(summary_due(summary), NOW + 60);
	story_reopen_spool(0);
	send(NOW + 70);
	story_has("to <a@example.org>");
}
END_TEST

START_TEST(hostile_bytes_end_no_line)
{
	add("\r\nBcc: x@example.org\r\n", "a\r\n.\r\nMAIL\xff@example.org",
	    NOW);
	send(NOW + 60);
	story_has("from <\\x0d\\x0aBcc: x@example.org\\x0d\\x0a>");
	story_has("to <a\\x0d\\x0a.\\x0d\\x0aMAIL\\xff@example.org>");
}
END_TEST

static Suite *
summary_suite(void)
{
	Suite *suite = suite_create("summary");
	TCase *tcase = tcase_create("summary");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase,
	    summary_tells_the_postmaster_what_nobody_else_was_told);
	tcase_add_test(tcase, what_was_put_off_too_long_is_said_to_be_given_up);
	tcase_add_test(tcase,
	    first_comes_after_a_minute_and_the_next_after_an_hour);
	tcase_add_test(tcase, late_line_waits_a_minute_again);
	tcase_add_test(tcase, clock_that_was_ahead_does_not_put_it_off);
	tcase_add_test(tcase, beyond_a_thousand_lines_are_counted);
	tcase_add_test(tcase, long_lines_are_bounded_and_counted);
	tcase_add_test(tcase, spool_that_takes_nothing_leaves_it_for_later);
	tcase_add_test(tcase, hostile_bytes_end_no_line);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(summary_suite)
