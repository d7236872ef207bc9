/*
 * test_received - the header lines that we add.
 */
#include <string.h>

#include "relayd/smtp/received.h"
#include "tests/support/suite.h"

#define DATE "Mon, 23 Nov 2026 08:05:09 +0000\r\n"

static const struct tls_facts tls = { .version = "TLSv1.3",
	.cipher = "AES-256-GCM",
	.bits = 256 };

static const struct {
	struct span helo;
	const char *client;
	bool esmtp, smtputf8, tls;
	const char *only;
	const char *text;
} traces[] = {
#define HELO(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}
	/* clang-format off */
	{ HELO("printer"), "192.0.2.1", false, false, false, "a@b.test",
	  "Received: from printer ([192.0.2.1])\r\n"
	  "\tby mail.campus.test with SMTP\r\n\tid 0abc\r\n"
	  "\tfor <a@b.test>;\r\n\t" DATE },
	{ HELO("printer"), "2001:db8::1", true, false, false, "",
	  "Received: from printer ([IPv6:2001:db8::1])\r\n"
	  "\tby mail.campus.test with ESMTP\r\n\tid 0abc;\r\n\t" DATE },
	{ HELO("[192.0.2.7]"), "192.0.2.1", true, false, true, "",
	  "Received: from [192.0.2.7] ([192.0.2.1])\r\n"
	  "\tby mail.campus.test with ESMTPS\r\n"
	  "\t(using TLSv1.3 with cipher AES-256-GCM (256 bits))\r\n"
	  "\tid 0abc;\r\n\t" DATE },
	{ HELO("x"), "192.0.2.1", true, true, false, "\xc3\xa9@b.test",
	  "Received: from x ([192.0.2.1])\r\n"
	  "\tby mail.campus.test with UTF8SMTP\r\n\tid 0abc;\r\n\t" DATE },
	{ HELO("x"), "192.0.2.1", true, true, true, "",
	  "Received: from x ([192.0.2.1])\r\n"
	  "\tby mail.campus.test with UTF8SMTPS\r\n"
	  "\t(using TLSv1.3 with cipher AES-256-GCM (256 bits))\r\n"
	  "\tid 0abc;\r\n\t" DATE },
	/* a name that is none does no harm */
	{ HELO(""), "192.0.2.1", false, false, false, "",
	  "Received: from [192.0.2.1]\r\n"
	  "\tby mail.campus.test with SMTP\r\n\tid 0abc;\r\n\t" DATE },
	{ HELO("a) (b"), "192.0.2.1", false, false, false, "",
	  "Received: from [192.0.2.1] (helo=a???b)\r\n"
	  "\tby mail.campus.test with SMTP\r\n\tid 0abc;\r\n\t" DATE },
	{ HELO("a\r\nBcc: x@y"), "192.0.2.1", false, false, false, "",
	  "Received: from [192.0.2.1] (helo=a??Bcc:?x?y)\r\n"
	  "\tby mail.campus.test with SMTP\r\n\tid 0abc;\r\n\t" DATE },
	{ HELO("a\0\xff"), "192.0.2.1", false, false, false, "",
	  "Received: from [192.0.2.1] (helo=a?" "?)\r\n"
	  "\tby mail.campus.test with SMTP\r\n\tid 0abc;\r\n\t" DATE },
/* clang-format on */
#undef HELO
};

static struct received
facts_of(const struct ip *client)
{
	return (struct received){
		.client = client,
		.hostname = "mail.campus.test",
		.id = "0abc",
		.wall = 1795421109,
	};
}

START_TEST(received_says_from_by_with_id_and_when)
{
	struct received facts;
	struct buf out;
	struct ip ip;

	ck_assert(ip_parse(span_of(traces[_i].client), &ip));
	facts = facts_of(&ip);
	facts.helo = traces[_i].helo;
	facts.esmtp = traces[_i].esmtp;
	facts.smtputf8 = traces[_i].smtputf8;
	facts.tls = traces[_i].tls ? &tls : NULL;
	facts.only_recipient = span_of(traces[_i].only);
	buf_init(&out, RECEIVED_MAX);
	received_add_trace(&facts, &out);
	ck_assert_str_eq(buf_text(&out), traces[_i].text);
	buf_clear(&out);
}
END_TEST

START_TEST(no_line_is_long_whatever_the_client_says)
{
	char helo[4096];
	struct received facts;
	struct buf out;
	struct ip ip;
	struct span rest, line;

	memset(helo, 'a', sizeof(helo));
	helo[100] = (char)_i;
	ck_assert(ip_parse(SPAN("192.0.2.1"), &ip));
	facts = facts_of(&ip);
	facts.helo = span_make(helo, sizeof(helo));
	buf_init(&out, RECEIVED_MAX);
	received_add_trace(&facts, &out);
	rest = buf_span(&out);
	while (rest.data != NULL) {
		line = span_cut(&rest, '\n');
		ck_assert_uint_lt(line.len, 998);
		if (line.len > 0)
			ck_assert_int_eq(line.data[line.len - 1], '\r');
	}
	buf_clear(&out);
}
END_TEST

static const struct {
	struct headers headers;
	const char *sender;
	bool has_domain;
	const char *text;
} missing[] = {
	/* clang-format off */
	{ { .date = false }, "a@b.test", true,
	  "Date: " DATE "Message-ID: <0abc@mail.campus.test>\r\n"
	  "From: <a@b.test>\r\n" },
	{ { .date = true, .from = true }, "a@b.test", true,
	  "Message-ID: <0abc@mail.campus.test>\r\n" },
	{ { .message_id = true, .from = true }, "", true, "Date: " DATE },
	{ { .date = true, .message_id = true }, "root", false,
	  "From: <root@[192.0.2.1]>\r\n" },
	{ { .date = true, .message_id = true }, "", true, "" },
	{ { .date = true, .message_id = true, .from = true }, "a@b.test", true,
	  "" },
	/* not the first hop, or signed: hands off */
	{ { .received = 1 }, "a@b.test", true, "" },
	{ { .dkim = true }, "a@b.test", true, "" },
	/* clang-format on */
};

START_TEST(what_a_device_forgot_is_added_at_the_first_hop_only)
{
	struct received facts;
	struct buf out;
	struct ip ip;
	bool added;

	ck_assert(ip_parse(SPAN("192.0.2.1"), &ip));
	facts = facts_of(&ip);
	facts.sender = span_of(missing[_i].sender);
	facts.sender_has_domain = missing[_i].has_domain;
	buf_init(&out, RECEIVED_MAX);
	added = received_add_missing(&facts, &missing[_i].headers, &out);
	ck_assert_str_eq(buf_text(&out), missing[_i].text);
	ck_assert_int_eq(added, out.len > 0);
	buf_clear(&out);
}
END_TEST

static Suite *
received_suite(void)
{
	Suite *suite = suite_create("received");
	TCase *tcase = tcase_create("received");

	tcase_add_loop_test(tcase, received_says_from_by_with_id_and_when, 0,
	    sizeof(traces) / sizeof(traces[0]));
	tcase_add_loop_test(tcase, no_line_is_long_whatever_the_client_says, 0,
	    256);
	tcase_add_loop_test(tcase,
	    what_a_device_forgot_is_added_at_the_first_hop_only, 0,
	    sizeof(missing) / sizeof(missing[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(received_suite)
