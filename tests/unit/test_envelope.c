#include <stdlib.h>
#include <string.h>

#include "spool/bytes.h"
#include "spool/domains.h"
#include "spool/envelope.h"
#include "tests/support/suite.h"

static struct recipient recipients[] = {
	{ .address = { "a@x.test", 8 },
	    .domain = { "x.test", 6 },
	    .orcpt = { "rfc822;a", 8 },
	    .notify = NOTIFY_NEVER },
	{ .address = { "\"b\0c\"@y.test", 12 }, .domain = { "y.test", 6 } },
	{ .address = { "d@x.test", 8 }, .domain = { "x.test", 6 } },
};

static const struct envelope sample = {
	.session = { "7f3a", 4 },
	.client = { "192.0.2.17", 10 },
	.helo = { "\0\x01\xff\n", 4 },
	.owner = { "lab@campus.test", 15 },
	.envid = { "QQ314159", 8 },
	.arrival = -1,
	.flags = ENVELOPE_GRANTED | ENVELOPE_RET_HDRS,
	.body = BODY_8BIT,
	.recipient_count = 3,
	.recipients = recipients,
};

static void
encode(struct buf *bytes)
{
	buf_init(bytes, ENVELOPE_MAX);
	envelope_encode(&sample, bytes);
	ck_assert(!bytes->full);
}

START_TEST(what_is_encoded_is_decoded)
{
	struct envelope back;
	struct buf bytes;
	size_t i;

	encode(&bytes);
	ck_assert(envelope_decode(buf_span(&bytes), &back));
	ck_assert_uint_eq(back.sender.len, 0);
	ck_assert(span_equal(back.session, sample.session));
	ck_assert(span_equal(back.client, sample.client));
	ck_assert(span_equal(back.helo, sample.helo));
	ck_assert(span_equal(back.owner, sample.owner));
	ck_assert(span_equal(back.envid, sample.envid));
	ck_assert_int_eq(back.arrival, sample.arrival);
	ck_assert_uint_eq(back.flags, sample.flags);
	ck_assert_int_eq(back.body, sample.body);
	ck_assert_uint_eq(back.recipient_count, 3);
	for (i = 0; i < 3; i++) {
		ck_assert(span_equal(back.recipients[i].address,
		    recipients[i].address));
		ck_assert(span_equal(back.recipients[i].domain,
		    recipients[i].domain));
		ck_assert(
		    span_equal(back.recipients[i].orcpt, recipients[i].orcpt));
		ck_assert_uint_eq(back.recipients[i].notify,
		    recipients[i].notify);
	}
	envelope_clear(&back);
	buf_clear(&bytes);
}
END_TEST

START_TEST(an_envelope_cut_anywhere_is_refused)
{
	struct envelope back;
	struct buf bytes;
	struct span exact;
	char *copy;
	size_t len;

	encode(&bytes);
	for (len = 0; len < bytes.len; len++) {
		/* In memory of its own, so that ASan sees a step too far. */
		copy = malloc(len == 0 ? 1 : len);
		memcpy(copy, bytes.data, len);
		exact = span_make(copy, len);
		ck_assert_msg(!envelope_decode(exact, &back), "cut at %zu",
		    len);
		ck_assert_ptr_null(back.recipients);
		free(copy);
	}
	buf_add_byte(&bytes, 'x');
	ck_assert(!envelope_decode(buf_span(&bytes), &back));
	buf_clear(&bytes);
}
END_TEST

START_TEST(any_changed_byte_is_read_without_harm)
{
	struct envelope back;
	struct buf bytes;
	size_t at;
	int bit;

	encode(&bytes);
	for (at = 0; at < bytes.len; at++)
		for (bit = 0; bit < 8; bit++) {
			bytes.data[at] ^= (char)(1 << bit);
			if (envelope_decode(buf_span(&bytes), &back))
				envelope_clear(&back);
			bytes.data[at] ^= (char)(1 << bit);
		}
	buf_clear(&bytes);
}
END_TEST

START_TEST(a_count_of_recipients_that_cannot_be_there_allocates_nothing)
{
	struct envelope back;
	struct buf bytes;

	encode(&bytes);
	bytes_put32((unsigned char *)bytes.data + 16, 0xffffffffu);
	ck_assert(!envelope_decode(buf_span(&bytes), &back));
	bytes_put32((unsigned char *)bytes.data + 16, 90000);
	ck_assert(!envelope_decode(buf_span(&bytes), &back));
	ck_assert_ptr_null(back.recipients);
	buf_clear(&bytes);
}
END_TEST

START_TEST(one_that_does_not_fit_says_full)
{
	struct envelope many = sample;
	struct buf bytes;

	buf_init(&bytes, 100);
	envelope_encode(&sample, &bytes);
	ck_assert(bytes.full);
	buf_clear(&bytes);
	buf_init(&bytes, ENVELOPE_MAX);
	many.recipient_count = ENVELOPE_RECIPIENTS_MAX + 1;
	envelope_encode(&many, &bytes);
	ck_assert(bytes.full);
	buf_clear(&bytes);
}
END_TEST

START_TEST(domains_are_told_once_each)
{
	size_t len;
	char *domains = domains_of(&sample, &len);

	ck_assert(span_equal(span_make(domains, len),
	    span_make("x.test\0y.test", 13)));
	free(domains);
}
END_TEST

static Suite *
envelope_suite(void)
{
	Suite *suite = suite_create("envelope");
	TCase *all = tcase_create("all");

	tcase_add_test(all, what_is_encoded_is_decoded);
	tcase_add_test(all, an_envelope_cut_anywhere_is_refused);
	tcase_add_test(all, any_changed_byte_is_read_without_harm);
	tcase_add_test(all,
	    a_count_of_recipients_that_cannot_be_there_allocates_nothing);
	tcase_add_test(all, one_that_does_not_fit_says_full);
	tcase_add_test(all, domains_are_told_once_each);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(envelope_suite)
