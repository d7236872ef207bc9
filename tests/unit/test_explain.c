/*
 * test_explain - a decision, its reasons, and a change that really turns it.
 */
#include <stdio.h>
#include <string.h>

#include "domains/explain.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"

#define NOW TABLES_NOW

static const struct row {
	const char *client, *sender, *recipient;
	int code;         /* 0: accepted */
	const char *rule; /* the line's text */
	const char *step; /* that decided */
	const char *found;
	enum explain_change change;
	const char *line; /* of the change, or the route */
} rows[] = {
	/* clang-format off */
	{ "192.0.2.1", "<>", "<postmaster>", 0, "campus.test via=[192.0.2.100]:2525", "postmaster", "postmaster without a domain", CHANGE_NONE, "[192.0.2.100]:2525 tls=may" },
	{ "192.0.2.1", "<>", "<root>", 550, "", "postmaster", "that is not postmaster", CHANGE_NONE, "" },
	{ "192.0.2.1", "<>", "<a@x.sub.campus.test>", 0, ".sub.campus.test tls=require", "hosted", "x.sub.campus.test is hosted, by line 2 of ", CHANGE_NONE, "mx:x.sub.campus.test tls=require" },
	{ "192.0.2.1", "<>", "<a@old.example>", 550, "old.example refuse=\"moved to new.example\"", "hosted", "which refuses all mail", CHANGE_REPLACE, "old.example" },
	{ "192.0.2.1", "<>", "<bert@staff.example>", 550, NULL, "hosted", "does not list this local part", CHANGE_ADD, "bert" },
	{ "10.1.0.1", "<>", "<a@out.example>", 0, "10.1.0.0/16 until=2027-06-30 owner=lab@campus.test", "allowlist", "10.1.0.1: granted, by line 2 of ", CHANGE_NONE, "mx:out.example tls=verify" },
	{ "192.0.2.1", "<a@b.test>", "<a@out.example>", 550, "", "default", "whatever no step accepts", CHANGE_ADD, "192.0.2.1 from=a@b.test to=a@out.example" },
	{ "192.0.2.1", "<>", "<\"a b\"@out.example>", 550, "", "default", "", CHANGE_ADD, "192.0.2.1 from=<> to=\"\\\"a b\\\"@out.example\"" },
	{ "192.0.2.1", "<root>", "<\"a,b\"@out.example>", 550, "", "default", "", CHANGE_ADD, "192.0.2.1 to=out.example" },
	{ "2001:db8:6::9", "<>", "<a@[198.51.100.1]>", 550, "", "default", "", CHANGE_ADD, "2001:db8:6::9 from=<> to=a@[198.51.100.1]" },
	{ "192.0.2.1", "<>", "<a%b@campus.test>", 550, "", "default", "", CHANGE_ADD, "192.0.2.1 from=<> to=a%b@campus.test" },
	{ "10.1.0.9", "<>", "<a@out.example>", 550, "!10.1.0.9", "default", "", CHANGE_REPLACE, "10.1.0.9 from=<> to=a@out.example" },
	{ "10.9.0.1", "<y@campus.test>", "<a@x.partner.example>", 550, NULL, "default", "", CHANGE_ADD, "10.0.0.0/8 from=y@campus.test to=a@x.partner.example" },
	{ "10.9.0.1", "<>", "<a@partner.example>", 550, NULL, "default", "", CHANGE_ADD, "10.0.0.0/8 from=<> to=a@partner.example" },
	{ "2001:db8:7::1", "<>", "<a@out.example>", 550, "2001:db8:7::/64 until=2027-01-14 note=ended", "default", "", CHANGE_REPLACE, "2001:db8:7::/64 until=2028-01-14 note=ended" },
	{ "2001:db8:8::1", "<>", "<a@out.example>", 550, "2001:db8:8::/64 to=b.example until=2027-01-14", "default", "", CHANGE_ADD, "2001:db8:8::/64 from=<> to=a@out.example" },
	{ "2001:db8:9::1", "<>", "<a@out.example>", 550, "!2001:db8:9::/64", "default", "", CHANGE_ADD, "2001:db8:9::1 from=<> to=a@out.example" },
	/* clang-format on */
};

static void
add_to_tables(const char *file, size_t number, const char *line)
{
	char text[8192];
	struct buf out;
	struct span rest;
	size_t len, i;
	FILE *in = fopen(file, "r");

	ck_assert_ptr_nonnull(in);
	len = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[len] = '\0';
	buf_init(&out, sizeof(text) + 1024);
	rest = span_make(text, len);
	for (i = 1; rest.len > 0; i++) {
		struct span one = span_cut(&rest, '\n');

		buf_add(&out, i == number ? span_of(line) : one);
		buf_add_byte(&out, '\n');
	}
	if (number == 0)
		buf_addf(&out, "%s\n", line);
	tables_write(file, buf_text(&out));
	buf_clear(&out);
}

static void
more_grants(void)
{
	add_to_tables(tables_allowlist, 0,
	    "2001:db8:7::/64 until=2027-01-14 note=ended\n"
	    "2001:db8:8::/64 until=2027-01-14 to=b.example\n"
	    "!2001:db8:9::/64");
}

/* Does the change, and asks again. */
static void
apply(const struct row *row, const struct explanation *explanation)
{
	struct address sender = tables_path(row->sender);
	struct address recipient = tables_path(row->recipient);
	struct ip client = tables_ip(row->client);
	char line[1024], file[128];
	struct decision decision;
	struct rules *rules;

	snprintf(line, sizeof(line), "%s", row->line);
	snprintf(file, sizeof(file), "%s", explanation->change_file);
	add_to_tables(file, explanation->change_number, line);
	rules = tables_good();
	rules_decide(rules, &client, &sender, &recipient, NOW, &decision);
	ck_assert_msg(decision.verdict == ACCEPT, "%s", decision.text);
	rules_free(rules);
}

START_TEST(decision_is_explained_and_its_change_works)
{
	const struct row *row = &rows[_i];
	struct address sender = tables_path(row->sender);
	struct address recipient = tables_path(row->recipient);
	struct ip client = tables_ip(row->client);
	struct explanation explanation;
	struct explain_step *last;
	struct rules *rules;

	more_grants();
	rules = tables_good();
	explain(rules, &client, &sender, &recipient, NOW, &explanation);
	ck_assert_int_eq(explanation.decision.code, row->code);
	if (row->rule != NULL)
		ck_assert_str_eq(buf_text(&explanation.rule), row->rule);
	last = &explanation.steps[explanation.count - 1];
	ck_assert(last->decided);
	ck_assert_str_eq(last->name, row->step);
	ck_assert_msg(strstr(buf_text(&last->found), row->found) != NULL, "%s",
	    buf_text(&last->found));
	ck_assert_int_eq(explanation.change, row->change);
	ck_assert_str_eq(buf_text(row->code == 0 ? &explanation.route :
						   &explanation.change_line),
	    row->line);
	if (row->change != CHANGE_NONE)
		apply(row, &explanation);
	explanation_clear(&explanation);
	rules_free(rules);
}
END_TEST

START_TEST(names_that_are_not_looked_up_yet_need_no_change)
{
	struct address sender = tables_path("<>");
	struct address recipient = tables_path("<a@out.example>");
	struct ip client = tables_ip("192.0.2.1");
	struct explanation explanation;
	struct rules *rules;

	tables_write(tables_allowlist, "scanner.campus.test\n");
	rules = tables_good();
	explain(rules, &client, &sender, &recipient, NOW, &explanation);
	ck_assert_int_eq(explanation.decision.code, 451);
	ck_assert_int_eq(explanation.change, CHANGE_WAIT);
	explanation_clear(&explanation);
	rules_free(rules);
}
END_TEST

static Suite *
explain_suite(void)
{
	Suite *suite = suite_create("explain");
	TCase *tcase = tcase_create("explain");

	tcase_add_checked_fixture(tcase, tables_make, tables_remove);
	tcase_add_loop_test(tcase, decision_is_explained_and_its_change_works,
	    0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, names_that_are_not_looked_up_yet_need_no_change);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(explain_suite)
