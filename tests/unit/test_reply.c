/*
 * test_reply - what a next hop answers, read whole and byte by byte.
 */
#include <string.h>

#include "relayd/delivery/offers.h"
#include "relayd/delivery/reply.h"
#include "tests/support/suite.h"

static const struct {
	const char *in;
	enum reply_verdict verdict;
	int code;
	const char *enhanced;
	const char *line; /* reply_line(), or the fault of a BAD one */
	size_t left;      /* bytes behind the reply */
} cases[] = {
	/* clang-format off */
	/* usual */
	{ "250 ok\r\n", REPLY_WHOLE, 250, "", "250 ok", 0 },
	{ "250-a\r\n250-b\r\n250 c\r\n", REPLY_WHOLE, 250, "", "250 a b c", 0 },
	{ "220 mx.test ESMTP\r\n221 bye\r\n", REPLY_WHOLE, 220, "", "220 mx.test ESMTP", 9 },
	/* tolerated: a code alone, LF alone, an empty text */
	{ "250\r\n", REPLY_WHOLE, 250, "", "250", 0 },
	{ "250 \r\n", REPLY_WHOLE, 250, "", "250", 0 },
	{ "250\n", REPLY_WHOLE, 250, "", "250", 0 },
	{ "250-a\n250 b\n", REPLY_WHOLE, 250, "", "250 a b", 0 },
	{ "250-a\r\n250\r\n", REPLY_WHOLE, 250, "", "250 a", 0 },
	{ "250-\r\n250 b\r\n", REPLY_WHOLE, 250, "", "250 b", 0 },
	/* enhanced codes: of the same class, of the first line */
	{ "550 5.1.1 no such user\r\n", REPLY_WHOLE, 550, "5.1.1", "550 5.1.1 no such user", 0 },
	{ "550 5.1.10\r\n", REPLY_WHOLE, 550, "5.1.10", "550 5.1.10", 0 },
	{ "550 5.7.123 x\r\n", REPLY_WHOLE, 550, "5.7.123", "550 5.7.123 x", 0 },
	{ "550 5.7.1234 x\r\n", REPLY_WHOLE, 550, "", "550 5.7.1234 x", 0 },
	{ "550 4.7.1 x\r\n", REPLY_WHOLE, 550, "", "550 4.7.1 x", 0 },
	{ "550 5.1.1x\r\n", REPLY_WHOLE, 550, "", "550 5.1.1x", 0 },
	{ "550 5.1.\r\n", REPLY_WHOLE, 550, "", "550 5.1.", 0 },
	{ "550 5..1 x\r\n", REPLY_WHOLE, 550, "", "550 5..1 x", 0 },
	{ "550-5.7.1 refused\r\n550 5.7.1 for good\r\n", REPLY_WHOLE, 550, "5.7.1", "550 5.7.1 refused for good", 0 },
	{ "354 3.0.0 go\r\n", REPLY_WHOLE, 354, "3.0.0", "354 3.0.0 go", 0 },
	/* a CR that ends no line is text */
	{ "250 a\rb\r\n", REPLY_WHOLE, 250, "", "250 a\rb", 0 },
	{ "250 a\r\r\n", REPLY_WHOLE, 250, "", "250 a\r", 0 },
	/* not whole */
	{ "", REPLY_MORE, 0, NULL, NULL, 0 },
	{ "25", REPLY_MORE, 0, NULL, NULL, 0 },
	{ "250 ok\r", REPLY_MORE, 0, NULL, NULL, 0 },
	{ "250-ok\r\n", REPLY_MORE, 0, NULL, NULL, 0 },
	{ "250-ok\r\n25", REPLY_MORE, 0, NULL, NULL, 0 },
	/* no reply at all */
	{ "hello\r\n", REPLY_BAD, 0, "", "h", 0 },
	{ "\r\n", REPLY_BAD, 0, "", "\r", 0 },
	{ " 250 ok\r\n", REPLY_BAD, 0, "", " ", 0 },
	{ "199 x\r\n", REPLY_BAD, 0, "", "199", 0 },
	{ "600 x\r\n", REPLY_BAD, 0, "", "600", 0 },
	{ "000 x\r\n", REPLY_BAD, 0, "", "000", 0 },
	{ "2500 x\r\n", REPLY_BAD, 0, "", "2500", 0 },
	{ "250x\r\n", REPLY_BAD, 0, "", "250x", 0 },
	{ "250\tx\r\n", REPLY_BAD, 0, "", "250\t", 0 },
	{ "250\rx\r\n", REPLY_BAD, 0, "", "250\rx", 0 },
	{ "250-a\r\n550 b\r\n", REPLY_BAD, 0, "", "550", 0 },
	{ "250-a\r\nb\r\n", REPLY_BAD, 0, "", "b", 0 },
	/* clang-format on */
};

enum {
	CASES = sizeof(cases) / sizeof(cases[0])
};

static void
check_result(struct reply *reply, enum reply_verdict verdict, int i)
{
	struct buf line;

	ck_assert_int_eq(verdict, cases[i].verdict);
	if (verdict == REPLY_MORE)
		return;
	buf_init(&line, REPLY_MAX * 2);
	if (verdict == REPLY_WHOLE)
		reply_line(reply, &line);
	else
		buf_add(&line,
		    span_head(buf_span(&reply->text), strlen(cases[i].line)));
	ck_assert_int_eq(reply->code, cases[i].code);
	ck_assert_str_eq(reply->enhanced, cases[i].enhanced);
	ck_assert_str_eq(buf_text(&line), cases[i].line);
	buf_clear(&line);
}

START_TEST(reply_is_read_in_one_block)
{
	struct span in = span_of(cases[_i].in);
	enum reply_verdict verdict;
	struct reply reply;
	size_t used;

	reply_init(&reply);
	verdict = reply_feed(&reply, in, &used);
	check_result(&reply, verdict, _i);
	if (verdict == REPLY_WHOLE)
		ck_assert_uint_eq(in.len - used, cases[_i].left);
	reply_clear(&reply);
}
END_TEST

START_TEST(reply_is_the_same_byte_by_byte)
{
	enum reply_verdict verdict = REPLY_MORE;
	struct reply reply;
	size_t i, used;

	reply_init(&reply);
	for (i = 0; i < strlen(cases[_i].in) && verdict == REPLY_MORE; i++) {
		verdict =
		    reply_feed(&reply, span_make(cases[_i].in + i, 1), &used);
		ck_assert_uint_eq(used, 1);
	}
	ck_assert_int_eq(verdict, cases[_i].verdict);
	if (verdict == REPLY_WHOLE)
		check_result(&reply, verdict, _i);
	reply_clear(&reply);
}
END_TEST

static enum reply_verdict
feed_many(struct reply *reply, const char *block, size_t times)
{
	enum reply_verdict verdict = REPLY_MORE;
	size_t used;

	while (times-- > 0 && verdict == REPLY_MORE)
		verdict = reply_feed(reply, span_of(block), &used);
	return verdict;
}

START_TEST(line_without_end_is_given_up)
{
	struct reply reply;

	reply_init(&reply);
	ck_assert_int_eq(feed_many(&reply, "250 ", 1), REPLY_MORE);
	ck_assert_int_eq(feed_many(&reply, "x", REPLY_LINE_MAX - 4),
	    REPLY_MORE);
	ck_assert_int_eq(feed_many(&reply, "x", 1), REPLY_BAD);
	reply_clear(&reply);
}
END_TEST

START_TEST(reply_of_a_megabyte_is_given_up_and_takes_no_more_than_its_ceiling)
{
	struct reply reply;

	reply_init(&reply);
	ck_assert_int_eq(feed_many(&reply, "250-all work and no play\r\n",
			     1 << 16),
	    REPLY_BAD);
	ck_assert_uint_le(reply.text.size, REPLY_MAX + 1);
	ck_assert_uint_le(reply.text.len, REPLY_LINE_MAX);
	reply_clear(&reply);
}
END_TEST

START_TEST(nul_bytes_are_text_and_hide_nothing)
{
	static const char in[] = "550 a\0b\r\n";
	struct reply reply;
	struct buf line;
	size_t used;

	reply_init(&reply);
	ck_assert_int_eq(reply_feed(&reply, SPAN(in), &used), REPLY_WHOLE);
	ck_assert_uint_eq(used, sizeof(in) - 1);
	buf_init(&line, 100);
	reply_line(&reply, &line);
	ck_assert_uint_eq(line.len, 7);
	ck_assert_mem_eq(line.data, "550 a\0b", 7);
	buf_clear(&line);
	reply_clear(&reply);
}
END_TEST

START_TEST(nothing_of_a_reply_is_left_in_the_next_one)
{
	struct reply reply;
	size_t used;

	reply_init(&reply);
	reply_feed(&reply, SPAN("550-5.1.1 a\r\n550 b\r\n"), &used);
	reply_begin(&reply);
	ck_assert(!reply_begun(&reply));
	ck_assert_int_eq(reply_feed(&reply, SPAN("250 c\r\n"), &used),
	    REPLY_WHOLE);
	ck_assert_int_eq(reply.code, 250);
	ck_assert_str_eq(reply.enhanced, "");
	ck_assert(span_equal(buf_span(&reply.text), SPAN("c")));
	reply_release(&reply);
	ck_assert_ptr_null(reply.text.memory);
	reply_clear(&reply);
}
END_TEST

static void
read_offers(struct offers *offers, const char *in)
{
	struct reply reply;
	size_t used;

	reply_init(&reply);
	ck_assert_int_eq(reply_feed(&reply, span_of(in), &used), REPLY_WHOLE);
	offers_read(offers, &reply);
	reply_clear(&reply);
}

static const struct {
	const char *in;
	struct offers offers;
} offer_cases[] = {
	/* clang-format off */
	{ "250 mx.test\r\n", { 0 } },
	{ "250-mx.test\r\n250 PIPELINING\r\n", { .pipelining = true } },
	{ "250-mx.test\r\n250-pipelining\r\n250-8bitmime\r\n250-SMTPUTF8\r\n250-DSN\r\n250 StartTLS\r\n",
	    { .pipelining = true, .eight_bit_mime = true, .smtputf8 = true, .dsn = true, .starttls = true } },
	/* the first line is a name, whatever it looks like */
	{ "250-STARTTLS\r\n250 DSN\r\n", { .dsn = true } },
	{ "250 PIPELINING\r\n", { 0 } },
	/* SIZE */
	{ "250-x\r\n250 SIZE\r\n", { .size = true } },
	{ "250-x\r\n250 SIZE 0\r\n", { .size = true } },
	{ "250-x\r\n250 SIZE 10240000\r\n", { .size = true, .size_max = 10240000 } },
	{ "250-x\r\n250 SIZE 99999999999999999999999\r\n", { .size = true } },
	{ "250-x\r\n250 SIZE -1\r\n", { .size = true } },
	/* LIMITS */
	{ "250-x\r\n250 LIMITS RCPTMAX=20 MAILMAX=5\r\n", { .rcpt_max = 20, .mail_max = 5 } },
	{ "250-x\r\n250 LIMITS RCPTDOMAINMAX=1 RCPTMAX=9\r\n", { .rcpt_max = 9, .domain_max = 1 } },
	{ "250-x\r\n250 limits rcptmax=x foo= MAILMAX=7\r\n", { .mail_max = 7 } },
	/* unknown and near misses */
	{ "250-x\r\n250-XPIPELINING\r\n250-PIPELININGX\r\n250 HELP\r\n", { 0 } },
	/* clang-format on */
};

START_TEST(offers_are_read_from_the_answer_to_ehlo)
{
	const struct offers *want = &offer_cases[_i].offers;
	struct offers offers = { .pipelining = true, .mail_max = 3 };

	read_offers(&offers, offer_cases[_i].in);
	ck_assert_int_eq(offers.pipelining, want->pipelining);
	ck_assert_int_eq(offers.starttls, want->starttls);
	ck_assert_int_eq(offers.eight_bit_mime, want->eight_bit_mime);
	ck_assert_int_eq(offers.smtputf8, want->smtputf8);
	ck_assert_int_eq(offers.dsn, want->dsn);
	ck_assert_int_eq(offers.size, want->size);
	ck_assert_uint_eq(offers.size_max, want->size_max);
	ck_assert_uint_eq(offers.rcpt_max, want->rcpt_max);
	ck_assert_uint_eq(offers.mail_max, want->mail_max);
	ck_assert_uint_eq(offers.domain_max, want->domain_max);
}
END_TEST

static Suite *
reply_suite(void)
{
	Suite *suite = suite_create("reply");
	TCase *tcase = tcase_create("reply");

	tcase_add_loop_test(tcase, reply_is_read_in_one_block, 0, CASES);
	tcase_add_loop_test(tcase, reply_is_the_same_byte_by_byte, 0, CASES);
	tcase_add_test(tcase, line_without_end_is_given_up);
	tcase_add_test(tcase,
	    reply_of_a_megabyte_is_given_up_and_takes_no_more_than_its_ceiling);
	tcase_add_test(tcase, nul_bytes_are_text_and_hide_nothing);
	tcase_add_test(tcase, nothing_of_a_reply_is_left_in_the_next_one);
	tcase_add_loop_test(tcase, offers_are_read_from_the_answer_to_ehlo, 0,
	    sizeof(offer_cases) / sizeof(offer_cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(reply_suite)
