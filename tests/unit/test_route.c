/*
 * test_route - via= and the destinations it names.
 */
#include <string.h>

#include "domains/route.h"
#include "tests/support/suite.h"

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *via;
	const char *destination; /* NULL: refused */
	size_t at;               /* of the fault */
} cases[] = {
	{ "mx", "mx:campus.test tls=may", 0 },
	{ "mx1.campus.test", "mx1.campus.test:25 tls=may", 0 },
	{ "MX1.Campus.Test:2525", "mx1.campus.test:2525 tls=may", 0 },
	{ "[192.0.2.25]", "[192.0.2.25]:25 tls=may", 0 },
	{ "[192.0.2.25]:2525", "[192.0.2.25]:2525 tls=may", 0 },
	{ "192.0.2.25:2525", "[192.0.2.25]:2525 tls=may", 0 },
	{ "[2001:DB8::0:1]:26", "[2001:db8::1]:26 tls=may", 0 },
	{ "[::ffff:192.0.2.25]", "[192.0.2.25]:25 tls=may", 0 },
	{ "a.test,b.test:26,[192.0.2.1]",
	    "a.test:25,b.test:26,[192.0.2.1]:25 tls=may", 0 },
	{ "mx,b.test", "mx:25,b.test:25 tls=may", 0 },
	{ "b\xc3\xbc\x63her.test", "xn--bcher-kva.test:25 tls=may", 0 },
	{ "lmtp:store.test", "lmtp:store.test:24 tls=may", 0 },
	{ "lmtp:Store.test:2003", "lmtp:store.test:2003 tls=may", 0 },
	{ "lmtp:[192.0.2.1]:2003", "lmtp:[192.0.2.1]:2003 tls=may", 0 },
	{ "lmtp:[2001:db8::1]", "lmtp:[2001:db8::1]:24 tls=may", 0 },
	{ "lmtp:192.0.2.1", "lmtp:[192.0.2.1]:24 tls=may", 0 },
	{ "lmtp:unix:/run/dovecot/lmtp", "lmtp:unix:/run/dovecot/lmtp tls=may",
	    0 },
	{ "lmtp:unix:/a,lmtp:b.test,c.test",
	    "lmtp:unix:/a,lmtp:b.test:24,c.test:25 tls=may", 0 },
	{ "lmtp.test:24", "lmtp.test:24 tls=may", 0 },
	{ "lmtp", "lmtp:25 tls=may", 0 },
	/* not a host of that name: one of the two has to give way */
	{ "lmtp:24", NULL, 5 },
	{ "lmtp:", NULL, 5 },
	{ "lmtp:lmtp:a.test", NULL, 9 },
	{ "lmtp:a.test:x", NULL, 11 },
	{ "lmtp:a.test:25", NULL, 5 },
	{ "lmtp:[192.0.2.1]:25", NULL, 5 },
	{ "lmtp:mx", "lmtp:mx:24 tls=may", 0 },
	{ "lmtp:unix:", NULL, 10 },
	{ "lmtp:unix:/", NULL, 10 },
	{ "lmtp:unix:run/lmtp", NULL, 10 },
	{ "lmtp:unix:/run/a b", NULL, 16 },
	{ "lmtp:unix:/a\x7f", NULL, 12 },
	{ "unix:/run/lmtp", NULL, 4 },
	{ "lmtp:unix:/" HUNDRED "123456",
	    "lmtp:unix:/" HUNDRED "123456 tls=may", 0 },
	{ "lmtp:unix:/" HUNDRED "1234567", NULL, 10 },
	{ "", NULL, 0 },
	{ ",", NULL, 0 },
	{ "a.test,", NULL, 7 },
	{ "a.test,,b.test", NULL, 7 },
	{ "a.test, b.test", NULL, 7 },
	{ "a.test,b..test", NULL, 7 },
	{ "a.test:", NULL, 6 },
	{ "a.test:0", NULL, 6 },
	{ "a.test:65536", NULL, 6 },
	{ "a.test:-1", NULL, 6 },
	{ "a.test:25:25", NULL, 6 },
	{ "b.test,[192.0.2.1]:x", NULL, 18 },
	{ "[192.0.2.1]x", NULL, 11 },
	{ "[192.0.2.1", NULL, 0 },
	{ "[a.test]", NULL, 0 },
	{ "[]", NULL, 0 },
	{ "2001:db8::1", NULL, 0 },
	{ "192.0.2.256", NULL, 0 },
	{ "a.test.", NULL, 0 },
	{ "1,2", NULL, 0 },
	{ "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
	    "a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25,"
	    "a:25,a:25,a:25,a:25,a:25,a:25,a:25,a:25 tls=may",
	    0 },
	{ "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL, 40 },
};

START_TEST(via_is_a_route_or_says_where_it_is_wrong)
{
	struct route route, copy;
	const char *why = NULL;
	struct buf text;
	size_t at = 0;
	bool good;

	buf_init(&text, 1000);
	good = route_parse(span_of(cases[_i].via), &route, &at, &why);
	ck_assert_msg(good == (cases[_i].destination != NULL), "%s: %s",
	    cases[_i].via, why);
	if (!good) {
		ck_assert_msg(at == cases[_i].at, "%s at %zu", why, at);
		ck_assert_ptr_nonnull(strstr(why, "expected"));
		ck_assert_ptr_null(route.hops);
		return;
	}
	route_copy(&copy, &route);
	ck_assert(route_equal(&copy, &route));
	route_clear(&route);
	route_destination(&copy, SPAN("campus.test"), &text);
	ck_assert_str_eq(buf_text(&text), cases[_i].destination);
	route_clear(&copy);
	buf_clear(&text);
}
END_TEST

static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{ "mx", "mx", true },
	{ "mx", "a.test", false },
	{ "a.test", "A.TEST:25", true },
	{ "a.test", "a.test:26", false },
	{ "a.test", "b.test", false },
	{ "a.test", "a.test,b.test", false },
	{ "a.test,b.test", "b.test,a.test", false },
	{ "[192.0.2.1]", "[::ffff:192.0.2.1]", true },
	{ "[192.0.2.1]", "[192.0.2.2]", false },
	{ "[192.0.2.1]", "a.test", false },
	{ "lmtp:a.test:26", "a.test:26", false },
	{ "lmtp:a.test", "lmtp:a.test:24", true },
	{ "lmtp:unix:/a", "lmtp:unix:/a", true },
	{ "lmtp:unix:/a", "lmtp:unix:/b", false },
	{ "lmtp:unix:/a", "lmtp:a.test", false },
};

START_TEST(routes_are_equal_when_their_destinations_are)
{
	struct buf first, second;
	struct route a, b;
	const char *why;
	size_t at;

	buf_init(&first, 1000);
	buf_init(&second, 1000);
	ck_assert(route_parse(span_of(pairs[_i].a), &a, &at, &why));
	ck_assert(route_parse(span_of(pairs[_i].b), &b, &at, &why));
	route_destination(&a, SPAN("c.test"), &first);
	route_destination(&b, SPAN("c.test"), &second);
	ck_assert_int_eq(route_equal(&a, &b), pairs[_i].equal);
	ck_assert_int_eq(span_equal(buf_span(&first), buf_span(&second)),
	    pairs[_i].equal);
	b.tls = TLS_VERIFY;
	ck_assert(!route_equal(&a, &b));
	route_clear(&a);
	route_clear(&b);
	buf_clear(&first);
	buf_clear(&second);
}
END_TEST

START_TEST(tls_levels_have_names)
{
	static const enum tls_level all[] = { TLS_OFF, TLS_MAY, TLS_REQUIRE,
		TLS_VERIFY };
	enum tls_level level = TLS_OFF;
	size_t i;

	for (i = 0; i < 4; i++) {
		ck_assert(
		    tls_level_parse(span_of(tls_level_name(all[i])), &level));
		ck_assert_int_eq(level, all[i]);
	}
	ck_assert(!tls_level_parse(SPAN("on"), &level));
	ck_assert(!tls_level_parse(SPAN(""), &level));
	ck_assert(!tls_level_parse(SPAN("verifyx"), &level));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
route_suite(void)
{
	Suite *suite = suite_create("route");
	TCase *tcase = tcase_create("routes");

	tcase_add_loop_test(tcase, via_is_a_route_or_says_where_it_is_wrong, 0,
	    ROWS(cases));
	tcase_add_loop_test(tcase, routes_are_equal_when_their_destinations_are,
	    0, ROWS(pairs));
	tcase_add_test(tcase, tls_levels_have_names);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(route_suite)
