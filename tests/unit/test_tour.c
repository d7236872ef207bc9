/*
 * test_tour - a walk over what waits meets everything once, also while
 * messages come and go.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "spool/inside.h"
#include "spool/tour.h"
#include "tests/support/suite.h"

enum {
	MANY = 5000
};

static struct spool spool;
static unsigned char met[4 * MANY];
static size_t met_count;

static void
add(uint64_t id)
{
	entries_add(&spool.entries, id, 1);
	if (id > spool.last_id)
		spool.last_id = id;
}

static void
set_up(void)
{
	spool = (struct spool){ .last_id = 0 };
	entries_init(&spool.entries);
	memset(met, 0, sizeof(met));
	met_count = 0;
}

static void
tear_down(void)
{
	entries_clear(&spool.entries);
}

static void
meet(void *owner, struct spool_entry *entry)
{
	(void)owner;
	met[entry->id]++;
	met_count++;
}

static void
meet_and_end(void *owner, struct spool_entry *entry)
{
	meet(owner, entry);
	entries_remove(&spool.entries, entry);
}

START_TEST(every_message_is_met_once)
{
	struct tour tour;
	uint64_t id;

	for (id = 1; id <= MANY; id++)
		add(id);
	tour_begin(&spool, &tour);
	while (tour_step(&spool, &tour, 7, meet, NULL))
		;
	ck_assert_uint_eq(met_count, MANY);
	for (id = 1; id <= MANY; id++)
		ck_assert_uint_eq(met[id], 1);
}
END_TEST

START_TEST(an_empty_queue_is_walked_at_once)
{
	struct tour tour;

	tour_begin(&spool, &tour);
	ck_assert(!tour_step(&spool, &tour, 7, meet, NULL));
	ck_assert_uint_eq(met_count, 0);
}
END_TEST

START_TEST(a_slice_meets_no_more_than_its_budget_and_a_chain)
{
	struct tour tour;
	size_t before;
	uint64_t id;
	bool more;

	for (id = 1; id <= MANY; id++)
		add(id);
	tour_begin(&spool, &tour);
	do {
		before = met_count;
		more = tour_step(&spool, &tour, 100, meet, NULL);
		ck_assert_uint_le(met_count - before, 100 + 16);
	} while (more);
}
END_TEST

/* The table grows threefold, which moves what has been met and what has not. */
START_TEST(a_walk_is_exact_while_the_table_grows)
{
	struct tour tour;
	uint64_t id, next = MANY + 1;
	bool more;
	int i;

	for (id = 1; id <= MANY; id++)
		add(id);
	tour_begin(&spool, &tour);
	do {
		more = tour_step(&spool, &tour, 20, meet, NULL);
		for (i = 0; i < 40 && next < 3 * MANY; i++)
			add(next++);
	} while (more);
	ck_assert_uint_gt(next, 2 * MANY);
	for (id = 1; id <= MANY; id++)
		ck_assert_uint_eq(met[id], 1);
	/* those that came since are not met */
	ck_assert_uint_eq(met_count, MANY);
}
END_TEST

START_TEST(whoever_is_met_may_end)
{
	struct tour tour;
	uint64_t id;

	for (id = 1; id <= MANY; id++)
		add(id);
	tour_begin(&spool, &tour);
	while (tour_step(&spool, &tour, 50, meet_and_end, NULL))
		;
	ck_assert_uint_eq(met_count, MANY);
	ck_assert_uint_eq(spool.entries.count, 0);
}
END_TEST

static Suite *
tour_suite(void)
{
	Suite *suite = suite_create("tour");
	TCase *tcase = tcase_create("tour");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, every_message_is_met_once);
	tcase_add_test(tcase, an_empty_queue_is_walked_at_once);
	tcase_add_test(tcase,
	    a_slice_meets_no_more_than_its_budget_and_a_chain);
	tcase_add_test(tcase, a_walk_is_exact_while_the_table_grows);
	tcase_add_test(tcase, whoever_is_met_may_end);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(tour_suite)
