/*
 * test_session - what a session logs, and what it refuses to remember.  What
 * it answers is in tests/dialogs, orders of commands in test_session_walks.
 */
#include <stdio.h>
#include <string.h>

#include "tests/support/desk.h"
#include "tests/support/suite.h"

enum {
	HEARD_MAX = 8 << 20,
};

static struct desk *desk;
static struct buf heard;

static void
setup(void)
{
	struct desk_options options = { .starttls = true };

	desk = desk_new(&options);
	buf_init(&heard, HEARD_MAX);
	desk_connect(desk);
}

static void
teardown(void)
{
	desk_free(desk);
	buf_clear(&heard);
}

static void
say(const char *text)
{
	desk_send(desk, span_of(text));
	desk_receive(desk, &heard);
}

static bool
holds(struct span all, const char *text)
{
	return all.len > 0 &&
	    memmem(all.data, all.len, text, strlen(text)) != NULL;
}

static size_t
count(struct span all, char byte)
{
	size_t i, n = 0;

	for (i = 0; i < all.len; i++)
		n += all.data[i] == byte;
	return n;
}

#define HELLO  "EHLO printer\r\n"
#define TO_ANN "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@campus.test>\r\n"
#define BODY   "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n"

START_TEST(a_session_that_only_quits_is_not_logged)
{
	say(HELLO "NOOP\r\nRSET\r\nQUIT\r\n");
	session_gone(desk_session(desk), "closed");
	ck_assert_uint_eq(desk_log(desk).len, 0);
}
END_TEST

START_TEST(an_accepted_message_is_one_line)
{
	struct span log;

	say("HELO printer\r\nMAIL FROM: a@b.example\r\n"
	    "RCPT TO:<ann@campus.test>\r\nDATA\r\nhi\nthere\r\n.\r\n");
	log = desk_log(desk);
	ck_assert_uint_eq(count(log, '\n'), 1);
	ck_assert(holds(log, "event=accepted"));
	ck_assert(holds(log, "id="));
	ck_assert(holds(log, "client=192.0.2.1"));
	ck_assert(holds(log, "helo=printer"));
	ck_assert(holds(log, "from=a@b.example"));
	ck_assert(holds(log, "rcpts=1"));
	ck_assert(holds(log, "size=11"));
	ck_assert(holds(log, "rule=tests/dialogs/tables/hosted:2"));
	ck_assert(holds(log, "no_brackets"));
	ck_assert(holds(log, "data_bare_lf"));
	ck_assert(holds(log, "fields_added"));
}
END_TEST

/* How a transaction can end, and the fields that its line has. */
static const struct outcome_row {
	const char *said; /* behind HELLO and TO_ANN */
	const char *holds[8];
} outcomes[] = {
	{ BODY, { "event=accepted", "size=18", " id=" } },
	{ "RSET\r\n", { "event=aborted", "in=RSET why=\"given up\"" } },
	{ "QUIT\r\n", { "event=aborted", "in=QUIT why=\"given up\"" } },
	{ "HELO again\r\n", { "event=aborted", "in=HELO why=\"given up\"" } },
	{ "EHLO again\r\n", { "event=aborted", "in=EHLO why=\"given up\"" } },
	{ "DATA\r\nhalf", { "event=aborted", "why=lost", "size=4" } },
	{ "BDAT 1000001 LAST\r\n", { "event=aborted", "why=lost" } },
};

START_TEST(every_end_of_a_transaction_is_one_line_with_the_envelope)
{
	const struct outcome_row *row = &outcomes[_i];
	struct span log;
	size_t i;

	say(HELLO TO_ANN);
	say(row->said);
	session_gone(desk_session(desk), "lost");
	log = desk_log(desk);
	ck_assert_msg(count(log, '\n') == 1, "%.*s", SPAN_ARG(log));
	for (i = 0; row->holds[i] != NULL; i++)
		ck_assert_msg(holds(log, row->holds[i]), "%.*s", SPAN_ARG(log));
	ck_assert(holds(log, "session="));
	ck_assert(holds(log, "client=192.0.2.1"));
	ck_assert(holds(log, "from=a@b.example rcpts=1 rcpt=ann@campus.test"));
	ck_assert(holds(log, "rule=tests/dialogs/tables/hosted:2"));
	ck_assert(holds(log, " ms="));
}
END_TEST

static const char *const whole[] = { "5.6.0 large", "5.4.6 loop", "4.3.0" };

START_TEST(a_message_that_is_refused_whole_is_one_line_with_all_fields)
{
	struct desk_options options = { .disk_fails = _i == 2, .tls = true };
	struct buf much;
	struct span log;
	int i;

	desk_free(desk);
	desk = desk_new(&options);
	desk_connect(desk);
	buf_init(&much, 4 << 20);
	buf_addf(&much, "%s%sDATA\r\n", HELLO, TO_ANN);
	for (i = 0; i < (_i == 0 ? 20000 : 60); i++)
		buf_addf(&much, "Received: %060d\r\n", i);
	buf_addf(&much, "\r\n.\r\n");
	desk_conf(desk)->limits.message_size = _i == 0 ? 1000 : 1 << 20;
	desk_send(desk, buf_span(&much));
	log = desk_log(desk);
	ck_assert_msg(count(log, '\n') == 1 && holds(log, "event=refused"),
	    "%s: %.*s", whole[_i], SPAN_ARG(log));
	ck_assert(holds(log, "from=a@b.example rcpts=1 rcpt=ann@campus.test"));
	ck_assert(holds(log, "rule=tests/dialogs/tables/hosted:2"));
	ck_assert(holds(log, " tls=TLSv1.3/TLS_AES_256_GCM_SHA384"));
	ck_assert(holds(log, " ref="));
	ck_assert(holds(log, " size="));
	ck_assert(holds(log, " ms="));
	buf_clear(&much);
}
END_TEST

START_TEST(quirks_of_one_message_are_not_told_of_the_next)
{
	say("HELO printer\r\nMAIL FROM: a@b.example\r\n"
	    "RCPT TO:<ann@campus.test>\r\nDATA\r\nhi\nthere\r\n.\r\n");
	say(TO_ANN);
	say("DATA\r\n");
	say("Date: x\r\nFrom: x\r\nMessage-ID: <x>\r\n\r\n.\r\n");
	ck_assert_uint_eq(count(desk_log(desk), '\n'), 2);
	ck_assert(
	    !holds(span_skip(desk_log(desk), span_find(desk_log(desk), '\n')),
		"quirks="));
}
END_TEST

START_TEST(quirks_are_counted_by_kind_in_the_log_line)
{
	say("EHLO\r\nMAIL FROM: a@b.example\r\n"
	    "RCPT TO:ann@campus.test\r\nRCPT TO:<ann@campus.test>\r\n"
	    "RCPT TO:ann@campus.test\r\nDATA\r\n");
	say("Date: x\r\nFrom: x\r\nMessage-ID: <x>\r\n\r\n.\r\n");
	ck_assert_msg(holds(desk_log(desk),
			  " quirks=no_brackets:3,blanks,impatient,no_name "),
	    "%.*s", (int)desk_log(desk).len, desk_log(desk).data);
}
END_TEST

/* Every refusal: the reference of the reply is in the log line. */
static const char *const refusals[] = {
	HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@elsewhere.example>\r\n",
	"BOGUS\r\n",
	"RCPT TO:<ann@campus.test>\r\n",
	HELLO "MAIL FROM:<bad\r\n",
	HELLO "MAIL FROM:<a@b.example> X=1\r\n",
	HELLO "MAIL FROM:<a@b.example> SIZE=99999999999\r\n",
	"NOOP\x01\r\n",
	"NOOP\n",
	HELLO "BDAT x\r\n",
	HELLO "AUTH LOGIN\r\n",
	"GET / HTTP/1.0\r\n",
};

START_TEST(a_refusal_has_a_reference_that_the_log_knows)
{
	struct span log, ref;
	const char *at;

	say(refusals[_i]);
	at = memmem(heard.data, heard.len, "[ref ", 5);
	ck_assert_ptr_nonnull(at);
	at += 5;
	ref = span_make(at, heard.len - (size_t)(at - heard.data));
	ref = span_head(ref, span_find(ref, ']'));
	log = desk_log(desk);
	ck_assert_uint_eq(count(log, '\n'), 1);
	ck_assert(holds(log, "event=refused"));
	ck_assert_ptr_nonnull(memmem(log.data, log.len, ref.data, ref.len));
	ck_assert(span_ends(ref, SPAN(".1")));
}
END_TEST

START_TEST(the_log_of_a_refused_recipient_says_who_and_why)
{
	say(HELLO "MAIL FROM:<a@b.example>\r\n");
	say("RCPT TO:<x@old.example>\r\n");
	ck_assert(holds(desk_log(desk), "in=RCPT"));
	ck_assert(holds(desk_log(desk), "from=a@b.example"));
	ck_assert(holds(desk_log(desk), "rcpt=x@old.example"));
	ck_assert(holds(desk_log(desk), "rule=tests/dialogs/tables/hosted:5"));
}
END_TEST

START_TEST(a_recipient_that_no_line_decided_is_refused_by_the_default)
{
	say(HELLO "MAIL FROM:<a@b.example>\r\n");
	say("RCPT TO:<x@elsewhere.example>\r\n");
	ck_assert(holds(desk_log(desk), "rule=default"));
}
END_TEST

START_TEST(nothing_from_a_client_ends_a_log_line_or_a_reply)
{
	static const char evil[] =
	    "EHLO a\x80\xff\"\\ event=accepted\r\n"
	    "MAIL FROM:<\"x\\\" y\"@b.example>\r\n"
	    "RCPT TO:<\"event=accepted\\\\ z\"@elsewhere.example>\r\n";
	struct span rest, line;
	size_t i;

	say(evil);
	rest = desk_log(desk);
	ck_assert_uint_eq(count(rest, '\n'), 1);
	ck_assert(span_starts(rest, SPAN("event=refused")) ||
	    holds(rest, " event=refused"));
	for (i = 0; i < rest.len; i++)
		ck_assert(rest.data[i] == '\n' ||
		    (unsigned char)rest.data[i] >= 0x20);
	rest = buf_span(&heard);
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		ck_assert(span_ends(line, SPAN("\r")));
		ck_assert(span_printable(span_head(line, line.len - 1)));
	}
}
END_TEST

START_TEST(a_transaction_that_is_cut_off_is_logged)
{
	say(HELLO TO_ANN "DATA\r\nhalf a mess");
	session_gone(desk_session(desk), "lost");
	ck_assert(holds(desk_log(desk), "event=aborted"));
	ck_assert(holds(desk_log(desk), "why=lost"));
	ck_assert(holds(desk_log(desk), "in=DATA"));
	ck_assert_uint_eq(desk_queued(desk), 0);
}
END_TEST

START_TEST(nothing_is_read_while_the_disk_works)
{
	desk_hold(desk, true);
	say(HELLO TO_ANN BODY "NOOP\r\nQUIT\r\n");
	ck_assert_int_eq(session_wish(desk_session(desk)), SESSION_WAIT);
	ck_assert_uint_eq(desk_unread(desk), strlen("NOOP\r\nQUIT\r\n"));
	ck_assert(!holds(buf_span(&heard), "queued"));
	desk_hold(desk, false);
	desk_receive(desk, &heard);
	ck_assert(holds(buf_span(&heard), "250 2.0.0 queued as"));
	ck_assert(holds(buf_span(&heard), "221 "));
}
END_TEST

START_TEST(a_deadline_ends_the_session_wherever_it_stands)
{
	static const char *const places[] = { "", HELLO,
		HELLO "MAIL FROM:<>\r\n", HELLO TO_ANN, HELLO TO_ANN "DATA\r\n",
		HELLO TO_ANN "DATA\r\nxy\r\n.", HELLO TO_ANN "BDAT 10\r\n",
		HELLO TO_ANN "BDAT 2\r\nxy", HELLO "BDAT 10\r\nx",
		HELLO TO_ANN BODY };

	desk_hold(desk, true);
	say(places[_i]);
	session_expired(desk_session(desk));
	ck_assert_int_eq(session_wish(desk_session(desk)), SESSION_CUT);
	desk_receive(desk, &heard);
	ck_assert(holds(buf_span(&heard), "421 4.4.2"));
	desk_hold(desk, false);
}
END_TEST

START_TEST(a_device_that_ends_in_lf_dot_lf_hears_why_it_waits)
{
	say(HELLO TO_ANN "DATA\r\nhi\n.\n");
	session_expired(desk_session(desk));
	desk_receive(desk, &heard);
	ck_assert(holds(buf_span(&heard), "421 4.4.2"));
	ck_assert(holds(buf_span(&heard), "only <CRLF>.<CRLF> ends it"));
	ck_assert(holds(desk_log(desk), "data_bare_lf"));
}
END_TEST

START_TEST(envelopes_of_all_sessions_have_one_ceiling)
{
	struct service *service = desk_service(desk);
	size_t before;

	say(HELLO "MAIL FROM:<a@b.example>\r\n");
	before = service->envelope_bytes;
	ck_assert_uint_gt(before, 0);
	say("RCPT TO:<ann@campus.test> ORCPT=rfc822;0123456789\r\n");
	ck_assert_uint_ge(service->envelope_bytes,
	    before + strlen("ann@campus.test") + strlen("0123456789"));
	service->envelope_bytes += SERVICE_ENVELOPES_MAX; /* of others */
	say("RCPT TO:<bob@campus.test>\r\n");
	ck_assert(holds(buf_span(&heard), "452 4.3.1 too many recipients"));
	service->envelope_bytes -= SERVICE_ENVELOPES_MAX;
	say("RCPT TO:<bob@campus.test>\r\nRSET\r\n");
	ck_assert_uint_eq(count(buf_span(&heard), '\n'), 16);
	ck_assert_uint_eq(service->envelope_bytes, 0);
	say(TO_ANN BODY);
	ck_assert_uint_eq(desk_queued(desk), 1);
	ck_assert_uint_eq(service->envelope_bytes, 0);
}
END_TEST

static uint64_t
an_hour_later(void *owner)
{
	(void)owner;
	return 1000000 + 3600 * 1000;
}

/* Of three sessions one is late, one has new rules, one has both. */
START_TEST(a_transaction_does_not_keep_replaced_rules_alive_for_ever)
{
	struct desk_options options = { .starttls = true };
	struct desk *other = desk_new(&options);
	struct service *service = desk_service(desk);
	const struct rules *rules = service->rules;
	bool late = _i != 1, replaced = _i != 0;

	say(HELLO TO_ANN);
	if (late)
		service->now = an_hour_later;
	if (replaced)
		service->rules = desk_service(other)->rules;
	say("NOOP\r\n");
	ck_assert_int_eq(holds(buf_span(&heard), "421 4.3.2 the tables"),
	    late && replaced);
	ck_assert_int_eq(session_wish(desk_session(desk)) == SESSION_CUT,
	    late && replaced);
	service->rules = rules;
	ck_assert_int_eq(rules_held(rules), !(late && replaced));
	desk_free(other);
}
END_TEST

START_TEST(plaintext_behind_starttls_ends_the_session)
{
	say(HELLO);
	say("STARTTLS\r\nEHLO evil\r\n");
	ck_assert(holds(buf_span(&heard), "554 5.5.0"));
	ck_assert(!holds(buf_span(&heard), "220 2.0.0"));
	ck_assert_int_eq(session_wish(desk_session(desk)), SESSION_CUT);
}
END_TEST

static Suite *
session_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_session_that_only_quits_is_not_logged);
	tcase_add_test(tcase, an_accepted_message_is_one_line);
	tcase_add_loop_test(tcase,
	    every_end_of_a_transaction_is_one_line_with_the_envelope, 0,
	    sizeof(outcomes) / sizeof(outcomes[0]));
	tcase_add_loop_test(tcase,
	    a_message_that_is_refused_whole_is_one_line_with_all_fields, 0,
	    sizeof(whole) / sizeof(whole[0]));
	tcase_add_test(tcase, quirks_of_one_message_are_not_told_of_the_next);
	tcase_add_test(tcase, quirks_are_counted_by_kind_in_the_log_line);
	tcase_add_loop_test(tcase, a_refusal_has_a_reference_that_the_log_knows,
	    0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, the_log_of_a_refused_recipient_says_who_and_why);
	tcase_add_test(tcase,
	    a_recipient_that_no_line_decided_is_refused_by_the_default);
	tcase_add_test(tcase, nothing_from_a_client_ends_a_log_line_or_a_reply);
	tcase_add_test(tcase, a_transaction_that_is_cut_off_is_logged);
	tcase_add_test(tcase, nothing_is_read_while_the_disk_works);
	tcase_add_loop_test(tcase,
	    a_deadline_ends_the_session_wherever_it_stands, 0, 10);
	tcase_add_test(tcase,
	    a_device_that_ends_in_lf_dot_lf_hears_why_it_waits);
	tcase_add_test(tcase, envelopes_of_all_sessions_have_one_ceiling);
	tcase_add_loop_test(tcase,
	    a_transaction_does_not_keep_replaced_rules_alive_for_ever, 0, 3);
	tcase_add_test(tcase, plaintext_behind_starttls_ends_the_session);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(session_suite)
