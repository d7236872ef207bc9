#include "relayd/smtp/shares.h"
#include "tests/support/suite.h"

static struct shares shares;
static const uint64_t now = 5000;

static struct ip
address(const char *text)
{
	struct ip ip;

	ck_assert(ip_parse(span_of(text), &ip));
	return ip;
}

/* How many calls of so many it gets in a turn. */
static unsigned
taken(const char *text, uint64_t turn, uint64_t at, unsigned asks)
{
	struct ip ip = address(text);
	unsigned got = 0;

	while (asks-- > 0)
		got += shares_take(&shares, &ip, turn, at);
	return got;
}

static void
setup(void)
{
	shares_init(&shares, 1);
}

START_TEST(client_that_is_alone_has_all_of_a_turn)
{
	taken("192.0.2.1", 1, 0, 1);
	ck_assert_uint_eq(taken("192.0.2.1", 2, now, 100), 100);
}
END_TEST

START_TEST(client_among_others_has_its_share_of_each_turn)
{
	ck_assert_uint_eq(taken("192.0.2.1", 1, now, 1), 1);
	ck_assert_uint_eq(taken("192.0.2.9", 1, now, 100), SHARES_CALLS);
	ck_assert_uint_eq(taken("192.0.2.1", 1, now, 1), 1);
	ck_assert_uint_eq(taken("192.0.2.9", 2, now, 100), SHARES_CALLS);
}
END_TEST

START_TEST(client_is_alone_again_when_the_others_rest)
{
	taken("192.0.2.1", 1, now, 1);
	taken("192.0.2.9", 1, now, 1);
	ck_assert_uint_eq(taken("192.0.2.9", 2, now + SHARES_ALONE_MS - 1, 100),
	    SHARES_CALLS);
	ck_assert_uint_eq(taken("192.0.2.9", 3, now + SHARES_ALONE_MS, 100),
	    100);
}
END_TEST

START_TEST(addresses_of_one_v6_network_are_one_client)
{
	taken("192.0.2.1", 1, now, 1);
	ck_assert_uint_eq(taken("2001:db8::1", 1, now, 1), 1);
	ck_assert_uint_eq(taken("2001:db8::2", 1, now, 9), SHARES_CALLS - 1);
	ck_assert_uint_eq(taken("2001:db8:0:1::2", 1, now, 1), 1);
}
END_TEST

static Suite *
shares_suite(void)
{
	Suite *suite = suite_create("shares");
	TCase *tests = tcase_create("shares");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, client_that_is_alone_has_all_of_a_turn);
	tcase_add_test(tests, client_among_others_has_its_share_of_each_turn);
	tcase_add_test(tests, client_is_alone_again_when_the_others_rest);
	tcase_add_test(tests, addresses_of_one_v6_network_are_one_client);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(shares_suite)
