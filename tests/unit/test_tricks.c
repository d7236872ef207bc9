/*
 * test_tricks - tables that would make an open relay are not taken.
 */
#include <string.h>

#include "domains/tricks.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

#define V4_HALVES "0.0.0.0/1\n128.0.0.0/1\n"
#define V6_PARTS  "2000::/4\n"

static const struct row {
	const char *hosted, *allowlist;
	const char *told; /* NULL: they are taken */
} rows[] = {
	{ "campus.test\n", "", NULL },
	{ "campus.test\n", "10.0.0.0/8\n2001:db8:5::/48\n", NULL },
	{ "campus.test\n.campus.test\n[192.0.2.25]\n", "192.0.2.0/24\n", NULL },
	{ "campus.test\n[127.0.0.1]\n", "", NULL },
	{ "campus.test\n.example\noutside.example\n", "", NULL },
	{ "campus.test\n", "0.0.0.0/1\n", NULL }, /* doubted, not refused */
	{ "campus.test\n", V4_HALVES,
	    "grants hosts all over the internet, 192.0.2.1 among them" },
	{ "campus.test\n", V6_PARTS,
	    "grants hosts all over the internet, 2001:db8::1 among them" },
	{ "campus.test\n", V4_HALVES "!192.0.2.1\n", NULL },
	{ "campus.test\noutside.example\noutside.test\noutside.invalid\n"
	  "example.org\n",
	    "", "hosts even outside.example" },
};

START_TEST(tables_of_an_open_relay_are_refused)
{
	const struct row *row = &rows[_i];
	struct complaints complaints;
	struct rules *rules;
	const char *text;

	tables_write(tables_hosted, row->hosted);
	tables_write(tables_allowlist, row->allowlist);
	rules = tables_load("postmaster@campus.test", &complaints);
	ck_assert_msg(rules != NULL, "%s", complaints_text(&complaints));
	ck_assert_int_eq(tricks_try(rules, &complaints), row->told == NULL);
	text = complaints_text(&complaints);
	if (row->told != NULL)
		ck_assert_msg(strstr(text, row->told) != NULL, "%s", text);
	else
		ck_assert_uint_eq(complaints.errors, 0);
	complaints_clear(&complaints);
	rules_free(rules);
}
END_TEST

static Suite *
tricks_suite(void)
{
	Suite *suite = suite_create("tricks");
	TCase *tcase = tcase_create("tricks");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, tables_of_an_open_relay_are_refused, 0,
	    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(tricks_suite)
