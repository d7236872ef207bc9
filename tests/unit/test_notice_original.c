/*
 * test_notice_original - what a notice returns of the message it is about.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/delivery/notice_original.h"
#include "tests/support/story.h"
#include "tests/support/suite.h"

#define LINE_100                                             \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LINE_500  LINE_100 LINE_100 LINE_100 LINE_100 LINE_100
#define LINE_1000 LINE_500 LINE_500

START_TEST(whole_message_comes_back_when_asked_for)
{
	struct story story;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story.original = SPAN("Subject: x\r\n\r\n.dot\r\n8-bit \xe4\r\nend");
	story_send_to(&story, story.envelope.sender, true);
	story_has("\r\nContent-Type: message/rfc822\r\n"
		  "Content-Transfer-Encoding: 8bit\r\n"
		  "\r\nReceived: by us\r\nSubject: x\r\n\r\n.dot\r\n"
		  "8-bit \xe4\r\nend\r\n\r\n--=_relayd_");
	story_has("Content-Transfer-Encoding: 8bit\r\n\r\nThis is a delivery");
	ck_assert_int_eq(story_envelope.body, BODY_8BIT);
}
END_TEST

START_TEST(large_message_comes_back_as_its_header)
{
	static char body[300 << 10];
	struct story story;

	memset(body, 'x', sizeof(body));
	memcpy(body, "Subject: large\r\n\r\n", 18);
	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story.original = span_make(body, sizeof(body));
	story_send(&story);
	story_has("\r\nContent-Type: text/rfc822-headers\r\n");
	story_has("\r\nSubject: large\r\n\r\n--");
	ck_assert_uint_le(story_written.len, 8192);
}
END_TEST

START_TEST(endless_header_is_cut_at_a_line)
{
	static char header[200 << 10];
	struct story story;
	size_t i;

	for (i = 0; i + 16 <= sizeof(header); i += 16)
		memcpy(header + i, "X-Field: 12345\r\n", 16);
	story_begin(&story);
	story.original = span_make(header, sizeof(header));
	story_send(&story);
	story_is_well_formed(false);
	story_has("\r\nX-Field: 12345\r\n\r\n--=_relayd_");
	ck_assert_uint_ge(story_written.len, 64 << 10);
	ck_assert_uint_le(story_written.len, 72 << 10);
}
END_TEST

START_TEST(header_that_is_no_text_is_encoded)
{
	static char line[2000];
	struct story story;

	memset(line, 'x', sizeof(line));
	memcpy(line, "Odd: \0\x01\xff", 8);
	memcpy(line + sizeof(line) - 4, "\r\n\r\n", 4);
	story_begin(&story);
	story.original = span_make(line, sizeof(line));
	story_send(&story);
	story_is_well_formed(false);
	story_has("\r\nContent-Type: text/rfc822-headers\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n"
		  "\r\nReceived: by us\r\nOdd: =00=01=FFxxx");
}
END_TEST

START_TEST(header_with_an_endless_line_is_encoded)
{
	static char line[2000];
	struct story story;

	memset(line, 'x', sizeof(line));
	memcpy(line, "Odd: ", 5);
	memcpy(line + sizeof(line) - 4, "\r\n\r\n", 4);
	story_begin(&story);
	story.original = span_make(line, sizeof(line));
	story_send(&story);
	story_is_well_formed(false);
	story_has("quoted-printable\r\n\r\nReceived: by us\r\nOdd: xxx");
}
END_TEST

/* What only message/rfc822 may not be: RFC 6532 3.7. */
START_TEST(utf8_message_comes_back_in_seven_bits)
{
	struct story story;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL | ENVELOPE_SMTPUTF8;
	story.original = SPAN("Subject: gr\xc3\xbc\r\n\r\nbody\r\n");
	story_send(&story);
	story_is_well_formed(false);
	ck_assert_int_eq(story_envelope.body, BODY_7BIT);
	story_has("\r\nContent-Type: message/global\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n"
		  "\r\nReceived: by us\r\nSubject: gr=C3=BC\r\n\r\nbody\r\n");
}
END_TEST

/* message/rfc822 must not be encoded, and a hop may refuse such lines. */
START_TEST(message_without_the_lines_of_mail_comes_back_as_its_header)
{
	const struct span originals[] = {
		SPAN("Subject: x\r\n\r\na\0b\r\n"),
		SPAN("Subject: x\r\n\r\n" LINE_1000 "\r\n"),
	};
	struct story story;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story.original = originals[_i];
	story_send(&story);
	story_is_well_formed(false);
	story_has("\r\nContent-Type: text/rfc822-headers\r\n");
	story_has("\r\nSubject: x\r\n\r\n--");
}
END_TEST

START_TEST(failed_notice_of_8_bits_comes_back_in_seven)
{
	struct story story;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_NOTICE;
	story.original = SPAN("Subject: x\r\n\r\n8-bit \xe4\r\n");
	story_send_to(&story, SPAN("postmaster@campus.test"), false);
	story_is_well_formed(false);
	ck_assert_int_eq(story_envelope.body, BODY_7BIT);
	story_has("\r\nContent-Type: text/plain; charset=utf-8\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n"
		  "\r\nReceived: by us\r\nSubject: x\r\n\r\n8-bit =E4\r\n");
}
END_TEST

/* Else nobody would ever hear whom it was about. */
START_TEST(large_notice_that_failed_comes_back_to_the_postmaster)
{
	static char body[2 << 20];
	struct story story;
	size_t i;

	memcpy(body, "Subject: large\r\n\r\n--m\r\nAbout: bob\r\n", 35);
	for (i = 35; i + 16 <= sizeof(body); i += 16)
		memcpy(body + i, "X-Field: 12345\r\n", 16);
	story_begin(&story);
	story.envelope.flags = ENVELOPE_NOTICE;
	story.original = span_make(body, _i == 0 ? 35 + 16 * 20000 : i);
	story_send_to(&story, SPAN("postmaster@campus.test"), false);
	story_is_well_formed(false);
	story_has("\r\nContent-Type: message/rfc822\r\n");
	story_has("\r\nAbout: bob\r\n");
	story_has("\r\nX-Field: 12345\r\n\r\n--=_relayd_");
	ck_assert_uint_ge(story_written.len, 300000);
	ck_assert_uint_le(story_written.len, (1 << 20) + 8192);
}
END_TEST

START_TEST(boundary_separates_the_parts_and_ends_them)
{
	struct story story;
	const char *mark, *end;
	char text[80];
	int found = 0;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story_send(&story);
	mark = strstr(buf_text(&story_written), "boundary=\"");
	ck_assert_ptr_nonnull(mark);
	mark += strlen("boundary=\"");
	end = strchr(mark, '"');
	ck_assert_int_lt(end - mark, 70);
	snprintf(text, sizeof(text), "--%.*s", (int)(end - mark), mark);
	for (mark = buf_text(&story_written);
	     (mark = strstr(mark, text)) != NULL; mark++)
		found++;
	ck_assert_int_eq(found, 4);
}
END_TEST

/* An original that holds the boundaries which would be chosen first. */
START_TEST(boundary_never_occurs_in_the_parts)
{
	char id[SPOOL_ID_LEN + 1], original[200], boundary[100];
	struct intake *intake = spool_begin(story_spool);
	struct story story;

	/* The next but one: the original takes an ID of its own. */
	spool_id_text(intake_id(intake) + 2, id);
	intake_cancel(intake);
	snprintf(original, sizeof(original),
	    "Subject: x\r\n\r\n--=_relayd_%s_0\r\n--=_relayd_%s_1\r\n", id, id);
	snprintf(boundary, sizeof(boundary),
	    "\r\n boundary=\"=_relayd_%s_2\"\r\n", id);
	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story.original = span_of(original);
	story_send(&story);
	story_has(boundary);
}
END_TEST

START_TEST(original_that_is_gone_leaves_a_notice_of_two_parts)
{
	struct content nothing = { .size = 0 };
	struct story story;

	story_begin(&story);
	story_tie(&story);
	story.notice.content = &nothing;
	ck_assert(notice_send(&story.notice, &story_conf, story.envelope.sender,
	    story_done, &story_spool));
	outcome_clear(&story.outcome);
	story_read(false);
	story_has("Final-Recipient");
	story_lacks("rfc822-headers");
	story_has("--\r\n");
}
END_TEST

static Suite *
notice_original_suite(void)
{
	Suite *suite = suite_create("notice_original");
	TCase *tcase = tcase_create("notice_original");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, story_set_up, story_tear_down);
	tcase_add_test(tcase, whole_message_comes_back_when_asked_for);
	tcase_add_test(tcase, large_message_comes_back_as_its_header);
	tcase_add_test(tcase, endless_header_is_cut_at_a_line);
	tcase_add_test(tcase, header_that_is_no_text_is_encoded);
	tcase_add_test(tcase, header_with_an_endless_line_is_encoded);
	tcase_add_test(tcase, utf8_message_comes_back_in_seven_bits);
	tcase_add_loop_test(tcase,
	    message_without_the_lines_of_mail_comes_back_as_its_header, 0, 2);
	tcase_add_test(tcase, failed_notice_of_8_bits_comes_back_in_seven);
	tcase_add_loop_test(tcase,
	    large_notice_that_failed_comes_back_to_the_postmaster, 0, 2);
	tcase_add_test(tcase, boundary_separates_the_parts_and_ends_them);
	tcase_add_test(tcase, boundary_never_occurs_in_the_parts);
	tcase_add_test(tcase,
	    original_that_is_gone_leaves_a_notice_of_two_parts);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notice_original_suite)
