/*
 * test_turns - origins take turns, however much of one there is.
 */
#include <stdlib.h>

#include "relayd/delivery/errand.h"
#include "spool/entry.h"
#include "spool/flow.h"
#include "tests/support/suite.h"

enum {
	MANY = 2000
};

static struct spool_entry entries[MANY];
static struct errand errands[MANY];
static struct turns turns;
static size_t count;

static void
set_up(void)
{
	turns_init(&turns);
	count = 0;
}

static void
tear_down(void)
{
	struct errand *errand;

	while ((errand = turns_first(&turns)) != NULL)
		turns_remove(&turns, errand);
	ck_assert_ptr_null(turns.flows);
	ck_assert_uint_eq(turns.count, 0);
}

static struct errand *
make(unsigned client, unsigned sender)
{
	struct spool_entry *entry = &entries[count];
	struct errand *errand = &errands[count++];

	*entry = (struct spool_entry){
		.id = count,
		.flow = (uint16_t)(client << 8 | sender),
	};
	*errand = (struct errand){ .entry = entry };
	return errand;
}

static void
add(size_t times, unsigned client, unsigned sender)
{
	while (times-- > 0)
		turns_add(&turns, make(client, sender), false);
}

/* The ID of the one whose turn it was. */
static uint64_t
take(void)
{
	struct errand *errand = turns_next(&turns);

	ck_assert_ptr_nonnull(errand);
	turns_pass(&turns, errand);
	turns_remove(&turns, errand);
	return errand->entry->id;
}

static unsigned
take_client(void)
{
	return entries[take() - 1].flow >> 8;
}

START_TEST(a_few_go_as_they_came)
{
	uint64_t i;

	for (i = 0; i < 32; i++)
		add(1, (unsigned)i * 7 % 32, (unsigned)i % 8);
	for (i = 1; i <= 32; i++)
		ck_assert_uint_eq(take(), i);
	ck_assert_ptr_null(turns_next(&turns));
}
END_TEST

START_TEST(one_origin_s_messages_go_as_they_came)
{
	uint64_t i;

	add(500, 3, 5);
	for (i = 1; i <= 500; i++)
		ck_assert_uint_eq(take(), i);
}
END_TEST

START_TEST(a_flood_delays_one_message_of_another_by_one)
{
	add(1000, 3, 5);
	take();
	/* of another client, and of another sender of the same */
	add(1, _i == 0 ? 4 : 3, _i == 0 ? 5 : 6);
	if (take() != 1001)
		ck_assert_uint_eq(take(), 1001);
}
END_TEST

START_TEST(a_client_with_many_senders_has_one_client_s_share)
{
	size_t i, seen = 0;

	for (i = 0; i < 800; i++)
		add(1, 9, (unsigned)i % 256);
	add(100, 20, 1);
	for (i = 0; i < 200; i++)
		seen += take_client() == 20;
	ck_assert_uint_ge(seen, 99);
}
END_TEST

START_TEST(the_senders_of_a_client_share_its_turns)
{
	size_t i, seen = 0;

	add(900, 9, 2);
	add(50, 9, 3);
	add(900, 10, 2);
	/* a quarter of all turns: half of its client's */
	for (i = 0; i < 200; i++)
		seen += (entries[take() - 1].flow & 0xff) == 3;
	ck_assert_uint_ge(seen, 49);
}
END_TEST

START_TEST(what_goes_in_front_leads_its_own_origin)
{
	struct errand *errand = make(3, 5);
	int i;

	add(100, 3, 5);
	add(100, 4, 5);
	turns_add(&turns, errand, true);
	for (i = 0; i < 4; i++)
		if (take_client() == 3)
			break;
	ck_assert_ptr_eq(errand->entry, &entries[0]);
	ck_assert(turns_first(&turns) != errand);
}
END_TEST

/* Of some origins; in few and in many. */
static void
add_mixture(size_t many)
{
	size_t i;

	for (i = 0; i < many; i++)
		add(1, (unsigned)(i * i) % 37, (unsigned)i % 11);
}

START_TEST(a_walk_meets_each_once)
{
	size_t many = _i == 0 ? 10 : 1000, met = 0;
	struct errand *errand;

	add_mixture(many);
	for (errand = turns_first(&turns); errand != NULL;
	     errand = turns_after(&turns, errand)) {
		ck_assert_int_eq(errand->due.count, 0);
		errand->due.count = 1;
		met++;
	}
	ck_assert_uint_eq(met, many);
}
END_TEST

START_TEST(a_walk_that_puts_each_back_meets_each_once)
{
	size_t many = _i == 0 ? 10 : 1000, met = 0;
	struct errand *errand, *next;

	add_mixture(many);
	for (errand = turns_first(&turns); errand != NULL; errand = next) {
		next = turns_after(&turns, errand);
		turns_remove(&turns, errand);
		turns_put_back(&turns, errand, next);
		ck_assert_int_eq(errand->due.count, 0);
		errand->due.count = 1;
		met++;
	}
	ck_assert_uint_eq(met, many);
	ck_assert_uint_eq(turns.count, many);
	/* and in the order they had */
	if (_i == 0)
		ck_assert_ptr_eq(turns_first(&turns), &errands[0]);
}
END_TEST

START_TEST(all_go_whatever_they_are)
{
	size_t round, i;

	for (round = 0; round < 3; round++) {
		count = 0;
		add_mixture(MANY);
		for (i = 0; i < MANY; i++)
			entries[take() - 1].arrival = 1;
		for (i = 0; i < MANY; i++)
			ck_assert_int_eq(entries[i].arrival, 1);
		ck_assert_ptr_null(turns.flows);
	}
}
END_TEST

/* ---- whose mail it is ---- */

static uint16_t
flow(const char *client, const char *sender)
{
	struct envelope envelope = {
		.client = span_of(client),
		.sender = span_of(sender),
	};

	return flow_of(&envelope);
}

START_TEST(a_flow_is_of_client_and_sender)
{
	uint16_t one = flow("192.0.2.17", "scan@campus.test");

	/* It lies in the indexes on the disk: it stays what it is. */
	ck_assert_uint_eq(one, flow("192.0.2.17", "scan@campus.test"));
	ck_assert_uint_ne(one >> 8,
	    flow("192.0.2.18", "scan@campus.test") >> 8);
	ck_assert_uint_eq(one & 0xff,
	    flow("192.0.2.18", "scan@campus.test") & 0xff);
	ck_assert_uint_ne(one & 0xff, flow("192.0.2.17", "") & 0xff);
	ck_assert_uint_eq(one >> 8, flow("192.0.2.17", "") >> 8);
}
END_TEST

START_TEST(an_ipv6_client_is_its_64)
{
	ck_assert_uint_eq(flow("2001:db8:1:2::5", ""),
	    flow("2001:db8:1:2:ffff:0:1:2", ""));
	ck_assert_uint_ne(flow("2001:db8:1:2::5", ""),
	    flow("2001:db8:1:3::5", ""));
	/* and what is none is only text */
	flow("", "");
	flow("2001:db8:1:2:2001:db8:1:2:2001:db8:1:2:2001:db8:1:2", "");
}
END_TEST

static Suite *
turns_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, set_up, tear_down);
	tcase_add_test(all, a_few_go_as_they_came);
	tcase_add_test(all, one_origin_s_messages_go_as_they_came);
	tcase_add_loop_test(all, a_flood_delays_one_message_of_another_by_one,
	    0, 2);
	tcase_add_test(all, a_client_with_many_senders_has_one_client_s_share);
	tcase_add_test(all, the_senders_of_a_client_share_its_turns);
	tcase_add_test(all, what_goes_in_front_leads_its_own_origin);
	tcase_add_loop_test(all, a_walk_meets_each_once, 0, 2);
	tcase_add_loop_test(all, a_walk_that_puts_each_back_meets_each_once, 0,
	    2);
	tcase_add_test(all, all_go_whatever_they_are);
	tcase_add_test(all, a_flow_is_of_client_and_sender);
	tcase_add_test(all, an_ipv6_client_is_its_64);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(turns_suite)
