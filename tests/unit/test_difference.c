/*
 * test_difference - what other tables would change, a line each.
 */
#include <stdio.h>
#include <string.h>

#include "domains/difference.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

static const struct row {
	const char *hosted[2], *allowlist[2]; /* before, after */
	const char *said;
} rows[] = {
	{ { "campus.test\n", "# new\ncampus.test\n" },
	    { "10.0.0.1 note=x to=a.test\n10.0.0.2\n",
		"\n10.0.0.2\n# moved\n10.0.0.1   to=A.TEST note=\"x\"\n" },
	    "" },
	{ { "campus.test\n", "campus.test\nlab.test via=[192.0.2.1]\n" },
	    { "", "" }, "+ hosted:2: lab.test via=[192.0.2.1]:25\n" },
	{ { "campus.test\nlab.test\n", "campus.test\nlab.test tls=require\n" },
	    { "", "" },
	    "- hosted:2: lab.test\n"
	    "+ hosted:2: lab.test tls=require\n" },
	{ { "campus.test\nlab.test\n",
	      "campus.test\nlab.test refuse=\"moved away\"\n" },
	    { "", "" },
	    "- hosted:2: lab.test\n"
	    "+ hosted:2: lab.test refuse=\"moved away\"\n" },
	{ { "campus.test\n", "campus.test\n" },
	    { "10.0.0.1\n", "!10.0.0.1\nscanner.campus.test rate=5/h\n" },
	    "- allowlist:1: 10.0.0.1\n"
	    "+ allowlist:1: !10.0.0.1\n"
	    "+ allowlist:2: scanner.campus.test rate=5/h\n" },
	{ { "campus.test\n", "campus.test\n" },
	    { "10.0.0.1 until=2027-06-30 owner=a@b.test\n",
		"10.0.0.1 until=2028-06-30 owner=a@b.test "
		"from=<>,\\\"a,x@.c.test,*@d.test\n" },
	    NULL }, /* no such local part */
	{ { "campus.test\n", "campus.test\n" },
	    { "10.0.0.1 until=2027-06-30 owner=a@b.test\n",
		"10.0.0.1 until=2028-06-30 owner=a@b.test "
		"from=<>,x@.c.test,*@d.test note=\"a \\\"b\\\"\"\n" },
	    "- allowlist:1: 10.0.0.1 until=2027-06-30 owner=a@b.test\n"
	    "+ allowlist:1: 10.0.0.1 from=<>,x@.c.test,d.test "
	    "until=2028-06-30 owner=a@b.test note=\"a \\\"b\\\"\"\n" },
};

static struct rules *
load(const struct row *row, int n)
{
	struct complaints complaints;
	struct rules *rules;

	tables_write(tables_hosted, row->hosted[n]);
	tables_write(tables_allowlist, row->allowlist[n]);
	rules = tables_load("postmaster@campus.test", &complaints);
	complaints_clear(&complaints);
	return rules;
}

START_TEST(lines_that_say_something_else_are_told)
{
	const struct row *row = &rows[_i];
	struct rules *older = load(row, 0), *newer = load(row, 1);
	struct buf said;

	ck_assert_ptr_nonnull(older);
	ck_assert_int_eq(newer != NULL, row->said != NULL);
	buf_init(&said, 65536);
	if (newer != NULL) {
		difference_say(older, newer, &said);
		ck_assert_str_eq(buf_text(&said), row->said);
	}
	buf_clear(&said);
	rules_free(older);
	rules_free(newer);
}
END_TEST

START_TEST(more_than_fits_is_counted)
{
	struct rules *older, *newer;
	struct complaints complaints;
	struct buf table, said;
	int i;

	buf_init(&table, 65536);
	buf_init(&said, 200);
	for (i = 0; i < 100; i++)
		buf_addf(&table, "10.0.0.%d\n", i);
	tables_write(tables_allowlist, "");
	older = tables_load("postmaster@campus.test", &complaints);
	complaints_clear(&complaints);
	tables_write(tables_allowlist, buf_text(&table));
	newer = tables_load("postmaster@campus.test", &complaints);
	complaints_clear(&complaints);
	difference_say(older, newer, &said);
	ck_assert(!said.full);
	ck_assert(span_starts(buf_span(&said),
	    SPAN("+ allowlist:1: 10.0.0.0\n+ allowlist:2: 10.0.0.1\n")));
	ck_assert_msg(span_ends(buf_span(&said), SPAN("and 95 more lines\n")),
	    "%s", buf_text(&said));
	buf_clear(&table);
	buf_clear(&said);
	rules_free(older);
	rules_free(newer);
}
END_TEST

static Suite *
difference_suite(void)
{
	Suite *suite = suite_create("difference");
	TCase *tcase = tcase_create("difference");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, lines_that_say_something_else_are_told, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, more_than_fits_is_counted);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(difference_suite)
