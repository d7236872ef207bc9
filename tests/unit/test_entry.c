#include <stdlib.h>

#include "spool/entry.h"
#include "spool/ledger.h"
#include "tests/support/suite.h"

enum {
	MANY = 20000
};

/* As real IDs come: in bursts of neighbours. */
static uint64_t
id_of(uint64_t i)
{
	return 1700000000000000 + i / 7 * 1000 + i % 7;
}

START_TEST(every_entry_is_found_while_the_table_grows)
{
	struct entries entries;
	uint64_t i;

	entries_init(&entries);
	for (i = 0; i < MANY; i++) {
		ck_assert_ptr_null(entries_find(&entries, id_of(i)));
		entries_add(&entries, id_of(i), 1);
		ck_assert_uint_eq(entries_find(&entries, id_of(i / 2))->id,
		    id_of(i / 2));
	}
	for (i = 0; i < MANY; i += 2)
		entries_remove(&entries, entries_find(&entries, id_of(i)));
	for (i = 0; i < MANY; i++)
		ck_assert(
		    (entries_find(&entries, id_of(i)) != NULL) == (i % 2 == 1));
	ck_assert_uint_eq(entries.count, MANY / 2);
	entries_clear(&entries);
}
END_TEST

START_TEST(a_waiting_message_takes_less_than_80_bytes)
{
	struct entries entries;
	uint64_t i;

	entries_init(&entries);
	for (i = 0; i < MANY; i++)
		entries_add(&entries, id_of(i), 1);
	ck_assert_uint_le(entries_memory(&entries), (size_t)MANY * 80);
	entries_clear(&entries);
}
END_TEST

/* Around the place where a bitmap of its own begins. */
static const uint32_t counts[] = { 1, 2, 63, 64, 65, 100, 100000 };

START_TEST(each_recipient_is_settled_once)
{
	struct entries entries;
	struct spool_entry *entry;
	uint32_t count = counts[_i], i;
	unsigned char *state;
	size_t len = (count + 7) / 8;

	entries_init(&entries);
	entry = entries_add(&entries, 5, count);
	for (i = 0; i < count; i++) {
		ck_assert(!entry_ended(entry));
		ck_assert(!entry_settled(entry, i));
		ck_assert(entry_settle(&entries, entry, i));
		ck_assert(entry_settled(entry, i));
		ck_assert(!entry_settle(&entries, entry, i));
	}
	ck_assert(entry_ended(entry));
	ck_assert(!entry_settle(&entries, entry, count));
	state = calloc(len, 1);
	entry_state(entry, state, len);
	for (i = 0; i < count; i++)
		ck_assert((state[i / 8] >> i % 8 & 1) == 1);
	free(state);
	entries_remove(&entries, entry);
	ck_assert_uint_eq(entries.bitmaps, 0);
	entries_clear(&entries);
}
END_TEST

START_TEST(the_ledger_knows_ends_and_marks_by_id)
{
	uint64_t about = 0, i;
	uint32_t recipient, sum = 0;
	struct ledger ledger;
	size_t place = 0;

	ledger_init(&ledger);
	ck_assert(!ledger_ended(&ledger, 5, &about));
	for (i = 1; i <= MANY; i++)
		ledger_end(&ledger, id_of(i), i);
	for (i = 1; i <= MANY; i++) {
		ck_assert(ledger_ended(&ledger, id_of(i), &about));
		ck_assert_uint_eq(about, i);
	}
	ck_assert(!ledger_ended(&ledger, 5, &about));
	ledger_settle(&ledger, 5, 2, 10);
	ledger_settle(&ledger, 5, 3, 20);
	ledger_settle(&ledger, 6, 3, 40);
	while (ledger_next(&ledger, 5, &place, &about, &recipient))
		sum += recipient;
	ck_assert_uint_eq(sum, 30);
	place = 0;
	ledger_end(&ledger, 5, 9);
	ck_assert(!ledger_next(&ledger, 5, &place, &about, &recipient));
	ledger_settle(&ledger, 5, 3, 20);
	ck_assert(ledger_ended(&ledger, 5, &about));
	ledger_clear(&ledger);
}
END_TEST

static Suite *
entry_suite(void)
{
	Suite *suite = suite_create("entry");
	TCase *all = tcase_create("all");

	tcase_add_test(all, every_entry_is_found_while_the_table_grows);
	tcase_add_test(all, a_waiting_message_takes_less_than_80_bytes);
	tcase_add_loop_test(all, each_recipient_is_settled_once, 0,
	    sizeof(counts) / sizeof(counts[0]));
	tcase_add_test(all, the_ledger_knows_ends_and_marks_by_id);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(entry_suite)
