/*
 * test_uses - use counts, by day, over restarts and damage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/uses.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"
#include "tests/support/virtual_clock.h"

#define NOW TABLES_NOW

enum {
	DAY = 86400
};

static char path[80];
static struct complaints complaints;
static struct rules *rules;

static void
make(void)
{
	tables_make();
	snprintf(path, sizeof(path), "%.70s.uses", tables_hosted);
	tables_write(tables_allowlist,
	    "# the campus\n10.1.0.0/16\n!10.1.0.9\n"
	    "10.1.0.0/16 to=b.test\nscanner.campus.test\n");
	rules = tables_good();
	complaints_init(&complaints);
}

static void
clean(void)
{
	rules_free(rules);
	complaints_clear(&complaints);
	unlink(path);
	tables_remove();
}

static uint64_t
messages(const struct uses *uses, size_t n, int64_t now)
{
	const struct use *use = uses_of(uses, rules, n);

	return use == NULL ? 0 : use_messages(use, now);
}

START_TEST(a_message_is_one_use_of_its_line)
{
	struct uses *uses = uses_new(path, &complaints);

	uses_count(uses, rules, 2, NOW);
	uses_count(uses, rules, 4, NOW + 1);
	uses_count(uses, rules, 4, NOW + 2);
	uses_count(uses, rules, 5, NOW + 3);
	uses_count(uses, rules, 1, NOW); /* a comment: no line */
	ck_assert_uint_eq(messages(uses, 0, NOW), 1);
	ck_assert_ptr_null(uses_of(uses, rules, 1));
	ck_assert_uint_eq(messages(uses, 2, NOW), 2);
	ck_assert_uint_eq(messages(uses, 3, NOW), 1);
	ck_assert_ptr_null(uses_of(uses, rules, 4));
	ck_assert_int_eq(uses_of(uses, rules, 2)->last, NOW + 2);
	uses_free(uses);
}
END_TEST

START_TEST(uses_older_than_thirty_days_do_not_count)
{
	struct uses *uses = uses_new(path, &complaints);
	int i;

	for (i = 0; i < 40; i++)
		uses_count(uses, rules, 2, NOW + i * DAY);
	ck_assert_uint_eq(messages(uses, 0, NOW + 39 * DAY), 30);
	ck_assert_uint_eq(messages(uses, 0, NOW + 49 * DAY), 20);
	ck_assert_uint_eq(messages(uses, 0, NOW + 69 * DAY), 0);
	ck_assert_int_eq(uses_of(uses, rules, 0)->last, NOW + 39 * DAY);
	/* a clock that was set back */
	uses_count(uses, rules, 2, NOW);
	ck_assert_uint_eq(messages(uses, 0, NOW + 39 * DAY), 31);
	ck_assert_int_eq(uses_of(uses, rules, 0)->last, NOW + 39 * DAY);
	uses_free(uses);
}
END_TEST

START_TEST(counts_survive_a_restart)
{
	struct uses *uses = uses_new(path, &complaints);
	const struct use *use;
	int i;

	for (i = 0; i < 50; i += 7)
		uses_count(uses, rules, 4, NOW + i * DAY);
	uses_count(uses, rules, 5, NOW);
	uses_warned(uses, rules, 0, NOW + DAY, 14);
	uses_free(uses);
	uses = uses_new(path, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	ck_assert_uint_eq(messages(uses, 2, NOW + 49 * DAY), 5);
	ck_assert_int_eq(uses_of(uses, rules, 2)->last, NOW + 49 * DAY);
	ck_assert_uint_eq(messages(uses, 3, NOW), 1);
	use = uses_of(uses, rules, 0);
	ck_assert_int_eq(use->until, NOW + DAY);
	ck_assert_int_eq(use->warned, 14);
	ck_assert_int_eq(use->last, 0);
	uses_free(uses);
}
END_TEST

START_TEST(damaged_lines_are_left_out)
{
	struct uses *uses;

	tables_write(path,
	    "10.1.0.0/16@1 last=1800000000 days=20833:3\n"
	    "10.1.0.0/16@2 last=-5\n"
	    "10.1.0.0/16@2 last=99999999999999999999\n"
	    "10.1.0.0/16@2 last=5 days=7\n"
	    "10.1.0.0/16@2 last=5 days=7:1,8:1\n"
	    "10.1.0.0/16@2 last=5 days=70:1,8:1\n"
	    "10.1.0.0/16@2 last=5 days=\n"
	    "10.1.0.0/16@2 colour=red\n"
	    "scanner.campus.test@1 last=1800000001");
	uses = uses_new(path, &complaints);
	ck_assert_uint_eq(messages(uses, 0, NOW), 3);
	ck_assert_ptr_null(uses_of(uses, rules, 2));
	ck_assert_int_eq(uses_of(uses, rules, 3)->last, NOW + 1);
	ck_assert_uint_eq(complaints.errors, 7);
	uses_free(uses);
}
END_TEST

START_TEST(beyond_the_ceiling_the_longest_unused_goes)
{
	struct uses *uses = uses_new(path, &complaints);
	struct complaints none;
	struct buf table;
	size_t i;

	buf_init(&table, 1 << 20);
	for (i = 0; i < USES_MAX + 2; i++)
		buf_addf(&table, "10.%zu.%zu.%zu\n", i >> 16, i >> 8 & 255,
		    i & 255);
	tables_write(tables_allowlist, buf_text(&table));
	rules_free(rules);
	rules = tables_load("postmaster@campus.test", &none);
	complaints_clear(&none);
	ck_assert_ptr_nonnull(rules);
	for (i = 0; i < USES_MAX + 2; i++)
		uses_count(uses, rules, i + 1, NOW + (int64_t)(i != 7));
	ck_assert_ptr_null(uses_of(uses, rules, 7));
	ck_assert_ptr_nonnull(uses_of(uses, rules, USES_MAX + 1));
	buf_clear(&table);
	uses_free(uses);
}
END_TEST

static bool
is_busy(void *owner)
{
	return helper_busy(owner);
}

START_TEST(a_running_relay_writes_within_a_minute)
{
	struct uses *uses = uses_new(path, &complaints), *again;
	struct virtual_clock clock;
	struct helper *helper;
	struct loop *loop;

	virtual_clock_init(&clock, NOW);
	loop = virtual_clock_loop(&clock);
	helper = helper_new(loop);
	clock.busy = is_busy;
	clock.owner = helper;
	uses_run(uses, loop, helper);
	uses_count(uses, rules, 2, NOW);
	virtual_clock_run(&clock, 30000);
	ck_assert_int_ne(access(path, F_OK), 0);
	uses_count(uses, rules, 2, NOW);
	virtual_clock_run(&clock, 31000);
	again = uses_new(path, &complaints);
	ck_assert_uint_eq(messages(again, 0, NOW), 2);
	uses_free(again);
	helper_free(helper);
	uses_free(uses);
	loop_free(loop);
}
END_TEST

static Suite *
uses_suite(void)
{
	Suite *suite = suite_create("uses");
	TCase *tcase = tcase_create("uses");

	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, a_message_is_one_use_of_its_line);
	tcase_add_test(tcase, uses_older_than_thirty_days_do_not_count);
	tcase_add_test(tcase, counts_survive_a_restart);
	tcase_add_test(tcase, damaged_lines_are_left_out);
	tcase_add_test(tcase, beyond_the_ceiling_the_longest_unused_goes);
	tcase_add_test(tcase, a_running_relay_writes_within_a_minute);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(uses_suite)
