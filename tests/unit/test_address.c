/*
 * test_address - paths and mailboxes: what they mean, in one form.
 */
#include <stdio.h>
#include <string.h>

#include "domains/address.h"
#include "tests/support/suite.h"

/* What must come of a path: the canonical text, or "" for a refusal. */
static const struct path_case {
	const char *args;
	const char *text;
	enum address_kind kind;
	unsigned quirks;
	const char *parameters; /* what stands behind *used */
} path_cases[] = {
	/* clang-format off */
	/* RFC 5321 4.1.2, as it should be */
	{ "<a@b.example>", "a@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<a@b.example> SIZE=10", "a@b.example", ADDRESS_DOMAIN, 0, "SIZE=10" },
	{ "<a@B.Example>   BODY=8BITMIME  X=1", "a@b.example", ADDRESS_DOMAIN, 0, "BODY=8BITMIME  X=1" },
	{ "<>", "", ADDRESS_NULL, 0, "" },
	{ "<> RET=HDRS", "", ADDRESS_NULL, 0, "RET=HDRS" },
	{ "<Postmaster>", "Postmaster", ADDRESS_BARE, 0, "" },
	{ "<First.Last@b.example>", "First.Last@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<!#$%&'*+-/=?^_`{|}~@b.example>", "!#$%&'*+-/=?^_`{|}~@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<a@localhost>", "a@localhost", ADDRESS_DOMAIN, 0, "" },
	{ "<a@192.0.2.1>", "a@192.0.2.1", ADDRESS_DOMAIN, 0, "" },
	{ "<a@scan_er.example>", "a@scan_er.example", ADDRESS_DOMAIN, 0, "" },
	/* quotes: none where none are needed, and always the same escapes */
	{ "<\"a\"@b.example>", "a@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"\\a\\b\"@b.example>", "ab@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"a b\"@b.example> X", "\"a b\"@b.example", ADDRESS_DOMAIN, 0, "X" },
	{ "<\"a\\\"\\\\\"@b.example>", "\"a\\\"\\\\\"@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"a>b\"@b.example>", "\"a>b\"@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"<a\"@b.example>", "\"<a\"@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"a@b\"@b.example>", "\"a@b\"@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<\"postmaster\">", "postmaster", ADDRESS_BARE, 0, "" },
	{ "<a..b.@b.example>", "\"a..b.\"@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<.a@b.example>", "\".a\"@b.example", ADDRESS_DOMAIN, 0, "" },
	/* literals */
	{ "<a@[192.0.2.1]>", "a@[192.0.2.1]", ADDRESS_LITERAL, 0, "" },
	{ "<a@[ipv6:2001:DB8:0:0::1]>", "a@[IPv6:2001:db8::1]", ADDRESS_LITERAL, 0, "" },
	{ "<a@[IPv6:::ffff:192.0.2.1]>", "a@[192.0.2.1]", ADDRESS_LITERAL, 0, "" },
	/* UTF-8 (RFC 6531), U-labels become A-labels */
	{ "<j\xc3\xb6rg@b\xc3\xbc\x63her.example>", "j\xc3\xb6rg@xn--bcher-kva.example", ADDRESS_DOMAIN, 0, "" },
	{ "<a@XN--BCHER-KVA.example>", "a@xn--bcher-kva.example", ADDRESS_DOMAIN, 0, "" },
	/* source routes are dropped */
	{ "<@x.example,@y.example:a@b.example>", "a@b.example", ADDRESS_DOMAIN, 0, "" },
	{ "<@[IPv6:2001:db8::1]:a@b.example>", "a@b.example", ADDRESS_DOMAIN, 0, "" },
	/* what devices send */
	{ "a@b.example", "a@b.example", ADDRESS_DOMAIN, PATH_NO_BRACKETS, "" },
	{ "a@b.example SIZE=10", "a@b.example", ADDRESS_DOMAIN, PATH_NO_BRACKETS, "SIZE=10" },
	{ "a@b.example AUTH=<>", "a@b.example", ADDRESS_DOMAIN, PATH_NO_BRACKETS, "AUTH=<>" },
	{ "root AUTH=<>", "root", ADDRESS_BARE, PATH_NO_BRACKETS, "AUTH=<>" },
	{ "root", "root", ADDRESS_BARE, PATH_NO_BRACKETS, "" },
	{ "\"a b\"@b.example X", "\"a b\"@b.example", ADDRESS_DOMAIN, PATH_NO_BRACKETS, "X" },
	{ " <a@b.example>", "a@b.example", ADDRESS_DOMAIN, PATH_BLANKS, "" },
	{ "\t a@b.example", "a@b.example", ADDRESS_DOMAIN, PATH_BLANKS | PATH_NO_BRACKETS, "" },
	{ "< a@b.example\t> X", "a@b.example", ADDRESS_DOMAIN, PATH_BLANKS, "X" },
	{ "< >", "", ADDRESS_NULL, PATH_BLANKS, "" },
	{ "Scanner <a@b.example>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "Scanner<a@b.example> X", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "X" },
	{ "\"Scanner, 2nd <floor>\" <a@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "\"Scanner, 2nd floor\" <a@b.example>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "<Scanner 2 a@b.example>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "<Scanner <a@b.example>>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "<\"Scanner 2\" a@b.example>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "<<a@b.example>>", "a@b.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	/* two readings, or none */
	{ "", "", ADDRESS_NULL, 0, NULL },
	{ "a@b.example <c@d.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example c@d.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example <c@d.example>>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example> <c@d.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<<a@b.example> c>", "", ADDRESS_NULL, 0, NULL },
	{ "<<<a@b.example>>>", "", ADDRESS_NULL, 0, NULL },
	{ "<Scanner root>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example>X", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example", "", ADDRESS_NULL, 0, NULL },
	{ "a@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b.example.>", "", ADDRESS_NULL, 0, NULL },
	{ "<a@b@c.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<a b@c.example>", "b@c.example", ADDRESS_DOMAIN, PATH_NAME, "" },
	{ "<a@>", "", ADDRESS_NULL, 0, NULL },
	{ "<@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\"\"@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\"a\"b@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\"a@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\"a\\", "", ADDRESS_NULL, 0, NULL },
	{ "<a(b)@c.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<@x:a>", "", ADDRESS_NULL, 0, NULL },
	{ "<@x,a@b>", "", ADDRESS_NULL, 0, NULL },
	{ "<@x..y:a@b>", "", ADDRESS_NULL, 0, NULL },
	{ "<@:a@b>", "", ADDRESS_NULL, 0, NULL },
	{ "<a\x01@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\"a\tb\"@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "N\x07me <a@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<\xff@b.example>", "", ADDRESS_NULL, 0, NULL },
	{ "<a\xc2\x85@b.example>", "", ADDRESS_NULL, 0, NULL },
	/* clang-format on */
};

START_TEST(path_means_one_mailbox_or_is_refused)
{
	const struct path_case *c = &path_cases[_i];
	struct address address;
	const char *why = NULL;
	enum path_verdict verdict;
	unsigned quirks;
	size_t used = 0;

	verdict = path_parse(span_of(c->args), &address, &used, &quirks, &why);
	if (c->parameters == NULL) {
		ck_assert_msg(verdict != PATH_OK, "taken: %s as %s", c->args,
		    address.text);
		ck_assert_msg(why != NULL && strstr(why, "expected") != NULL,
		    "%s", c->args);
		return;
	}
	ck_assert_msg(verdict == PATH_OK, "%s: %s", c->args, why);
	ck_assert_str_eq(address.text, c->text);
	ck_assert_uint_eq(address.text_len, strlen(c->text));
	ck_assert_int_eq(address.kind, c->kind);
	ck_assert_uint_eq(quirks, c->quirks);
	ck_assert_str_eq(c->args + used, c->parameters);
}
END_TEST

START_TEST(canonical_text_means_itself)
{
	const struct path_case *c = &path_cases[_i];
	struct address first, second;
	const char *why;
	unsigned quirks;
	size_t used;
	char path[2 * ADDRESS_MAX];

	if (path_parse(span_of(c->args), &first, &used, &quirks, &why) !=
	    PATH_OK)
		return;
	snprintf(path, sizeof(path), "<%s>", first.text);
	ck_assert_int_eq(path_parse(span_of(path), &second, &used, &quirks,
			     &why),
	    PATH_OK);
	ck_assert_uint_eq(quirks, 0);
	ck_assert_str_eq(second.text, first.text);
	ck_assert_str_eq(second.local, first.local);
	ck_assert_str_eq(second.domain, first.domain);
	ck_assert_int_eq(second.routes, first.routes);
}
END_TEST

/* Every head of a path, and every byte of it replaced, is survived. */
START_TEST(parser_stops_at_any_byte)
{
	const struct path_case *c = &path_cases[_i];
	size_t len = strlen(c->args), n, used;
	struct address address;
	const char *why;
	unsigned quirks;
	bool beyond = false;
	char *copy;
	int byte;

	for (n = 0; n <= len; n++) {
		copy = malloc(n == 0 ? 1 : n); /* ASan guards its end */
		memcpy(copy, c->args, n);
		path_parse(span_make(copy, n), &address, &used, &quirks, &why);
		for (byte = 0; n > 0 && byte < 256; byte++) {
			copy[n - 1] = (char)byte;
			if (path_parse(span_make(copy, n), &address, &used,
				&quirks, &why) == PATH_OK &&
			    used > n)
				beyond = true;
		}
		free(copy);
	}
	ck_assert(!beyond);
}
END_TEST

START_TEST(local_part_of_256_is_too_long)
{
	char text[400];
	struct address address;
	const char *why;

	memset(text, 'a', sizeof(text));
	memcpy(text + 255, "@b.example", 10);
	ck_assert_int_eq(address_parse(span_make(text, 265), &address, &why),
	    PATH_OK);
	ck_assert_uint_eq(address.local_len, 255);
	memset(text, 'a', 256);
	memcpy(text + 256, "@b.example", 10);
	ck_assert_int_eq(address_parse(span_make(text, 266), &address, &why),
	    PATH_TOO_LONG);
}
END_TEST

START_TEST(longest_address_of_escapes_fits)
{
	char text[2 * 255 + 300];
	struct address address;
	size_t len = 0, i;
	const char *why;

	text[len++] = '"';
	for (i = 0; i < 255; i++) {
		text[len++] = '\\';
		text[len++] = '"';
	}
	text[len++] = '"';
	text[len++] = '@';
	for (i = 0; i < 255; i++)
		text[len++] = i % 10 == 9 ? '.' : 'b';
	ck_assert_int_eq(address_parse(span_make(text, len), &address, &why),
	    PATH_OK);
	ck_assert_uint_eq(address.text_len, ADDRESS_MAX);
	text[len++] = 'b';
	ck_assert_int_eq(address_parse(span_make(text, len), &address, &why),
	    PATH_TOO_LONG);
}
END_TEST

static const struct {
	const char *text;
	bool routes, utf8, source_route;
} flag_cases[] = {
	{ "<a@b.example>", false, false, false },
	{ "<a%c@b.example>", true, false, false },
	{ "<c!a@b.example>", true, false, false },
	{ "<\"a@c\"@b.example>", true, false, false },
	{ "<\"a\\%c\"@b.example>", true, false, false },
	{ "<\xc3\xb6@b.example>", false, true, false },
	{ "<a@\xc3\xb6.example>", false, false, false },
	{ "<@c.example:a@b.example>", false, false, true },
};

START_TEST(address_says_what_is_special_about_it)
{
	struct address address;
	const char *why;
	unsigned quirks;
	size_t used;

	ck_assert_int_eq(path_parse(span_of(flag_cases[_i].text), &address,
			     &used, &quirks, &why),
	    PATH_OK);
	ck_assert_int_eq(address.routes, flag_cases[_i].routes);
	ck_assert_int_eq(address.utf8, flag_cases[_i].utf8);
	ck_assert_int_eq(address.source_route, flag_cases[_i].source_route);
}
END_TEST

static const struct {
	const char *text;
	enum path_verdict verdict;
} parse_cases[] = {
	{ "a@b.example", PATH_OK },
	{ "a", PATH_OK },
	{ "\"a b\"@b.example", PATH_OK },
	{ "a@[192.0.2.1]", PATH_OK },
	{ "", PATH_BAD_SYNTAX },
	{ "<a@b.example>", PATH_BAD_SYNTAX },
	{ " a@b.example", PATH_BAD_SYNTAX },
	{ "a@b.example ", PATH_BAD_DOMAIN },
	{ "a@b.example.", PATH_BAD_DOMAIN },
	{ "a@[192.0.2.1]x", PATH_BAD_DOMAIN },
	{ "@c.example:a@b.example", PATH_BAD_SYNTAX },
};

START_TEST(address_is_exactly_one_mailbox)
{
	struct address address;
	const char *why;

	ck_assert_int_eq(address_parse(span_of(parse_cases[_i].text), &address,
			     &why),
	    parse_cases[_i].verdict);
	if (parse_cases[_i].verdict == PATH_OK)
		ck_assert(span_equal(address_span(&address),
		    span_of(parse_cases[_i].text)));
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
address_suite(void)
{
	Suite *suite = suite_create("address");
	TCase *paths = tcase_create("paths");
	TCase *addresses = tcase_create("addresses");

	tcase_add_loop_test(paths, path_means_one_mailbox_or_is_refused, 0,
	    ROWS(path_cases));
	tcase_add_loop_test(paths, canonical_text_means_itself, 0,
	    ROWS(path_cases));
	tcase_add_loop_test(paths, parser_stops_at_any_byte, 0,
	    ROWS(path_cases));
	tcase_add_loop_test(paths, address_says_what_is_special_about_it, 0,
	    ROWS(flag_cases));
	suite_add_tcase(suite, paths);
	tcase_add_test(addresses, local_part_of_256_is_too_long);
	tcase_add_test(addresses, longest_address_of_escapes_fits);
	tcase_add_loop_test(addresses, address_is_exactly_one_mailbox, 0,
	    ROWS(parse_cases));
	suite_add_tcase(suite, addresses);
	return suite;
}

SUITE_MAIN(address_suite)
