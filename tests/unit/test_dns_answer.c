#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "relayd/net/dns_answer.h"
#include "tests/support/dns_message.h"
#include "tests/support/suite.h"

enum {
	MESSAGE_MAX = 65535
};

/* So that a row fits the eye. */
#define MX   DNS_MX
#define A    DNS_A
#define AAAA DNS_AAAA
#define GOOD DNS_FLAGS_GOOD

#define NAME63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static const struct row {
	const char *name;
	enum dns_type type;
	unsigned flags;
	const char *answers;
	const char *authorities;
	enum resolve_status status;
	const char *records; /* as told() writes them */
	uint32_t ttl;
	const char *error; /* or the alias to ask for */
} rows[] = {
	/* clang-format off */
	/* what is asked for */
	{ "campus.test", MX, GOOD, "@ 300 MX 10 mx.campus.test", NULL, RESOLVE_OK, "10 mx.campus.test", 300, NULL },
	{ "campus.test", MX, GOOD, "@ 300 MX 20 b.test;@ 200 MX 10 a.test;@ 400 MX 20 c.test;@ 300 MX 5 d.test", NULL, RESOLVE_OK, "5 d.test,10 a.test,20 b.test,20 c.test", 200, NULL },
	{ "campus.test", MX, GOOD, "@ 300 MX 10 MX.Campus.TEST", NULL, RESOLVE_OK, "10 mx.campus.test", 300, NULL },
	{ "CAMPUS.test", MX, GOOD, "campus.TEST 300 MX 10 mx.test", NULL, RESOLVE_OK, "10 mx.test", 300, NULL },
	{ "mx.test", A, GOOD, "@ 60 A 192.0.2.1;@ 60 A 192.0.2.2", NULL, RESOLVE_OK, "192.0.2.1,192.0.2.2", 60, NULL },
	{ "mx.test", AAAA, GOOD, "@ 60 AAAA 2001:db8::1", NULL, RESOLVE_OK, "2001:db8::1", 60, NULL },
	/* what nobody asked for */
	{ "mx.test", A, GOOD, "@ 60 AAAA 2001:db8::1;@ 60 A 192.0.2.1", NULL, RESOLVE_OK, "192.0.2.1", 60, NULL },
	{ "mx.test", A, GOOD, "other.test 60 A 192.0.2.66;@ 60 A 192.0.2.1", NULL, RESOLVE_OK, "192.0.2.1", 60, NULL },
	{ "mx.test", A, GOOD, "other.test 60 A 192.0.2.66", "test 60 SOA 60", RESOLVE_NODATA, "", 60, NULL },
	/* TTL: RFC 2181 8 */
	{ "mx.test", A, GOOD, "@ 4294967295 A 192.0.2.1", NULL, RESOLVE_OK, "192.0.2.1", 0, NULL },
	/* the null MX, RFC 7505 */
	{ "campus.test", MX, GOOD, "@ 300 MX 0 .", NULL, RESOLVE_OK, "0 ", 300, NULL },
	{ "campus.test", MX, GOOD, "@ 300 MX 0 .;@ 300 MX 10 mx.test", NULL, RESOLVE_OK, "10 mx.test", 300, NULL },
	{ "campus.test", MX, GOOD, "@ 300 MX 0 .;@ 300 MX 0 .", NULL, RESOLVE_OK, "0 ", 300, NULL },
	/* exchangers that are no host names */
	{ "campus.test", MX, GOOD, "@ 300 MX 10 a!b.test;@ 300 MX 20 mx.test", NULL, RESOLVE_OK, "20 mx.test", 300, NULL },
	{ "campus.test", MX, GOOD, "@ 300 MX 10 a\nb.test", NULL, RESOLVE_FAILED, "", 300, "no record is usable" },
	{ "campus.test", MX, GOOD, "@ 300 RAW 15 000a;@ 300 MX 20 mx.test", NULL, RESOLVE_OK, "20 mx.test", 300, NULL },
	{ "campus.test", MX, GOOD, "@ 300 RAW 15 000a", NULL, RESOLVE_FAILED, "", 300, "no record is usable" },
	{ "mx.test", A, GOOD, "@ 60 RAW 1 c00002", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	{ "mx.test", A, GOOD, "@ 60 RAW 1 c000020102", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	/* there is none: RFC 2308 2.2 */
	{ "campus.test", MX, GOOD, NULL, "test 500 SOA 60", RESOLVE_NODATA, "", 60, NULL },
	{ "campus.test", MX, GOOD, NULL, "test 50 SOA 60", RESOLVE_NODATA, "", 50, NULL },
	{ "campus.test", MX, GOOD, NULL, "test 50 NS ns.test;test 50 SOA 60", RESOLVE_NODATA, "", 50, NULL },
	{ "campus.test", MX, GOOD, NULL, NULL, RESOLVE_NODATA, "", 0, NULL },
	{ "campus.test", MX, GOOD | 3, NULL, "test 60 SOA 60", RESOLVE_NXDOMAIN, "", 60, NULL },
	{ "campus.test", MX, GOOD | 3, NULL, NULL, RESOLVE_NXDOMAIN, "", 0, NULL },
	/* nobody knows */
	{ "campus.test", MX, GOOD, NULL, "test 50 NS ns.test", RESOLVE_FAILED, "", 0, "server answered with a referral" },
	{ "campus.test", MX, GOOD | 1, NULL, NULL, RESOLVE_FAILED, "", 0, "server did not understand the question (FORMERR)" },
	{ "campus.test", MX, GOOD | 2, NULL, NULL, RESOLVE_FAILED, "", 0, "server failed (SERVFAIL)" },
	{ "campus.test", MX, GOOD | 4, NULL, NULL, RESOLVE_FAILED, "", 0, "server does not do that (NOTIMP)" },
	{ "campus.test", MX, GOOD | 5, NULL, NULL, RESOLVE_FAILED, "", 0, "server refused to answer (REFUSED)" },
	{ "campus.test", MX, GOOD | 9, NULL, NULL, RESOLVE_FAILED, "", 0, "server answered with an error" },
	{ "campus.test", MX, GOOD | 2, "@ 300 MX 10 mx.test", NULL, RESOLVE_FAILED, "", 0, "server failed (SERVFAIL)" },
	{ "campus.test", MX, GOOD | 3, "@ 300 MX 10 mx.test", NULL, RESOLVE_FAILED, "", 300, "answer contradicts itself" },
	{ "campus.test", MX, GOOD | DNS_FLAG_TRUNCATED, "@ 300 MX 10 mx.test", NULL, RESOLVE_FAILED, "", 0, "answer is cut short" },
	{ "campus.test", MX, 0x0100, "@ 300 MX 10 mx.test", NULL, RESOLVE_FAILED, "", 0, "garbled answer" },
	/* aliases */
	{ "www.test", A, GOOD, "@ 300 CNAME host.test;host.test 60 A 192.0.2.1", NULL, RESOLVE_OK, "192.0.2.1", 60, NULL },
	{ "www.test", A, GOOD, "@ 30 CNAME host.test;host.test 60 A 192.0.2.1", NULL, RESOLVE_OK, "192.0.2.1", 30, NULL },
	{ "www.test", A, GOOD, "c.test 60 A 192.0.2.1;b.test 60 CNAME c.test;@ 60 CNAME b.test", NULL, RESOLVE_OK, "192.0.2.1", 60, NULL },
	{ "www.test", MX, GOOD, "@ 60 CNAME b.test;b.test 60 MX 10 mx.test", NULL, RESOLVE_OK, "10 mx.test", 60, NULL },
	{ "www.test", A, GOOD, "@ 60 CNAME b.test", "test 60 SOA 60", RESOLVE_NODATA, "", 60, NULL },
	{ "www.test", A, GOOD, "@ 60 CNAME b.test", NULL, RESOLVE_NODATA, "", 60, "b.test" },
	{ "www.test", A, GOOD, "@ 60 CNAME b.test", "test 60 NS ns.test", RESOLVE_NODATA, "", 60, "b.test" },
	{ "www.test", A, GOOD | 3, "@ 60 CNAME b.test", "test 60 SOA 60", RESOLVE_NXDOMAIN, "", 60, NULL },
	{ "www.test", A, GOOD, "@ 60 CNAME www.test", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	{ "www.test", A, GOOD, "@ 60 CNAME b.test;b.test 60 CNAME www.test", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	{ "www.test", A, GOOD, "@ 60 CNAME .", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	{ "www.test", A, GOOD, "@ 60 CNAME a\nb.test", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	{ "www.test", A, GOOD, "@ 60 RAW 5 ff", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	/* names that are none */
	{ "www.test", A, GOOD, "@ 60 RAW 5 c0ff", NULL, RESOLVE_FAILED, "", 60, "alias leads in a circle or nowhere" },
	{ "www.test", MX, GOOD, "@ 60 RAW 15 0001c028", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	{ "www.test", MX, GOOD, "@ 60 RAW 15 0001c02a026d7800", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	{ "www.test", MX, GOOD, "@ 60 RAW 15 00014141", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	{ "www.test", MX, GOOD, "@ 60 RAW 15 0001804100", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	{ "www.test", MX, GOOD, "@ 60 MX 1 " NAME63 "." NAME63 "." NAME63 "." NAME63 ".test", NULL, RESOLVE_FAILED, "", 60, "no record is usable" },
	/* clang-format on */
};

/* The answer lies on the heap, so that ASan sees a byte read too far. */
static void
read_bytes(struct dns_answer *answer, enum dns_type type, const char *bytes,
    size_t len)
{
	unsigned char *copy = xcalloc(len == 0 ? 1 : len, 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	dns_answer_read(answer, type, copy, len);
	free(copy);
}

static void
told(const struct dns_answer *answer, enum dns_type type, struct buf *out)
{
	char text[IP_TEXT_MAX];
	size_t i;

	buf_empty(out);
	for (i = 0; i < answer->count; i++) {
		if (i > 0)
			buf_add_byte(out, ',');
		if (type == DNS_MX)
			buf_addf(out, "%u %s", answer->mx[i].preference,
			    answer->mx[i].host);
		else
			buf_addf(out, "%s", ip_text(&answer->ip[i], text));
	}
}

static void
write_row(const struct row *row, struct buf *message)
{
	dns_message_begin(message, 7, row->flags, row->name, row->type);
	if (row->answers != NULL)
		dns_message_add(message, DNS_ANSWER, row->answers);
	if (row->authorities != NULL)
		dns_message_add(message, DNS_AUTHORITY, row->authorities);
}

START_TEST(message_is_read_as_the_table_says)
{
	static struct dns_answer answer;
	const struct row *row = &rows[_i];
	struct buf message, text;

	buf_init(&message, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	write_row(row, &message);
	read_bytes(&answer, row->type, message.data, message.len);
	told(&answer, row->type, &text);
	ck_assert_int_eq(answer.status, row->status);
	ck_assert_str_eq(buf_text(&text), row->records);
	if (row->status == RESOLVE_FAILED) {
		ck_assert_str_eq(answer.error, row->error);
		ck_assert_str_eq(answer.alias, "");
	} else {
		ck_assert_str_eq(answer.alias,
		    row->error == NULL ? "" : row->error);
		ck_assert_uint_eq(answer.ttl, row->ttl);
	}
	buf_clear(&message);
	buf_clear(&text);
}
END_TEST

/* Cut anywhere, a message is garbled: it never tells of "none" or half of it. */
START_TEST(message_cut_anywhere_is_a_failure)
{
	static struct dns_answer answer;
	const struct row *row = &rows[_i];
	struct buf message;
	size_t len;

	buf_init(&message, MESSAGE_MAX);
	write_row(row, &message);
	for (len = 0; len < message.len; len++) {
		read_bytes(&answer, row->type, message.data, len);
		/* "No such name", once read, needs no authority section. */
		if (row->authorities != NULL &&
		    (row->status == RESOLVE_OK ||
			row->status == RESOLVE_NXDOMAIN))
			continue;
		ck_assert_msg(answer.status == RESOLVE_FAILED, "at %zu", len);
		ck_assert_uint_eq(answer.count, 0);
	}
	buf_clear(&message);
}
END_TEST

/* Every byte in turn is changed: any answer will do, as long as it is one. */
START_TEST(message_with_any_byte_changed_is_read_within_its_bounds)
{
	static struct dns_answer answer;
	static const char changes[] = { 0, 1, 0x3f, 0x40, (char)0xc0,
		(char)0xff };
	const struct row *row = &rows[_i];
	struct buf message;
	size_t at, i;
	char kept;

	buf_init(&message, MESSAGE_MAX);
	write_row(row, &message);
	for (at = 0; at < message.len; at++) {
		kept = message.data[at];
		for (i = 0; i < sizeof(changes); i++) {
			message.data[at] = changes[i];
			read_bytes(&answer, row->type, message.data,
			    message.len);
			ck_assert_uint_le(answer.count, RESOLVE_MX_MAX);
			ck_assert((answer.status == RESOLVE_OK) ==
			    (answer.count > 0));
		}
		message.data[at] = kept;
	}
	buf_clear(&message);
}
END_TEST

/* Of too many the best stay, in order. */
START_TEST(worst_of_too_many_exchangers_drop_out)
{
	static struct dns_answer answer;
	struct buf message, records;
	size_t i;

	buf_init(&message, MESSAGE_MAX);
	buf_init(&records, MESSAGE_MAX);
	for (i = 0; i < 500; i++)
		buf_addf(&records, "@ 60 MX %zu mx%zu.test;", 500 - i, 500 - i);
	dns_message_begin(&message, 7, GOOD, "campus.test", DNS_MX);
	dns_message_add(&message, DNS_ANSWER, buf_text(&records));
	read_bytes(&answer, DNS_MX, message.data, message.len);
	ck_assert_int_eq(answer.status, RESOLVE_OK);
	ck_assert_uint_eq(answer.count, RESOLVE_MX_MAX);
	for (i = 0; i < RESOLVE_MX_MAX; i++)
		ck_assert_uint_eq(answer.mx[i].preference, i + 1);
	buf_clear(&message);
	buf_clear(&records);
}
END_TEST

START_TEST(too_many_addresses_are_cut)
{
	static struct dns_answer answer;
	struct buf message, records;
	int i;

	buf_init(&message, MESSAGE_MAX);
	buf_init(&records, MESSAGE_MAX);
	for (i = 0; i < 100; i++)
		buf_addf(&records, "@ 60 A 192.0.2.%d;", i);
	dns_message_begin(&message, 7, GOOD, "mx.test", DNS_A);
	dns_message_add(&message, DNS_ANSWER, buf_text(&records));
	read_bytes(&answer, DNS_A, message.data, message.len);
	ck_assert_int_eq(answer.status, RESOLVE_OK);
	ck_assert_uint_eq(answer.count, RESOLVE_ADDRESS_MAX);
	buf_clear(&message);
	buf_clear(&records);
}
END_TEST

static Suite *
dns_answer_suite(void)
{
	const int count = (int)(sizeof(rows) / sizeof(rows[0]));
	Suite *suite = suite_create("dns_answer");
	TCase *tests = tcase_create("dns_answer");

	tcase_add_loop_test(tests, message_is_read_as_the_table_says, 0, count);
	tcase_add_loop_test(tests, message_cut_anywhere_is_a_failure, 0, count);
	tcase_add_loop_test(tests,
	    message_with_any_byte_changed_is_read_within_its_bounds, 0, count);
	tcase_add_test(tests, worst_of_too_many_exchangers_drop_out);
	tcase_add_test(tests, too_many_addresses_are_cut);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(dns_answer_suite)
