/*
 * test_lint - lines that are allowed but probably not meant are warned of.
 */
#include <string.h>

#include "domains/lint.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

#define KEPT " owner=a@campus.test until=2027-12-31\n"

static const struct row {
	const char *hosted, *allowlist;
	const char *told; /* all of it, file names left out */
} rows[] = {
	{ NULL, "", "" },
	{ NULL, "10.1.0.1" KEPT "10.2.0.0/16" KEPT "2001:db8::/32" KEPT, "" },
	{ NULL, "10.1.0.1\n",
	    ":1:1: warning: 10.1.0.1 has neither owner= nor until=: nobody "
	    "answers for it, and it never ends\n" },
	{ NULL, "\n10.1.0.1 until=2027-12-31\nh.campus.test owner=a@b.test\n",
	    ":2:1: warning: 10.1.0.1 has no owner=: nobody answers for it\n"
	    ":3:1: warning: h.campus.test has no until=: it never ends\n" },
	{ NULL, "10.2.0.0/15" KEPT "2001:db8::/31" KEPT,
	    ":1:1: warning: 10.2.0.0/15 is a wide network; expected one of "
	    "/16 or narrower\n"
	    ":2:1: warning: 2001:db8::/31 is a wide network; expected one of "
	    "/32 or narrower\n" },
	{ NULL, "10.1.0.1 owner=a@b.test until=2027-01-14\n",
	    ":1:1: warning: the grant of 10.1.0.1 ended on 2027-01-14\n" },
	{ NULL, "10.1.0.1 owner=a@b.test until=2027-01-15\n",
	    ":1:1: warning: the grant of 10.1.0.1 ends on 2027-01-15\n" },
	{ NULL, "10.1.0.1 owner=a@b.test until=2027-01-28\n",
	    ":1:1: warning: the grant of 10.1.0.1 ends on 2027-01-28\n" },
	{ NULL, "10.1.0.1 owner=a@b.test until=2027-01-29\n", "" },
	{ NULL, "127.0.0.2" KEPT "::1" KEPT,
	    ":1:1: warning: 127.0.0.2 is loopback: every program of this "
	    "host, and what others forward to it\n"
	    ":2:1: warning: ::1 is loopback: every program of this host, and "
	    "what others forward to it\n" },
	{ NULL, "192.0.2.0/28" KEPT "!192.0.2.9\n",
	    ":1:1: warning: 192.0.2.0/28 covers 192.0.2.1, this host; "
	    "exclude it with !192.0.2.1\n" },
	{ NULL, "192.0.2.1" KEPT, ":1:1: warning: 192.0.2.1 is this host\n" },
	{ NULL, "!192.0.2.1\nh.test owner=a@b.test until=2027-12-31\n", "" },
	{ NULL,
	    "10.1.0.1" KEPT "10.1.0.1 until=2027-12-31 owner=a@campus.test\n",
	    ":2:1: warning: 10.1.0.1 says what line 1 says\n" },
	{ NULL, "10.1.0.1" KEPT "10.1.0.1 to=b.test" KEPT,
	    ":2:1: warning: 10.1.0.1 has no effect: line 1 grants it "
	    "everything\n" },
	{ NULL, "10.1.0.1 to=b.test" KEPT "10.1.0.1" KEPT,
	    ":1:1: warning: 10.1.0.1 has no effect: line 2 grants it "
	    "everything\n" },
	{ NULL, "10.1.0.1 to=b.test" KEPT "10.1.0.1 to=c.test" KEPT, "" },
	{ NULL, "10.1.0.0/24" KEPT "10.1.0.1" KEPT,
	    ":2:1: warning: 10.1.0.1 says what line 1 says of "
	    "10.1.0.0/24\n" },
	{ NULL, "10.1.0.0/24 rate=5/h" KEPT "10.1.0.1" KEPT, "" },
	{ NULL, "!10.1.0.1\n",
	    ":1:1: warning: !10.1.0.1 has no effect: no other line grants "
	    "it\n" },
	{ "campus.test\n.campus.test\nx.campus.test\n.y.campus.test\n"
	  "z.campus.test tls=require\n",
	    "",
	    ":3:1: warning: x.campus.test is hosted in the same way by line "
	    "2\n"
	    ":4:1: warning: .y.campus.test is hosted in the same way by line "
	    "2\n" },
};

static void
add_without_names(struct buf *out, const char *text)
{
	struct span rest = span_of(text), line;
	size_t colon;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		colon = span_find(line, ':');
		buf_add(out, span_skip(line, colon));
		buf_add_byte(out, '\n');
	}
}

START_TEST(lines_that_are_not_meant_are_warned_of)
{
	const struct row *row = &rows[_i];
	struct lint_host host = { tables_ip("192.0.2.1"), "this host" };
	struct complaints complaints;
	struct rules *rules;
	struct buf said;

	if (row->hosted != NULL)
		tables_write(tables_hosted, row->hosted);
	tables_write(tables_allowlist, row->allowlist);
	rules = tables_load("postmaster@campus.test", &complaints);
	ck_assert_msg(rules != NULL, "%s", complaints_text(&complaints));
	ck_assert_uint_eq(complaints.warnings, 0);
	lint_tables(rules, &host, 1, TABLES_NOW, &complaints);
	buf_init(&said, 65536);
	add_without_names(&said, complaints_text(&complaints));
	ck_assert_str_eq(buf_text(&said), row->told);
	ck_assert_uint_eq(complaints.errors, 0);
	buf_clear(&said);
	complaints_clear(&complaints);
	rules_free(rules);
}
END_TEST

static Suite *
lint_suite(void)
{
	Suite *suite = suite_create("lint");
	TCase *tcase = tcase_create("lint");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, lines_that_are_not_meant_are_warned_of, 0,
	    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(lint_suite)
