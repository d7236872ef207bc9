/*
 * test_table_edit - one line more or less, and every other byte as it was.
 */
#include "domains/table_edit.h"
#include "tests/support/suite.h"

#define TABLE                           \
	"# the campus\n"                \
	"192.0.2.1  note=one # first\n" \
	"\n"                            \
	"\t192.0.2.0/28 to=a.test\n"    \
	"  # 192.0.2.0/28 was wider\n"  \
	"192.0.2.1\tto=b.test\n"        \
	"!192.0.2.9\n"                  \
	"2001:DB8::1\n"                 \
	"Scanner3.Campus.Test\n"

static const struct row {
	const char *before, *line, *after;
} added[] = {
	{ "", "192.0.2.1", "192.0.2.1\n" },
	{ "# none\n", "192.0.2.1", "# none\n192.0.2.1\n" },
	{ "192.0.2.9", "192.0.2.1", "192.0.2.9\n192.0.2.1\n" },
	{ "192.0.2.9\r\n", "192.0.2.1", "192.0.2.9\r\n192.0.2.1\r\n" },
	{ "192.0.2.1 to=a.test\n\n# more\n192.0.2.3\n", "192.0.2.1 to=b.test",
	    "192.0.2.1 to=a.test\n192.0.2.1 to=b.test\n\n# more\n"
	    "192.0.2.3\n" },
	{ "192.0.2.1", "::ffff:192.0.2.1 to=b.test",
	    "192.0.2.1\n::ffff:192.0.2.1 to=b.test\n" },
	{ "!192.0.2.1\n192.0.2.3\n", "192.0.2.1",
	    "!192.0.2.1\n192.0.2.3\n192.0.2.1\n" },
};

START_TEST(a_line_goes_behind_those_of_its_subject)
{
	struct buf out;

	buf_init(&out, 4096);
	table_edit_add(span_of(added[_i].before), span_of(added[_i].line),
	    &out);
	ck_assert_str_eq(buf_text(&out), added[_i].after);
	buf_clear(&out);
}
END_TEST

static const struct removal {
	const char *subject;
	size_t count;
	const char *after;
} removed[] = {
	{ "192.0.2.2", 0, TABLE },
	{ "not a subject", 0, TABLE },
	{ "#", 0, TABLE },
	{ "", 0, TABLE },
	{ "192.0.2.1", 2,
	    "# the campus\n\n\t192.0.2.0/28 to=a.test\n"
	    "  # 192.0.2.0/28 was wider\n!192.0.2.9\n2001:DB8::1\n"
	    "Scanner3.Campus.Test\n" },
	{ "192.0.2.0/28", 1,
	    "# the campus\n192.0.2.1  note=one # first\n\n"
	    "  # 192.0.2.0/28 was wider\n192.0.2.1\tto=b.test\n!192.0.2.9\n"
	    "2001:DB8::1\nScanner3.Campus.Test\n" },
	{ "192.0.2.9", 0, TABLE },
	{ "!192.0.2.9", 1,
	    "# the campus\n192.0.2.1  note=one # first\n\n"
	    "\t192.0.2.0/28 to=a.test\n  # 192.0.2.0/28 was wider\n"
	    "192.0.2.1\tto=b.test\n2001:DB8::1\nScanner3.Campus.Test\n" },
	{ "2001:db8:0::1", 1,
	    "# the campus\n192.0.2.1  note=one # first\n\n"
	    "\t192.0.2.0/28 to=a.test\n  # 192.0.2.0/28 was wider\n"
	    "192.0.2.1\tto=b.test\n!192.0.2.9\nScanner3.Campus.Test\n" },
	{ "scanner3.campus.test", 1,
	    "# the campus\n192.0.2.1  note=one # first\n\n"
	    "\t192.0.2.0/28 to=a.test\n  # 192.0.2.0/28 was wider\n"
	    "192.0.2.1\tto=b.test\n!192.0.2.9\n2001:DB8::1\n" },
};

START_TEST(every_line_of_a_subject_goes_and_no_other)
{
	struct buf out;

	buf_init(&out, 4096);
	ck_assert_uint_eq(table_edit_remove(SPAN(TABLE),
			      span_of(removed[_i].subject), &out),
	    removed[_i].count);
	ck_assert_str_eq(buf_text(&out), removed[_i].after);
	buf_clear(&out);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
table_edit_suite(void)
{
	Suite *suite = suite_create("table_edit");
	TCase *tcase = tcase_create("table_edit");

	tcase_add_loop_test(tcase, a_line_goes_behind_those_of_its_subject, 0,
	    ROWS(added));
	tcase_add_loop_test(tcase, every_line_of_a_subject_goes_and_no_other, 0,
	    ROWS(removed));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(table_edit_suite)
