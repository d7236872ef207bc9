#include <stdio.h>
#include <string.h>

#include "relayd/net/dns_cache.h"
#include "tests/support/suite.h"

enum {
	MANY = 15000,
	BOUND = 10000,
};

static struct dns_cache *cache;

static void
setup(void)
{
	cache = dns_cache_new();
}

static void
teardown(void)
{
	dns_cache_free(cache);
}

static struct dns_entry *
get(int number)
{
	char name[40];

	snprintf(name, sizeof(name), "n%d.test", number);
	return dns_cache_get(cache, DNS_KIND_MX, name);
}

START_TEST(same_name_and_kind_is_the_same_entry)
{
	struct dns_entry *mx = dns_cache_get(cache, DNS_KIND_MX, "a.test");

	ck_assert_ptr_eq(mx, dns_cache_get(cache, DNS_KIND_MX, "a.test"));
	ck_assert_ptr_ne(mx, dns_cache_get(cache, DNS_KIND_ADDRESS, "a.test"));
	ck_assert_ptr_ne(mx, dns_cache_get(cache, DNS_KIND_MX, "b.test"));
	ck_assert_uint_eq(dns_cache_count(cache), 3);
}
END_TEST

START_TEST(least_recently_used_are_forgotten_first)
{
	int i;

	for (i = 0; i < MANY; i++) {
		get(i)->ttl = (uint32_t)i + 1;
		get(0); /* in use all the time */
		dns_cache_trim(cache);
	}
	ck_assert_uint_eq(dns_cache_count(cache), BOUND);
	ck_assert_uint_eq(get(0)->ttl, 1);
	ck_assert_uint_eq(get(MANY - 1)->ttl, MANY);
	ck_assert_uint_eq(get(1)->ttl, 0);
}
END_TEST

START_TEST(entries_in_use_are_not_forgotten)
{
	struct dns_entry *asked = get(0), *to_tell = get(1);
	int i;

	asked->asked = 1;
	to_tell->place = DNS_TO_TELL;
	for (i = 2; i < MANY; i++) {
		get(i);
		dns_cache_trim(cache);
	}
	ck_assert_ptr_eq(asked, get(0));
	ck_assert_ptr_eq(to_tell, get(1));
	asked->asked = 0;
	to_tell->place = DNS_NOWHERE;
}
END_TEST

/* Half of the cache is theirs, and no more when there are too many of them. */
START_TEST(entries_that_are_kept_are_not_forgotten_for_others)
{
	int i;

	for (i = 0; i < BOUND / 2; i++) {
		get(i)->ttl = (uint32_t)i + 1;
		dns_cache_keep(cache, get(i));
	}
	for (; i < MANY; i++) {
		get(i);
		dns_cache_trim(cache);
	}
	ck_assert_uint_eq(dns_cache_count(cache), BOUND);
	for (i = 0; i < BOUND / 2; i++)
		ck_assert_uint_eq(get(i)->ttl, (uint32_t)i + 1);
	for (i = MANY; i < 2 * MANY; i++) {
		dns_cache_keep(cache, get(i));
		dns_cache_trim(cache);
	}
	ck_assert_uint_eq(dns_cache_count(cache), BOUND);
	ck_assert_uint_eq(get(0)->ttl, 0);
}
END_TEST

START_TEST(memory_of_records_is_bounded_too)
{
	static struct mx records[RESOLVE_MX_MAX];
	int i;

	for (i = 0; i < 1000; i++) {
		dns_cache_learn(cache, get(i), RESOLVE_OK, records,
		    RESOLVE_MX_MAX);
		dns_cache_trim(cache);
	}
	/* 26 KB each, 8 MiB in all. */
	ck_assert_uint_lt(dns_cache_count(cache), 350);
	ck_assert_uint_gt(dns_cache_count(cache), 250);
}
END_TEST

START_TEST(learning_anew_takes_the_place_of_what_was_known)
{
	struct dns_entry *entry = get(1);
	struct mx mx = { 10, "mx.test" };
	int i;

	for (i = 0; i < 100000; i++)
		dns_cache_learn(cache, entry, RESOLVE_OK, &mx, 1);
	dns_cache_trim(cache);
	ck_assert_uint_eq(dns_cache_count(cache), 1);
	ck_assert_str_eq(entry->mx[0].host, "mx.test");
	dns_cache_learn(cache, entry, RESOLVE_NODATA, NULL, 0);
	ck_assert_uint_eq(entry->count, 0);
	ck_assert_ptr_null(entry->mx);
}
END_TEST

static Suite *
dns_cache_suite(void)
{
	Suite *suite = suite_create("dns_cache");
	TCase *tests = tcase_create("dns_cache");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, same_name_and_kind_is_the_same_entry);
	tcase_add_test(tests, least_recently_used_are_forgotten_first);
	tcase_add_test(tests, entries_in_use_are_not_forgotten);
	tcase_add_test(tests,
	    entries_that_are_kept_are_not_forgotten_for_others);
	tcase_add_test(tests, memory_of_records_is_bounded_too);
	tcase_add_test(tests, learning_anew_takes_the_place_of_what_was_known);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(dns_cache_suite)
