/*
 * test_names - names on the allowlist are looked up a few at a time, each again
 * when it is due, however many there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/admin/names.h"
#include "tests/support/suite.h"
#include "tests/support/tables.h"
#include "tests/support/virtual_clock.h"

enum {
	MANY = 3000,
	A_TURN = 20,
	UNDER_WAY = 500,
	SECOND = 1000,
};

static struct virtual_clock clock_;
static struct loop *loop;
static struct resolver *resolver;
static struct rules *rules;
static struct names *names;

/* Questions that DNS has not answered. */
static struct question {
	struct query *query;
	unsigned number; /* of its name */
} open_[MANY];
static size_t open_count, asked, touched;

const char *__real_rules_name(const struct rules *rules_, size_t index);
const char *__wrap_rules_name(const struct rules *rules_, size_t index);

const char *
__wrap_rules_name(const struct rules *rules_, size_t index)
{
	touched++;
	return __real_rules_name(rules_, index);
}

static void
ask(void *owner, const char *host, struct query *query)
{
	struct question *question = &open_[open_count++];

	(void)owner;
	asked++;
	question->query = query;
	ck_assert_int_eq(sscanf(host, "n%u.", &question->number), 1);
}

static struct rules *
rules_of(unsigned count)
{
	struct buf text;
	unsigned i;

	buf_init(&text, 1 << 20);
	for (i = 0; i < count; i++)
		buf_addf(&text, "n%u.campus.test\n", i);
	tables_write(tables_allowlist, buf_text(&text));
	buf_clear(&text);
	return tables_good();
}

static void
make(void)
{
	static const struct resolver_backend backend = { .address = ask };

	tables_make();
	virtual_clock_init(&clock_, TABLES_NOW);
	loop = virtual_clock_loop(&clock_);
	resolver = resolver_new_with(loop, &backend);
	open_count = asked = 0;
}

static void
begin(unsigned count)
{
	rules = rules_of(count);
	names = names_new(loop, resolver, rules);
}

static void
clean(void)
{
	names_free(names);
	loop_turn(loop, false);
	resolver_free(resolver);
	loop_free(loop);
	rules_free(rules);
	tables_remove();
}

/* DNS answers all that was asked: name n's answer is good for ttl(n). */
static void
answer_all(uint32_t (*ttl)(unsigned number))
{
	struct ip ip = tables_ip("192.0.2.1");
	struct address_answer answer = { .status = RESOLVE_OK,
		.count = 1,
		.addresses = &ip };
	size_t i, count = open_count;

	open_count = 0;
	for (i = 0; i < count; i++) {
		answer.ttl = ttl(open_[i].number);
		query_answer_address(open_[i].query, &answer);
	}
}

static uint32_t
an_hour(unsigned number)
{
	(void)number;
	return 3600;
}

/* The odd ones a minute, the even ones ten. */
static uint32_t
by_parity(unsigned number)
{
	return number % 2 == 1 ? 60 : 600;
}

START_TEST(a_turn_begins_few_and_only_so_many_are_under_way)
{
	int i;

	begin(MANY);
	for (i = 0; i < UNDER_WAY; i++) {
		touched = 0;
		loop_turn(loop, false);
		ck_assert_uint_le(touched, A_TURN);
	}
	ck_assert_uint_eq(asked, UNDER_WAY);
}
END_TEST

START_TEST(every_name_is_looked_up_once_while_its_answer_is_fresh)
{
	int i;

	begin(MANY);
	for (i = 0; i < MANY; i++) {
		loop_turn(loop, false);
		answer_all(an_hour);
	}
	ck_assert_uint_eq(asked, MANY);
	virtual_clock_run(&clock_, 3500 * SECOND);
	ck_assert_uint_eq(asked, MANY);
	virtual_clock_run(&clock_, 200 * SECOND);
	ck_assert_uint_eq(asked, MANY + UNDER_WAY);
}
END_TEST

START_TEST(the_one_that_ends_first_is_asked_first)
{
	size_t i;

	begin(100);
	for (i = 0; i < 10; i++) {
		loop_turn(loop, false);
		answer_all(by_parity);
	}
	ck_assert_uint_eq(asked, 100);
	virtual_clock_run(&clock_, 70 * SECOND);
	ck_assert_uint_eq(asked, 150);
	for (i = 0; i < open_count; i++)
		ck_assert_uint_eq(open_[i].number % 2, 1);
	answer_all(an_hour);
	virtual_clock_run(&clock_, 600 * SECOND);
	ck_assert_uint_eq(asked, 200);
	for (i = 0; i < open_count; i++)
		ck_assert_uint_eq(open_[i].number % 2, 0);
}
END_TEST

START_TEST(other_rules_forget_what_was_asked_for_the_old_ones)
{
	struct rules *older;

	begin(10);
	loop_turn(loop, false);
	ck_assert_uint_eq(asked, 10);
	older = rules;
	rules = rules_of(3);
	names_reload(names, rules);
	rules_free(older);
	answer_all(an_hour); /* nobody hears */
	loop_turn(loop, false);
	ck_assert_uint_eq(asked, 13);
	answer_all(an_hour);
	virtual_clock_run(&clock_, 60 * SECOND);
	ck_assert_uint_eq(asked, 13);
}
END_TEST

/* DNS says to all that was asked that it fails, or that there is none. */
static void
deny_all(enum resolve_status status)
{
	struct address_answer answer = { .status = status };
	size_t i, count = open_count;

	if (status == RESOLVE_FAILED)
		answer.error = "no DNS server answered";
	open_count = 0;
	for (i = 0; i < count; i++)
		query_answer_address(open_[i].query, &answer);
	loop_turn(loop, false);
}

/* The code for mail outside from an address; 0: accepted. */
static int
decide_for(const char *address)
{
	struct address sender = tables_path("<a@campus.test>");
	struct address to = tables_path("<b@out.example>");
	struct ip client = tables_ip(address);
	struct decision decision;

	rules_decide(rules, &client, &sender, &to, TABLES_NOW, &decision);
	return decision.code;
}

static int
decide(void)
{
	return decide_for("192.0.2.1");
}

START_TEST(last_good_answer_grants_while_dns_fails_and_not_when_it_denies)
{
	int i;

	begin(1);
	loop_turn(loop, false);
	ck_assert_int_eq(decide(), 451); /* not known yet */
	answer_all(an_hour);
	loop_turn(loop, false);
	ck_assert_int_eq(decide(), 0);
	/* a minute after a failure it is asked again, for days */
	for (i = 0; i < 3 * 24 * 60; i++) {
		virtual_clock_run(&clock_,
		    i == 0 ? 3600 * SECOND : 60 * SECOND);
		ck_assert_uint_eq(open_count, 1);
		deny_all(RESOLVE_FAILED);
		ck_assert_int_eq(decide(), 0);
	}
	virtual_clock_run(&clock_, 60 * SECOND);
	deny_all(_i == 0 ? RESOLVE_NXDOMAIN : RESOLVE_NODATA);
	ck_assert_int_eq(decide(), 550);
	virtual_clock_run(&clock_, 60 * SECOND);
	answer_all(an_hour);
	loop_turn(loop, false);
	ck_assert_int_eq(decide(), 0);
}
END_TEST

/* DNS gives one address to the name; half: of the other family it fails. */
static void
answer_one(const char *address, bool half)
{
	struct ip ip = tables_ip(address);
	struct address_answer answer = { .status = RESOLVE_OK,
		.count = 1,
		.addresses = &ip,
		.ttl = 60,
		.half = half };

	ck_assert_uint_eq(open_count, 1);
	open_count = 0;
	query_answer_address(open_[0].query, &answer);
	virtual_clock_run(&clock_, 60 * SECOND); /* it is asked again */
}

START_TEST(family_that_fails_keeps_its_last_good_answer)
{
	begin(1);
	loop_turn(loop, false);
	answer_one("2001:db8::1", false);
	ck_assert_int_eq(decide_for("2001:db8::1"), 0);
	answer_one("192.0.2.1", true);
	ck_assert_int_eq(decide_for("2001:db8::1"), 0);
	ck_assert_int_eq(decide_for("192.0.2.1"), 0);
	/* only the family that failed */
	answer_one("192.0.2.2", true);
	ck_assert_int_eq(decide_for("2001:db8::1"), 0);
	ck_assert_int_eq(decide_for("192.0.2.1"), 550);
	answer_one("192.0.2.2", false);
	ck_assert_int_eq(decide_for("2001:db8::1"), 550);
	ck_assert_int_eq(decide_for("192.0.2.2"), 0);
}
END_TEST

static uint32_t
no_time(unsigned number)
{
	(void)number;
	return 0;
}

START_TEST(answer_that_is_good_for_no_time_is_kept_for_half_a_minute)
{
	begin(1);
	loop_turn(loop, false);
	answer_all(no_time);
	virtual_clock_run(&clock_, 29 * SECOND);
	ck_assert_uint_eq(asked, 1);
	virtual_clock_run(&clock_, 2 * SECOND);
	ck_assert_uint_eq(asked, 2);
}
END_TEST

static Suite *
names_suite(void)
{
	Suite *suite = suite_create("names");
	TCase *tcase = tcase_create("names");

	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, a_turn_begins_few_and_only_so_many_are_under_way);
	tcase_add_test(tcase,
	    every_name_is_looked_up_once_while_its_answer_is_fresh);
	tcase_add_test(tcase, the_one_that_ends_first_is_asked_first);
	tcase_add_test(tcase,
	    other_rules_forget_what_was_asked_for_the_old_ones);
	tcase_add_loop_test(tcase,
	    last_good_answer_grants_while_dns_fails_and_not_when_it_denies, 0,
	    2);
	tcase_add_test(tcase, family_that_fails_keeps_its_last_good_answer);
	tcase_add_test(tcase,
	    answer_that_is_good_for_no_time_is_kept_for_half_a_minute);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(names_suite)
