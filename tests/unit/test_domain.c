/*
 * test_domain - names and literals in the one form they are compared in.
 */
#include <locale.h>
#include <string.h>

#include "domains/domain.h"
#include "tests/support/suite.h"

#define LABEL_63 \
	"a23456789012345678901234567890123456789012345678901234567890123"
#define DOMAIN_255 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63
#define UMLAUTS_20                                                         \
	"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6" \
	"\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4" \
	"\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6"

static const struct {
	const char *name;
	const char *normal; /* NULL: refused */
} names[] = {
	/* clang-format off */
	{ "campus.test", "campus.test" },
	{ "Campus.TEST", "campus.test" },
	{ "localhost", "localhost" },
	{ "a_b.campus.test", "a_b.campus.test" },
	{ "_dmarc.campus.test", "_dmarc.campus.test" },
	{ "3com.test", "3com.test" },
	{ "192.0.2.1", "192.0.2.1" },
	{ "xn--bcher-kva.test", "xn--bcher-kva.test" },
	{ LABEL_63 ".test", LABEL_63 ".test" },
	{ DOMAIN_255, DOMAIN_255 },
	/* U-labels (RFC 5891), in any case and any normal form */
	{ "b\xc3\xbc\x63her.test", "xn--bcher-kva.test" },
	{ "B\xc3\x9c\x43HER.Test", "xn--bcher-kva.test" },
	{ "bu\xcc\x88\x63her.test", "xn--bcher-kva.test" },
	{ "fu\xc3\x9f.test", "xn--fu-hia.test" },
	{ "campus\xe3\x80\x82test", "campus.test" },
	{ "\xe2\x84\xaa\x65lvin.test", "kelvin.test" },
	{ "_x.b\xc3\xbc\x63her.test", "_x.xn--bcher-kva.test" },
	/* no domain names */
	{ "", NULL },
	{ ".", NULL },
	{ "campus.test.", NULL },
	{ ".campus.test", NULL },
	{ "campus..test", NULL },
	{ "-campus.test", NULL },
	{ "campus-.test", NULL },
	{ "cam pus.test", NULL },
	{ "cam\tpus.test", NULL },
	{ "cam@pus.test", NULL },
	{ "cam/pus.test", NULL },
	{ "*.campus.test", NULL },
	{ "[192.0.2.1]", NULL },
	{ "\"campus.test\"", NULL },
	{ "campus.test\x7f", NULL },
	{ LABEL_63 "x.test", NULL },
	{ DOMAIN_255 ".a", NULL },
	{ "campus.test\xff", NULL },
	{ "campus\xc0\xaetest", NULL },
	{ "b\xc3\xbc\x63her.test.", NULL },
	{ "b\xc3\xbc\x63her.test\xe3\x80\x82", NULL },
	{ "b\xc3\xbc\x63her\xef\xbc\xa0test", NULL },
	{ "b\xc3\xbc\x63her\xe2\x84\x80.test", NULL },
	{ "b\xc3\xbc\x63her\xe2\x80\xa5test", NULL },
	{ "b\xc3\xbc\x63her test", NULL },
	{ "\xf0\x9f\x93\xa7.test", NULL },
	{ UMLAUTS_20 UMLAUTS_20 UMLAUTS_20 UMLAUTS_20 ".test", NULL },
	/* clang-format on */
};

START_TEST(name_has_one_form_or_is_refused)
{
	char out[DOMAIN_MAX + 1] = "?";
	const char *why = NULL;
	bool good;

	good = domain_normalise(span_of(names[_i].name), out, &why);
	if (names[_i].normal == NULL) {
		ck_assert_msg(!good, "%s became %s", names[_i].name, out);
		ck_assert_ptr_nonnull(strstr(why, "expected"));
	} else {
		ck_assert_msg(good, "%s: %s", names[_i].name, why);
		ck_assert_str_eq(out, names[_i].normal);
	}
}
END_TEST

START_TEST(form_does_not_depend_on_the_locale)
{
	setlocale(LC_ALL, "C");
	name_has_one_form_or_is_refused_fn(_i);
	setlocale(LC_ALL, "");
	name_has_one_form_or_is_refused_fn(_i);
}
END_TEST

START_TEST(normal_form_is_its_own)
{
	char out[DOMAIN_MAX + 1];
	const char *why;

	if (names[_i].normal == NULL)
		return;
	ck_assert(domain_normalise(span_of(names[_i].normal), out, &why));
	ck_assert_str_eq(out, names[_i].normal);
}
END_TEST

START_TEST(nul_is_in_no_name)
{
	char out[DOMAIN_MAX + 1];
	const char *why;

	ck_assert(!domain_normalise(SPAN("campus.test\0x"), out, &why));
	ck_assert(!domain_normalise(SPAN("b\xc3\xbc.test\0x"), out, &why));
	ck_assert(!domain_literal(SPAN("[192.0.2.1\0]"), out, &why));
}
END_TEST

static const struct {
	const char *literal;
	const char *normal;
} literals[] = {
	{ "[192.0.2.1]", "[192.0.2.1]" },
	{ "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]" },
	{ "[ipV6:2001:DB8:0:0:0::1]", "[IPv6:2001:db8::1]" },
	{ "[IPv6:::ffff:192.0.2.1]", "[192.0.2.1]" },
	{ "[IPv6:::1]", "[IPv6:::1]" },
	{ "[]", NULL },
	{ "[", NULL },
	{ "]", NULL },
	{ "", NULL },
	{ "192.0.2.1", NULL },
	{ "[192.0.2]", NULL },
	{ "[192.0.2.256]", NULL },
	{ "[192.0.2.01]", NULL },
	{ "[ 192.0.2.1]", NULL },
	{ "[192.0.2.1]]", NULL },
	{ "[[192.0.2.1]]", NULL },
	{ "[2001:db8::1]", NULL },
	{ "[IPv6:192.0.2.1]", NULL },
	{ "[IPv6:fe80::1%eth0]", NULL },
	{ "[tag:content]", NULL },
	{ "[IPv6:2001:db8:1111:2222:3333:4444:5555:6666:7777:8888]", NULL },
};

START_TEST(literal_has_one_spelling_or_is_refused)
{
	char out[DOMAIN_MAX + 1];
	const char *why;
	bool good;

	good = domain_literal(span_of(literals[_i].literal), out, &why);
	ck_assert_int_eq(good, literals[_i].normal != NULL);
	if (good)
		ck_assert_str_eq(out, literals[_i].normal);
	else
		ck_assert_ptr_nonnull(strstr(why, "expected"));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
domain_suite(void)
{
	Suite *suite = suite_create("domain");
	TCase *tcase = tcase_create("forms");

	tcase_add_loop_test(tcase, name_has_one_form_or_is_refused, 0,
	    ROWS(names));
	tcase_add_loop_test(tcase, form_does_not_depend_on_the_locale, 0,
	    ROWS(names));
	tcase_add_loop_test(tcase, normal_form_is_its_own, 0, ROWS(names));
	tcase_add_test(tcase, nul_is_in_no_name);
	tcase_add_loop_test(tcase, literal_has_one_spelling_or_is_refused, 0,
	    ROWS(literals));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(domain_suite)
