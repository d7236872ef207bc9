/*
 * test_hosted - the hosted table: each file of tests/conf/hosted with exactly
 * the complaints that it must give, and the line that decides for a domain.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domains/hosted.h"
#include "tests/support/expected.h"
#include "tests/support/suite.h"

static int file_count;

START_TEST(table_gives_exactly_these_complaints)
{
	const char *file = expected_file(_i);
	struct complaints complaints;
	struct hosted *hosted;

	complaints_init(&complaints);
	hosted = hosted_load(file, 1, &complaints);
	expected_compare(file, &complaints);
	ck_assert_int_eq(hosted == NULL, complaints.errors > 0);
	hosted_free(hosted);
	complaints_clear(&complaints);
}
END_TEST

static struct hosted *
load(const char *file)
{
	struct complaints complaints;
	struct hosted *hosted;

	complaints_init(&complaints);
	hosted = hosted_load(file, 1, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	complaints_clear(&complaints);
	return hosted;
}

static const struct {
	const char *domain;
	const char *destination; /* or refuse=; NULL: not hosted */
	size_t line;
} finds[] = {
	{ "campus.test", "mx1.campus.test:25,mx2.campus.test:2525 tls=verify",
	    3 },
	{ "a.campus.test", "mx:a.campus.test tls=may", 4 },
	{ "c.b.a.campus.test", "mx:c.b.a.campus.test tls=may", 4 },
	{ "lab.example", "[192.0.2.25]:2525 tls=may", 5 },
	{ "a.lab.example", NULL, 0 },
	{ "old.example", "moved to new.example", 6 },
	{ "staff.example", "mx:staff.example tls=may", 7 },
	{ "alumni.example", "mx:alumni.example tls=off", 8 },
	{ "xn--bcher-kva.example", "[2001:db8::25]:25 tls=require", 9 },
	{ "[192.0.2.1]", "mx:[192.0.2.1] tls=may", 10 },
	{ "[IPv6:2001:db8::1]", "mx:[IPv6:2001:db8::1] tls=may", 11 },
	{ "plain.example", "mx:plain.example tls=may", 12 },
	{ "hash.example", "a#b", 13 },
	{ "quotes.example", "say \"hello\" to \\", 14 },
	{ "test", NULL, 0 },
	{ "example", NULL, 0 },
	{ "xcampus.test", NULL, 0 },
	{ "campus.test.example", NULL, 0 },
	{ "[192.0.2.2]", NULL, 0 },
	{ "192.0.2.1", NULL, 0 },
	{ "", NULL, 0 },
	{ ".", NULL, 0 },
	{ "..", NULL, 0 },
};

START_TEST(most_specific_line_decides)
{
	struct hosted *hosted = load("tests/conf/hosted/good");
	struct span domain = span_of(finds[_i].domain);
	struct hosted_match match = hosted_find(hosted, domain);
	struct buf text;

	buf_init(&text, 1000);
	ck_assert_uint_eq(match.line, finds[_i].line);
	if (finds[_i].destination == NULL) {
		ck_assert_ptr_null(match.policy);
	} else if (match.policy->refuse != NULL) {
		ck_assert_str_eq(match.policy->refuse, finds[_i].destination);
	} else {
		route_destination(&match.policy->route, domain, &text);
		ck_assert_str_eq(buf_text(&text), finds[_i].destination);
	}
	buf_clear(&text);
	hosted_free(hosted);
}
END_TEST

static const struct {
	const char *local;
	bool has;
} locals[] = {
	{ "anna", true },
	{ "ANNA", true },
	{ "bert.meier", true },
	{ "John Doe", true },
	{ "j\xc3\xb6rg", true },
	{ "J\xc3\xb6RG", true },
	{ "J\xc3\x96RG", false },
	{ "a#b", true },
	{ "postmaster", true },
	{ "PostMaster", true },
	{ "postmaster2", false },
	{ "ann", false },
	{ "annax", false },
	{ "bert", false },
	{ "john", false },
	{ "", false },
};

START_TEST(local_parts_compare_unquoted_and_without_case)
{
	struct hosted *hosted = load("tests/conf/hosted/good");
	struct hosted_match match;

	match = hosted_find(hosted, SPAN("staff.example"));
	ck_assert_uint_eq(recipients_count(match.policy->recipients), 6);
	ck_assert_int_eq(recipients_has(match.policy->recipients,
			     span_of(locals[_i].local)),
	    locals[_i].has);
	/* The file is read once for all domains that name it. */
	ck_assert_ptr_eq(match.policy->recipients,
	    hosted_find(hosted, SPAN("alumni.example")).policy->recipients);
	hosted_free(hosted);
}
END_TEST

START_TEST(windows_file_is_read_to_its_last_line)
{
	struct hosted *hosted = load("tests/conf/hosted/good_windows");

	ck_assert_uint_eq(hosted_count(hosted), 3);
	ck_assert_uint_eq(hosted_find(hosted, SPAN("campus.test")).line, 3);
	ck_assert_str_eq(hosted_find(hosted, SPAN("lab.test")).policy->refuse,
	    "closed");
	ck_assert_uint_eq(hosted_find(hosted, SPAN("last.test")).line, 5);
	hosted_free(hosted);
}
END_TEST

static void
refuses(const char *file, const char *complaint)
{
	struct complaints complaints;

	complaints_init(&complaints);
	ck_assert_ptr_null(hosted_load(file, 1, &complaints));
	ck_assert_msg(strstr(complaints_text(&complaints), complaint) != NULL,
	    "%s", complaints_text(&complaints));
	complaints_clear(&complaints);
}

START_TEST(what_is_no_table_is_refused_at_once)
{
	char folder[] = "/tmp/relayd-test-XXXXXX", fifo[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	refuses(fifo, "/fifo: is not a regular file; expected one\n");
	refuses(folder, "is not a regular file; expected one\n");
	refuses("/dev/zero", "is not a regular file");
	refuses("/no/such/file", "/no/such/file: does not exist; expected");
	unlink(fifo);
	rmdir(folder);
}
END_TEST

/* A file of /proc says that it is empty, and then is not. */
START_TEST(file_that_changes_while_it_is_read_is_refused)
{
	refuses("/proc/self/status", "changed while it was read; expected");
}
END_TEST

START_TEST(depth_of_names_is_no_limit)
{
	struct hosted *hosted = load("tests/conf/hosted/good");
	char domain[256];
	size_t i;

	for (i = 0; i + 11 < sizeof(domain); i += 2)
		memcpy(domain + i, "a.", 2);
	memcpy(domain + i - 2, ".campus.test", 12);
	ck_assert_uint_eq(hosted_find(hosted, span_make(domain + 1, i + 9))
			      .line,
	    4);
	hosted_free(hosted);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
hosted_suite(void)
{
	Suite *suite = suite_create("hosted");
	TCase *tcase = tcase_create("table");

	file_count = expected_find("tests/conf/hosted");
	tcase_add_loop_test(tcase, table_gives_exactly_these_complaints, 0,
	    file_count);
	tcase_add_loop_test(tcase, most_specific_line_decides, 0, ROWS(finds));
	tcase_add_loop_test(tcase,
	    local_parts_compare_unquoted_and_without_case, 0, ROWS(locals));
	tcase_add_test(tcase, windows_file_is_read_to_its_last_line);
	tcase_add_test(tcase, what_is_no_table_is_refused_at_once);
	tcase_add_test(tcase, file_that_changes_while_it_is_read_is_refused);
	tcase_add_test(tcase, depth_of_names_is_no_limit);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(hosted_suite)
