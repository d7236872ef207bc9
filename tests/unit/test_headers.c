/*
 * test_headers - what is seen of a header while it passes.
 */
#include "relayd/smtp/headers.h"
#include "tests/support/suite.h"

enum {
	D = 1,  /* Date */
	M = 2,  /* Message-ID */
	F = 4,  /* From */
	K = 8,  /* DKIM-Signature */
	H = 16, /* headless */
};

static const struct {
	const char *content;
	size_t received;
	unsigned seen;
} cases[] = {
	/* clang-format off */
	{ "",                                              0, 0 },
	{ "\r\nbody\r\n",                                  0, 0 },
	{ "Subject: x\r\n\r\nReceived: no\r\n",            0, 0 },
	{ "Received: a\r\nReceived: b\r\n\r\n",            2, 0 },
	{ "RECEIVED: a\r\n\tReceived: folded\r\n\r\n",     1, 0 },
	{ "Received : obsolete blanks\r\n\r\n",            1, 0 },
	{ "Date: x\r\nmessage-id: <a@b>\r\nFrom: y\r\n",   0, D | M | F },
	{ "DKIM-Signature: v=1\r\n\r\n",                   0, K },
	{ "X-Date: x\r\nDates: y\r\nDat: z\r\n\r\n",       0, 0 },
	{ "DKIM-Signature-Of-Somebody: v=1\r\n\r\n",       0, 0 },
	{ "Subject: Date: x\r\n\r\nDate: x\r\n",           0, 0 },
	/* the header ends at the first line that is none of it */
	{ "Subject: x\r\nno field\r\nDate: x\r\n",         0, 0 },
	{ "Date: x\r\nno field\r\nFrom: x\r\n",            0, D },
	/* no header at all */
	{ "hello\r\n",                                     0, H },
	{ "hello",                                         0, 0 },
	{ "hello world: x\r\n",                            0, H },
	{ " Subject: x\r\n",                               0, H },
	{ "\tDate: x\r\n",                                 0, H },
	{ "From a@b Mon Jan  1 10:00:00 2026\r\nDate: x",  0, H },
	{ ">From a@b\r\n",                                 0, H },
	{ ": x\r\n",                                       0, H },
	{ "S\x80: x\r\n",                                  0, H },
	{ "Su\x01: x\r\n",                                 0, H },
	/* clang-format on */
};

static void
check(size_t row, size_t step)
{
	struct span content = span_of(cases[row].content);
	struct headers headers;
	unsigned seen;
	size_t at;

	headers_init(&headers);
	for (at = 0; at < content.len; at += step)
		headers_feed(&headers, span_head(span_skip(content, at), step));
	seen = (headers.date ? D : 0u) | (headers.message_id ? M : 0u) |
	    (headers.from ? F : 0u) | (headers.dkim ? K : 0u) |
	    (headers.headless ? H : 0u);
	ck_assert_uint_eq(headers.received, cases[row].received);
	ck_assert_uint_eq(seen, cases[row].seen);
}

START_TEST(fields_are_seen_in_the_header_alone_however_it_is_cut)
{
	size_t step, len = span_of(cases[_i].content).len;

	for (step = 1; step <= len + 1; step++)
		check((size_t)_i, step);
}
END_TEST

static Suite *
headers_suite(void)
{
	Suite *suite = suite_create("headers");
	TCase *tcase = tcase_create("headers");

	tcase_add_loop_test(tcase,
	    fields_are_seen_in_the_header_alone_however_it_is_cut, 0,
	    sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(headers_suite)
