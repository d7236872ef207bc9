/*
 * test_rules_load - both tables load, or neither does.
 */
#include <stdio.h>
#include <string.h>

#include "domains/rules.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

static const struct {
	const char *postmaster;
	const char *complaint; /* behind "file:line: " of hosted; NULL: good */
	bool whole;            /* the complaint is all of the line */
} postmasters[] = {
	{ "postmaster@campus.test", NULL, false },
	{ "Any.Body@CAMPUS.test", NULL, false },
	{ "postmaster@staff.example", NULL, false },
	{ "anna@staff.example", NULL, false },
	{ "a@[192.0.2.25]", NULL, false },
	{ "bert@staff.example",
	    ":5: postmaster \"bert@staff.example\" is not among the "
	    "recipients of its domain; expected an address that this table "
	    "delivers\n",
	    false },
	{ "a@old.example",
	    ":4: postmaster \"a@old.example\" is in a domain that is "
	    "refused; expected an address that this table delivers\n",
	    false },
	{ "a@out.example",
	    ": postmaster \"a@out.example\" is not in a hosted domain; "
	    "expected an address that this table delivers\n",
	    false },
	{ "postmaster",
	    "postmaster \"postmaster\" has no domain; expected a whole "
	    "address\n",
	    true },
	{ "",
	    "postmaster \"\": there is nothing before the @; expected "
	    "local-part@domain\n",
	    true },
};

START_TEST(postmaster_must_be_deliverable)
{
	struct complaints complaints;
	struct rules *rules;
	const char *text;

	rules = tables_load(postmasters[_i].postmaster, &complaints);
	text = complaints_text(&complaints);
	if (postmasters[_i].complaint == NULL) {
		ck_assert_msg(rules != NULL, "%s", text);
	} else {
		ck_assert_ptr_null(rules);
		if (!postmasters[_i].whole)
			text += strlen(tables_hosted);
		ck_assert_str_eq(text, postmasters[_i].complaint);
	}
	rules_free(rules);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(tables_load_all_or_nothing)
{
	struct complaints complaints;
	char expected[600];

	tables_write(tables_hosted, "campus.test\nbad..test\ncampus.test\n");
	tables_write(tables_allowlist, "192.0.2.1 until=never\n");
	ck_assert_ptr_null(tables_load("p@campus.test", &complaints));
	snprintf(expected, sizeof(expected),
	    "%s:2:1: \"bad..test\": the domain has an empty label or a dot at "
	    "an end; expected names between single dots\n"
	    "%s:3:1: \"campus.test\" is already on line 1; expected each "
	    "domain once\n"
	    "%s:1:17: \"never\": not a day; expected one as 2027-06-30\n",
	    tables_hosted, tables_hosted, tables_allowlist);
	ck_assert_str_eq(complaints_text(&complaints), expected);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(earlier_complaints_keep_tables_from_loading)
{
	struct complaints complaints;
	struct rules_sources sources = { .hosted = tables_hosted,
		.postmaster = "p@campus.test",
		.outside = { .mx = true } };

	complaints_init(&complaints);
	complain(&complaints, "relayd.conf", 1, 0, "wrong");
	ck_assert_ptr_null(rules_load(&sources, &complaints));
	ck_assert_uint_eq(complaints.errors, 1);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(samples_load)
{
	struct rules_sources sources = { .hosted = "domains/samples/hosted",
		.allowlist = "domains/samples/allowlist",
		.postmaster = "postmaster@campus.test",
		.outside = { .mx = true } };
	struct complaints complaints;
	struct rules *rules;

	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	rules_free(rules);
	complaints_clear(&complaints);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
rules_load_suite(void)
{
	Suite *suite = suite_create("rules_load");
	TCase *tcase = tcase_create("loading");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, postmaster_must_be_deliverable, 0,
	    ROWS(postmasters));
	tcase_add_test(tcase, tables_load_all_or_nothing);
	tcase_add_test(tcase, earlier_complaints_keep_tables_from_loading);
	tcase_add_test(tcase, samples_load);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(rules_load_suite)
