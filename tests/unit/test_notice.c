/*
 * test_notice - notices as they lie in the spool, and who gets them.
 */
#include <sys/stat.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/delivery/notice.h"
#include "tests/support/suite.h"

enum {
	MESSAGE_MAX = 8 << 20,
	BLOCK = 64 << 10
};

static char folder[64], hosted_file[80], spool_folder[80];
static struct spool *spool;
static struct rules *rules;
static struct spool_entry *entry; /* told last by waiting() */
static int done_count;
static struct buf written; /* the message that was made last */
static struct buf envelope_bytes;
static struct envelope envelope_written;

static char hostname[] = "mail.campus.test";
static char postmaster[] = "postmaster@campus.test";
static char contact[] = "Ask the help desk, phone 4711.";
static struct conf conf = {
	.hostname = hostname,
	.postmaster = postmaster,
	.contact = contact,
};

static void
waiting(void *owner, struct spool_entry *found, struct span domains)
{
	(void)owner;
	(void)domains;
	entry = found;
}

static void
said(void *owner, enum spool_level level, const char *text)
{
	(void)owner;
	(void)level;
	fprintf(stderr, "spool: %s\n", text);
}

static void
done(void *owner, enum commit_result result)
{
	ck_assert_ptr_eq(owner, &spool);
	ck_assert_int_eq(result, COMMITTED);
	done_count++;
}

/* A clock that stands: IDs then follow each other, and can be foretold. */
static int64_t
standing_clock(void)
{
	return INT64_C(1800000000000000);
}

static void
open_spool(void)
{
	struct spool_options options = {
		.directory = spool_folder,
		.segment_size = 4 << 20,
		.no_thread = true,
		.wall_us = standing_clock,
	};
	struct spool_events events = { .waiting = waiting, .said = said };
	struct buf why;

	buf_init(&why, 1000);
	ck_assert_int_eq(mkdir(spool_folder, 0700), 0);
	spool = spool_open(&options, &events, &why);
	ck_assert_msg(spool != NULL, "%s", buf_text(&why));
	while (spool_load(spool, 100))
		;
	buf_clear(&why);
}

static void
open_rules(void)
{
	struct rules_sources sources = {
		.hosted = hosted_file,
		.postmaster = postmaster,
		.outside = { .mx = true },
	};
	struct complaints complaints;
	FILE *file = fopen(hosted_file, "w");

	ck_assert_ptr_nonnull(file);
	fputs("campus.test via=mx1.campus.test\n"
	      "gone.test refuse=\"moved\"\n",
	    file);
	fclose(file);
	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	complaints_clear(&complaints);
}

static void
set_up(void)
{
	strcpy(folder, "/tmp/test_notice.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(hosted_file, sizeof(hosted_file), "%s/hosted", folder);
	snprintf(spool_folder, sizeof(spool_folder), "%s/spool", folder);
	buf_init(&written, MESSAGE_MAX);
	buf_init(&envelope_bytes, ENVELOPE_MAX);
	conf.delivery.bounce = BOUNCE_RELIABLE;
	done_count = 0;
	open_rules();
	spool = NULL;
}

static void
set_up_spool(void)
{
	set_up();
	open_spool();
}

static int
remove_one(const char *path, const struct stat *status, int kind,
    struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
tear_down(void)
{
	envelope_clear(&envelope_written);
	if (spool != NULL)
		spool_close(spool);
	rules_free(rules);
	buf_clear(&written);
	buf_clear(&envelope_bytes);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Puts a message into the spool and opens its content. */
static void
receive(struct span bytes, struct content *content)
{
	struct recipient recipient = {
		.address = SPAN("bob@example.org"),
		.domain = SPAN("example.org"),
	};
	struct envelope envelope = {
		.recipient_count = 1,
		.recipients = &recipient,
	};
	struct intake *intake = spool_begin(spool);

	ck_assert_ptr_nonnull(intake);
	for (; bytes.len > 0; bytes = span_skip(bytes, BLOCK))
		ck_assert(intake_add(intake, span_head(bytes, BLOCK)));
	intake_commit(intake, &envelope, SPAN("Received: by us\r\n"), true,
	    NULL, NULL);
	spool_turn(spool);
	ck_assert_ptr_nonnull(entry);
	ck_assert(content_open(spool, entry, content));
}

/* What was committed last, into written and envelope_written. */
static void
read_written(bool has_dot_lines)
{
	struct content content;
	size_t room;
	char *data;

	entry = NULL;
	spool_turn(spool);
	ck_assert_ptr_nonnull(entry);
	ck_assert_int_eq(done_count, 1);
	envelope_clear(&envelope_written);
	ck_assert(spool_read(spool, entry, &envelope_bytes, &envelope_written));
	ck_assert(content_open(spool, entry, &content));
	ck_assert_int_eq(content.has_dot_lines, has_dot_lines);
	data = buf_room(&written, (size_t)content.size, &room);
	ck_assert_int_eq(content_read(spool, &content, 0, data,
			     (size_t)content.size),
	    (ssize_t)content.size);
	buf_grew(&written, (size_t)content.size);
	content_close(spool, &content);
}

/* One notice of one recipient, as most of the tests send it. */
struct story {
	struct envelope envelope;
	struct recipient recipient;
	struct outcome outcome;
	struct notice_recipient of;
	struct content content;
	struct notice notice;
	struct span original;
};

static void
story_begin(struct story *story)
{
	*story = (struct story){
		.envelope = {
			.sender = SPAN("alice@campus.test"),
			.session = SPAN("s1"),
			.client = SPAN("192.0.2.17"),
			.arrival = 1800000000,
			.recipient_count = 1,
		},
		.recipient = {
			.address = SPAN("bob@example.org"),
			.domain = SPAN("example.org"),
		},
		.notice = {
			.kind = NOTICE_FAILED,
			.id = 77,
			.count = 1,
			.now = 1800000100,
			.last_attempt = 1800000090,
		},
		.original = SPAN("From: alice@campus.test\r\n"
				 "Subject: hello\r\n"
				 "\r\n"
				 "the body\r\n"),
	};
	outcome_set(&story->outcome, OUTCOME_FAILED, 550, "5.1.1",
	    SPAN("550 5.1.1 <bob@example.org>: no such user"),
	    "mx1.example.org [192.0.2.25]:25");
}

static void
story_send_to(struct story *story, struct span to, bool has_dot_lines)
{
	story->envelope.recipients = &story->recipient;
	story->of.recipient = &story->recipient;
	story->of.outcome = &story->outcome;
	story->notice.envelope = &story->envelope;
	story->notice.recipients = &story->of;
	story->notice.spool = spool;
	story->notice.content = &story->content;
	receive(story->original, &story->content);
	ck_assert(notice_send(&story->notice, &conf, to, done, &spool));
	content_close(spool, &story->content);
	outcome_clear(&story->outcome);
	read_written(has_dot_lines);
}

static void
story_send(struct story *story)
{
	story_send_to(story, story->envelope.sender, false);
}

static void
assert_has(const char *text)
{
	ck_assert_msg(strstr(buf_text(&written), text) != NULL,
	    "\"%s\" is not in:\n%s", text, buf_text(&written));
}

static void
assert_lacks(const char *text)
{
	ck_assert_msg(strstr(buf_text(&written), text) == NULL,
	    "\"%s\" is in:\n%s", text, buf_text(&written));
}

/* Line ends, lengths, and where 8-bit bytes and control characters may be. */
static void
assert_well_formed(bool eight_bit)
{
	struct span rest = buf_span(&written), line;
	size_t i;

	ck_assert_int_eq(span_eight_bit(rest), eight_bit);
	ck_assert(span_ends(rest, SPAN("\r\n")));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		ck_assert(span_ends(line, SPAN("\r")));
		ck_assert_uint_le(line.len, 999);
		for (i = 0; i + 1 < line.len; i++)
			ck_assert_msg((unsigned char)line.data[i] >= 0x20 &&
				line.data[i] != 0x7f,
			    "%.*s", SPAN_ARG(line));
	}
}

START_TEST(failure_is_told_in_words_and_in_fields)
{
	struct story story;

	story_begin(&story);
	story_send(&story);
	ck_assert_uint_eq(envelope_written.sender.len, 0);
	ck_assert_uint_eq(envelope_written.flags, ENVELOPE_NOTICE);
	ck_assert_int_eq(envelope_written.body, BODY_7BIT);
	ck_assert_uint_eq(envelope_written.recipient_count, 1);
	ck_assert(span_equal(envelope_written.recipients[0].address,
	    SPAN("alice@campus.test")));
	ck_assert(span_equal(envelope_written.recipients[0].domain,
	    SPAN("campus.test")));
	ck_assert(span_equal(envelope_written.session, SPAN("s1")));
	assert_well_formed(false);
	assert_has("From: Mail Delivery System <postmaster@campus.test>\r\n");
	assert_has("\r\nTo: <alice@campus.test>\r\n");
	assert_has("\r\nSubject: Mail could not be delivered\r\n");
	assert_has("\r\nDate: Fri, 15 Jan 2027 08:01:40 +0000\r\n");
	assert_has(".relayd@mail.campus.test>\r\n");
	assert_has("\r\nAuto-Submitted: auto-replied\r\n");
	assert_has("\r\nMIME-Version: 1.0\r\n");
	assert_has("\r\nContent-Type: multipart/report; "
		   "report-type=delivery-status;\r\n boundary=\"=_relayd_");
	assert_has("\r\n    <bob@example.org>\r\n"
		   "        There is no such mailbox there.\r\n"
		   "        mx1.example.org [192.0.2.25]:25 said: 550 5.1.1 "
		   "<bob@example.org>:\r\n"
		   "        no such user\r\n");
	assert_has("\r\nAsk the help desk, phone 4711.\r\n");
	assert_has("write to <postmaster@campus.test>");
	assert_has("\r\nContent-Type: message/delivery-status\r\n"
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
	assert_has("\r\nContent-Type: text/rfc822-headers\r\n"
		   "Content-Transfer-Encoding: 7bit\r\n"
		   "\r\n"
		   "Received: by us\r\n"
		   "From: alice@campus.test\r\n"
		   "Subject: hello\r\n"
		   "\r\n--=_relayd_");
	assert_lacks("the body");
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
	assert_has(
	    "\r\nSubject: Mail is delayed: no need to send it again\r\n");
	assert_has("tried again until Wed, 20 Jan 2027 08:00:00 +0000. ");
	assert_has("The next mail server does not answer.\r\n");
	assert_has("\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
		   "Remote-MTA: dns; [192.0.2.25]\r\n"
		   "Diagnostic-Code: X-relayd; connection timed out\r\n"
		   "Last-Attempt-Date: Fri, 15 Jan 2027 08:01:30 +0000\r\n"
		   "Will-Retry-Until: Wed, 20 Jan 2027 08:00:00 +0000\r\n");
	assert_lacks("the body");
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
	assert_has("\r\nSubject: Mail was passed on\r\n");
	assert_has("\r\nAction: relayed\r\nStatus: 2.0.0\r\n");
	assert_has("        passed on to mx1.example.org [192.0.2.25]:25\r\n");
}
END_TEST

START_TEST(envelope_id_and_original_recipient_are_decoded)
{
	struct story story;

	story_begin(&story);
	story.envelope.envid = SPAN("QQ+2B314159+3Dx");
	story.recipient.orcpt = SPAN("rfc822;Bob+2Blab@example.org");
	story_send(&story);
	assert_has("\r\nOriginal-Envelope-Id: QQ+314159=x\r\n");
	assert_has("\r\nOriginal-Recipient: rfc822; Bob+lab@example.org\r\n"
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
	assert_well_formed(false);
	assert_lacks("\nAction: relayed");
	assert_lacks("Original-Envelope-Id");
	assert_lacks("Original-Recipient: \\x");
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
	assert_well_formed(false);
	assert_lacks("\nAction: relayed");
	assert_has("550 x\\x0d\\x0aAction:");

	buf_empty(&written);
	done_count = 0;
	story_begin(&story);
	memset(reply, 'x', sizeof(reply));
	memset(reply + 300, 1, 200);
	outcome_set(&story.outcome, OUTCOME_FAILED, 550, "5.0.0",
	    span_make(reply, sizeof(reply)), "mx");
	story_send(&story);
	assert_well_formed(false);
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
	ck_assert_int_eq(envelope_written.body, BODY_8BIT);
	ck_assert_uint_eq(envelope_written.flags, ENVELOPE_NOTICE);
	assert_has("\r\nFinal-Recipient: utf-8; "
		   "gr\\x{FC}\\x{DF}\\x{2B}e@example.org\r\n");
	assert_has("\r\n    <gr\xc3\xbc\xc3\x9f+e@example.org>\r\n");
	assert_has("\r\nDiagnostic-Code: smtp; 550 gr\\xc3\\xbc\\xc3\\x9f\r\n");
	assert_has(" said: 550 gr\xc3\xbc\xc3\x9f\r\n");
	assert_has("\r\nContent-Type: message/global-headers\r\n"
		   "Content-Transfer-Encoding: quoted-printable\r\n");
	assert_has("\r\nSubject: gr=C3=BC=C3=9F\r\n");
}
END_TEST

START_TEST(notice_to_a_utf8_address_asks_for_smtputf8)
{
	struct story story;

	story_begin(&story);
	story.envelope.sender = SPAN("gr\xc3\xbc\xc3\x9f@campus.test");
	story_send(&story);
	ck_assert_uint_eq(envelope_written.flags,
	    ENVELOPE_NOTICE | ENVELOPE_SMTPUTF8);
	assert_has("\r\nTo: <gr\xc3\xbc\xc3\x9f@campus.test>\r\n");
}
END_TEST

START_TEST(whole_message_comes_back_when_asked_for)
{
	struct story story;

	story_begin(&story);
	story.envelope.flags = ENVELOPE_RET_FULL;
	story.original = SPAN("Subject: x\r\n\r\n.dot\r\n8-bit \xe4\r\nend");
	story_send_to(&story, story.envelope.sender, true);
	assert_has("\r\nContent-Type: message/rfc822\r\n"
		   "Content-Transfer-Encoding: 8bit\r\n"
		   "\r\nReceived: by us\r\nSubject: x\r\n\r\n.dot\r\n"
		   "8-bit \xe4\r\nend\r\n\r\n--=_relayd_");
	assert_has("Content-Transfer-Encoding: 8bit\r\n\r\nThis is a delivery");
	ck_assert_int_eq(envelope_written.body, BODY_8BIT);
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
	assert_has("\r\nContent-Type: text/rfc822-headers\r\n");
	assert_has("\r\nSubject: large\r\n\r\n--");
	ck_assert_uint_le(written.len, 8192);
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
	assert_well_formed(false);
	assert_has("\r\nX-Field: 12345\r\n\r\n--=_relayd_");
	ck_assert_uint_ge(written.len, 64 << 10);
	ck_assert_uint_le(written.len, 72 << 10);
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
	assert_well_formed(false);
	assert_has("\r\nContent-Type: text/rfc822-headers\r\n"
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
	assert_well_formed(false);
	assert_has("quoted-printable\r\n\r\nReceived: by us\r\nOdd: xxx");
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
	mark = strstr(buf_text(&written), "boundary=\"");
	ck_assert_ptr_nonnull(mark);
	mark += strlen("boundary=\"");
	end = strchr(mark, '"');
	ck_assert_int_lt(end - mark, 70);
	snprintf(text, sizeof(text), "--%.*s", (int)(end - mark), mark);
	for (mark = buf_text(&written); (mark = strstr(mark, text)) != NULL;
	     mark++)
		found++;
	ck_assert_int_eq(found, 4);
}
END_TEST

/* An original that holds the boundaries which would be chosen first. */
START_TEST(boundary_never_occurs_in_the_parts)
{
	char id[SPOOL_ID_LEN + 1], original[200], boundary[100];
	struct intake *intake = spool_begin(spool);
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
	assert_has(boundary);
}
END_TEST

START_TEST(original_that_is_gone_leaves_a_notice_of_two_parts)
{
	struct content nothing = { .size = 0 };
	struct story story;

	story_begin(&story);
	story.envelope.recipients = &story.recipient;
	story.of.recipient = &story.recipient;
	story.of.outcome = &story.outcome;
	story.notice.envelope = &story.envelope;
	story.notice.recipients = &story.of;
	story.notice.spool = spool;
	story.notice.content = &nothing;
	ck_assert(notice_send(&story.notice, &conf, story.envelope.sender, done,
	    &spool));
	outcome_clear(&story.outcome);
	read_written(false);
	assert_has("Final-Recipient");
	assert_lacks("rfc822-headers");
	assert_has("--\r\n");
}
END_TEST

START_TEST(spool_that_takes_nothing_says_so)
{
	struct story story;
	struct buf why;

	spool_close(spool);
	buf_init(&why, 1000);
	spool = spool_open(
	    &(struct spool_options){
		.directory = spool_folder,
		.segment_size = 4 << 20,
		.minimum_free = UINT64_MAX,
		.no_thread = true,
	    },
	    &(struct spool_events){ .waiting = waiting }, &why);
	ck_assert_ptr_nonnull(spool);
	story_begin(&story);
	story.envelope.recipients = &story.recipient;
	story.of.recipient = &story.recipient;
	story.of.outcome = &story.outcome;
	story.notice.envelope = &story.envelope;
	story.notice.recipients = &story.of;
	story.notice.spool = spool;
	story.notice.content = &story.content;
	ck_assert(!notice_send(&story.notice, &conf, story.envelope.sender,
	    done, &spool));
	ck_assert(!spool_busy(spool));
	ck_assert_int_eq(done_count, 0);
	outcome_clear(&story.outcome);
	buf_clear(&why);
}
END_TEST

START_TEST(owner_and_postmaster_learn_why_they_are_told)
{
	struct story story;

	story_begin(&story);
	story.envelope.sender = SPAN("root@localhost");
	story_send_to(&story, SPAN("lab@campus.test"), false);
	assert_has("\r\nTo: <lab@campus.test>\r\n");
	assert_has("a message from the host 192.0.2.17.");
	assert_has("<root@localhost>, cannot take mail.");

	buf_empty(&written);
	done_count = 0;
	story_begin(&story);
	story.envelope.sender = SPAN("");
	story.envelope.flags = ENVELOPE_NOTICE;
	story_send_to(&story, span_of(postmaster), false);
	assert_has("\r\nSubject: A notice could not be delivered\r\n");
	assert_has("You get it as the postmaster");
	assert_has("\r\nthe body\r\n");
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
	story.envelope.recipients = recipients;
	story.envelope.recipient_count = COUNT;
	story.notice.envelope = &story.envelope;
	story.notice.count = COUNT;
	story.notice.recipients = of;
	story.notice.spool = spool;
	story.notice.content = &story.content;
	receive(story.original, &story.content);
	ck_assert(notice_send(&story.notice, &conf, story.envelope.sender, done,
	    &spool));
	content_close(spool, &story.content);
	outcome_clear(&story.outcome);
	read_written(false);
	assert_has("\r\n    and 4900 more, which the second part of this "
		   "notice lists\r\n");
	for (rest = buf_span(&written); rest.data != NULL;) {
		line = span_cut(&rest, '\n');
		found += span_starts(line, SPAN("Final-Recipient: "));
	}
	ck_assert_int_eq(found, COUNT);
}
END_TEST

/* ---- who is told ---- */

#define G ENVELOPE_GRANTED
#define N ENVELOPE_NOTICE

static const struct {
	const char *sender;
	unsigned flags;
	const char *owner;
	unsigned notify;
	enum notice_kind kind;
	enum conf_bounce bounce;
	enum notice_addressee whom;
	const char *to;
} tellings[] = {
	/* clang-format off */
	/* a hosted sender, from any client */
	{ "a@campus.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", 0, NOTICE_DELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	/* somebody else's address: only from a client that holds a grant */
	{ "a@outside.test", G, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@outside.test" },
	{ "a@outside.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@outside.test", 0, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@sub.campus.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@gone.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@outside.test", 0, "", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SENDER, "a@outside.test" },
	/* senders that cannot take mail */
	{ "root", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@localhost", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@host.localdomain", G, "o@campus.test", 0, NOTICE_DELAYED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@printer3", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@192.0.2.1", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root", G, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "root", 0, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "root@localhost", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	{ "a@[192.0.2.1]", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@[192.0.2.1]" },
	/* the null sender is never answered */
	{ "", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	{ "", G, "o@campus.test", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "", G, "", NOTIFY_SUCCESS, NOTICE_RELAYED, BOUNCE_ALL, NOTIFY_NOBODY, "" },
	/* NOTIFY= */
	{ "a@campus.test", 0, "", NOTIFY_NEVER, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_NEVER | NOTIFY_FAILURE, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", NOTIFY_NEVER, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_SUCCESS, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_FAILURE, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", NOTIFY_FAILURE, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_DELAY, NOTICE_DELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", 0, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	/* a notice of ours that failed: once to the postmaster, no loop */
	{ "", N, "", 0, NOTICE_FAILED, 0, NOTIFY_POSTMASTER, "postmaster@campus.test" },
	{ "", N, "", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "", N, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	/* clang-format on */
};

START_TEST(notice_goes_only_to_those_we_may_rely_on)
{
	struct envelope envelope = {
		.sender = span_of(tellings[_i].sender),
		.owner = span_of(tellings[_i].owner),
		.flags = tellings[_i].flags,
	};
	struct recipient recipient = {
		.address = SPAN("bob@example.org"),
		.notify = tellings[_i].notify,
	};
	struct buf to;

	buf_init(&to, 1000);
	buf_add(&to, SPAN("what was there before"));
	conf.delivery.bounce = tellings[_i].bounce;
	ck_assert_int_eq(notice_addressee(&envelope, &recipient,
			     tellings[_i].kind, &conf, rules, &to),
	    tellings[_i].whom);
	ck_assert_str_eq(buf_text(&to), tellings[_i].to);
	ck_assert_int_eq(notice_addressee(&envelope, &recipient,
			     tellings[_i].kind, &conf, rules, NULL),
	    tellings[_i].whom);
	buf_clear(&to);
}
END_TEST

START_TEST(failed_notice_to_the_postmaster_ends_there)
{
	struct envelope envelope = { .flags = ENVELOPE_NOTICE };
	struct recipient recipient = { .address = span_of(postmaster) };

	ck_assert_int_eq(notice_addressee(&envelope, &recipient, NOTICE_FAILED,
			     &conf, rules, NULL),
	    NOTIFY_NOBODY);
}
END_TEST

static Suite *
notice_suite(void)
{
	Suite *suite = suite_create("notice");
	TCase *tcase = tcase_create("messages");

	tcase_add_checked_fixture(tcase, set_up_spool, tear_down);
	tcase_add_test(tcase, failure_is_told_in_words_and_in_fields);
	tcase_add_test(tcase,
	    delay_says_until_when_and_returns_the_header_only);
	tcase_add_test(tcase, relayed_mail_is_told_of_without_a_fault);
	tcase_add_test(tcase, envelope_id_and_original_recipient_are_decoded);
	tcase_add_loop_test(tcase, xtext_cannot_make_a_field, 0,
	    sizeof(hostile_xtext) / sizeof(hostile_xtext[0]));
	tcase_add_test(tcase, words_of_a_peer_cannot_make_a_field_or_a_part);
	tcase_add_test(tcase, utf8_recipient_is_written_in_ascii_fields);
	tcase_add_test(tcase, notice_to_a_utf8_address_asks_for_smtputf8);
	tcase_add_test(tcase, whole_message_comes_back_when_asked_for);
	tcase_add_test(tcase, large_message_comes_back_as_its_header);
	tcase_add_test(tcase, endless_header_is_cut_at_a_line);
	tcase_add_test(tcase, header_that_is_no_text_is_encoded);
	tcase_add_test(tcase, header_with_an_endless_line_is_encoded);
	tcase_add_test(tcase, boundary_separates_the_parts_and_ends_them);
	tcase_add_test(tcase, boundary_never_occurs_in_the_parts);
	tcase_add_test(tcase,
	    original_that_is_gone_leaves_a_notice_of_two_parts);
	tcase_add_test(tcase, spool_that_takes_nothing_says_so);
	tcase_add_test(tcase, owner_and_postmaster_learn_why_they_are_told);
	tcase_add_test(tcase, many_recipients_are_all_in_the_fields);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("addressees");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, notice_goes_only_to_those_we_may_rely_on, 0,
	    sizeof(tellings) / sizeof(tellings[0]));
	tcase_add_test(tcase, failed_notice_to_the_postmaster_ends_there);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notice_suite)
