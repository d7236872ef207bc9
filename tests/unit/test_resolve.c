#include <stdio.h>
#include <string.h>

#include "relayd/net/dns_answer.h"
#include "relayd/net/resolve.h"
#include "tests/support/dns_server.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	PATIENCE = 20, /* milliseconds; c-ares waits twice as long each time */
	TRIES = 2,
	TEXT_MAX = 8000,
	MANY = 1200,
};

/* What a caller heard, as text. */
struct hearing {
	int count;
	enum resolve_status status;
	const char *error;
	uint32_t ttl;
	bool half;
	char text[TEXT_MAX];
};

static struct loop *loop;
static struct dns_server *server;
static struct resolver *resolver;
static struct buf why;
static int outstanding; /* queries whose answer ends the loop */

static void
heard(struct hearing *hearing, enum resolve_status status, const char *error)
{
	hearing->count++;
	hearing->status = status;
	hearing->error = error;
	ck_assert((status == RESOLVE_FAILED) == (error != NULL));
	if (--outstanding == 0)
		loop_stop(loop);
}

static void
heard_mx(void *owner, const struct mx_answer *answer)
{
	struct hearing *hearing = owner;
	struct buf text;
	size_t i;

	buf_init(&text, TEXT_MAX);
	for (i = 0; i < answer->count; i++)
		buf_addf(&text, "%s%u %s", i == 0 ? "" : ",",
		    answer->records[i].preference, answer->records[i].host);
	snprintf(hearing->text, TEXT_MAX, "%s", buf_text(&text));
	buf_clear(&text);
	heard(hearing, answer->status, answer->error);
}

static void
heard_address(void *owner, const struct address_answer *answer)
{
	struct hearing *hearing = owner;
	char ip[IP_TEXT_MAX];
	struct buf text;
	size_t i;

	buf_init(&text, TEXT_MAX);
	for (i = 0; i < answer->count; i++)
		buf_addf(&text, "%s%s", i == 0 ? "" : ",",
		    ip_text(&answer->addresses[i], ip));
	snprintf(hearing->text, TEXT_MAX, "%s", buf_text(&text));
	buf_clear(&text);
	hearing->ttl = answer->ttl;
	hearing->half = answer->half;
	heard(hearing, answer->status, answer->error);
}

static void
open_all(const struct dns_rule *rules)
{
	buf_init(&why, 500);
	loop = loop_new(NULL);
	server = dns_server_new(loop, rules);
	resolver = resolver_new_patient(loop, dns_server_address(server),
	    PATIENCE, TRIES, &why);
	ck_assert_msg(resolver != NULL, "%s", buf_text(&why));
	outstanding = 0;
}

static void
close_all(void)
{
	resolver_free(resolver);
	dns_server_free(server);
	loop_free(loop);
	buf_clear(&why);
}

static struct query *
ask(bool mx, const char *name, struct hearing *hearing)
{
	outstanding++;
	memset(hearing, 0, sizeof(*hearing));
	if (mx)
		return resolve_mx(resolver, name, heard_mx, hearing);
	return resolve_address(resolver, name, heard_address, hearing);
}

/* ---- every class of answer ---- */

static const struct dns_rule rules[] = {
	/* clang-format off */
	{ "campus.test", DNS_MX, DNS_SAY, "@ 300 MX 20 b.campus.test;@ 300 MX 10 a.campus.test" },
	{ "null.test", DNS_MX, DNS_SAY, "@ 300 MX 0 ." },
	{ "nodata.test", 0, DNS_SAY_NO_DATA, NULL },
	{ "none.test", 0, DNS_SAY_NO_NAME, NULL },
	{ "bare.test", 0, DNS_SAY_BARE, NULL },
	{ "referral.test", 0, DNS_SAY_REFERRAL, NULL },
	{ "servfail.test", 0, DNS_SAY_SERVFAIL, NULL },
	{ "refused.test", 0, DNS_SAY_REFUSED, NULL },
	{ "notimp.test", 0, DNS_SAY_NOTIMP, NULL },
	{ "formerr.test", 0, DNS_SAY_FORMERR, NULL },
	{ "yxdomain.test", 0, DNS_SAY_YXDOMAIN, NULL },
	{ "silent.test", 0, DNS_SAY_NOTHING, NULL },
	{ "garbage.test", 0, DNS_SAY_GARBAGE, "@ 300 MX 10 a.test" },
	{ "forged.test", 0, DNS_SAY_OTHER_ID, "@ 300 MX 10 evil.test" },
	{ "tcp.test", DNS_MX, DNS_SAY_BY_TCP, "@ 300 MX 10 tcp.campus.test" },
	{ "cut.test", 0, DNS_SAY_CUT_SHORT, "@ 300 MX 10 a.test" },
	{ "bad.test", DNS_MX, DNS_SAY, "@ 300 MX 10 a!b" },
	{ "alias.test", 0, DNS_SAY, "@ 300 CNAME campus.test" },
	{ "alias2.test", 0, DNS_SAY, "@ 300 CNAME alias.test" },
	{ "alias3.test", 0, DNS_SAY, "@ 300 CNAME none.test" },
	{ "circle.test", 0, DNS_SAY, "@ 300 CNAME circle2.test" },
	{ "circle2.test", 0, DNS_SAY, "@ 300 CNAME circle.test" },
	{ "localhost", DNS_A, DNS_SAY, "@ 300 A 192.0.2.99" },
	{ "localhost", 0, DNS_SAY_NO_DATA, NULL },
	{ "mx.test", DNS_A, DNS_SAY, "@ 300 A 192.0.2.1;@ 100 A 192.0.2.2" },
	{ "mx.test", DNS_AAAA, DNS_SAY, "@ 200 AAAA 2001:db8::1" },
	{ "v4.test", DNS_A, DNS_SAY, "@ 300 A 192.0.2.1" },
	{ "v4.test", 0, DNS_SAY_NO_DATA, NULL },
	{ "v6.test", DNS_AAAA, DNS_SAY, "@ 300 AAAA 2001:db8::1" },
	{ "v6.test", 0, DNS_SAY_NO_DATA, NULL },
	{ "half.test", DNS_A, DNS_SAY, "@ 300 A 192.0.2.1" },
	{ "half.test", 0, DNS_SAY_SERVFAIL, NULL },
	{ "halfnone.test", DNS_A, DNS_SAY_NO_DATA, NULL },
	{ "halfnone.test", 0, DNS_SAY_SERVFAIL, NULL },
	{ "torn.test", DNS_A, DNS_SAY_NO_NAME, NULL },
	{ "torn.test", 0, DNS_SAY_NO_DATA, NULL },
	{ "www.test", 0, DNS_SAY, "@ 300 CNAME mx.test" },
	{ NULL, 0, DNS_SAY, NULL },
	/* clang-format on */
};

#define LABEL50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const struct row {
	bool mx;
	const char *name;
	enum resolve_status status;
	const char *text;
	const char *error;
} rows[] = {
	/* clang-format off */
	{ true, "campus.test", RESOLVE_OK, "10 a.campus.test,20 b.campus.test", NULL },
	{ true, "null.test", RESOLVE_OK, "0 ", NULL },
	{ true, "tcp.test", RESOLVE_OK, "10 tcp.campus.test", NULL },
	{ true, "alias.test", RESOLVE_OK, "10 a.campus.test,20 b.campus.test", NULL },
	{ true, "alias2.test", RESOLVE_OK, "10 a.campus.test,20 b.campus.test", NULL },
	/* there is none */
	{ true, "nodata.test", RESOLVE_NODATA, "", NULL },
	{ true, "bare.test", RESOLVE_NODATA, "", NULL },
	{ true, "none.test", RESOLVE_NXDOMAIN, "", NULL },
	{ true, "alias3.test", RESOLVE_NXDOMAIN, "", NULL },
	{ true, LABEL50 LABEL50 ".test", RESOLVE_NXDOMAIN, "", NULL },
	/* nobody knows */
	{ true, "referral.test", RESOLVE_FAILED, "", "server answered with a referral" },
	{ true, "servfail.test", RESOLVE_FAILED, "", NULL },
	{ true, "refused.test", RESOLVE_FAILED, "", NULL },
	{ true, "notimp.test", RESOLVE_FAILED, "", NULL },
	{ true, "formerr.test", RESOLVE_FAILED, "", NULL },
	{ true, "yxdomain.test", RESOLVE_FAILED, "", "server answered with an error" },
	{ true, "silent.test", RESOLVE_FAILED, "", "no DNS server answered" },
	{ true, "garbage.test", RESOLVE_FAILED, "", "garbled answer" },
	{ true, "forged.test", RESOLVE_FAILED, "", "no DNS server answered" },
	{ true, "cut.test", RESOLVE_FAILED, "", NULL },
	{ true, "bad.test", RESOLVE_FAILED, "", "no record is usable" },
	{ true, "circle.test", RESOLVE_FAILED, "", "too many aliases" },
	/* addresses */
	{ false, "mx.test", RESOLVE_OK, "2001:db8::1,192.0.2.1,192.0.2.2", NULL },
	{ false, "v4.test", RESOLVE_OK, "192.0.2.1", NULL },
	{ false, "v6.test", RESOLVE_OK, "2001:db8::1", NULL },
	{ false, "www.test", RESOLVE_OK, "2001:db8::1,192.0.2.1,192.0.2.2", NULL },
	{ false, "half.test", RESOLVE_OK, "192.0.2.1", NULL },
	{ false, "localhost", RESOLVE_OK, "192.0.2.99", NULL },
	{ false, "halfnone.test", RESOLVE_FAILED, "", NULL },
	{ false, "torn.test", RESOLVE_NODATA, "", NULL },
	{ false, "nodata.test", RESOLVE_NODATA, "", NULL },
	{ false, "none.test", RESOLVE_NXDOMAIN, "", NULL },
	{ false, "servfail.test", RESOLVE_FAILED, "", NULL },
	{ false, "silent.test", RESOLVE_FAILED, "", "no DNS server answered" },
	/* clang-format on */
};

START_TEST(name_is_resolved_as_the_table_says)
{
	static struct hearing hearing;
	const struct row *row = &rows[_i];

	open_all(rules);
	ask(row->mx, row->name, &hearing);
	ck_assert_int_eq(hearing.count, 0);
	loop_run(loop);
	ck_assert_int_eq(hearing.count, 1);
	ck_assert_msg(hearing.status == row->status, "%d: %s", hearing.status,
	    hearing.error == NULL ? "" : hearing.error);
	ck_assert_str_eq(hearing.text, row->text);
	if (row->error != NULL)
		ck_assert_str_eq(hearing.error, row->error);
	close_all();
}
END_TEST

START_TEST(answer_is_kept_and_told_again_without_asking)
{
	static struct hearing hearing;
	const struct row *row = &rows[_i];
	size_t asked;

	open_all(rules);
	ask(row->mx, row->name, &hearing);
	loop_run(loop);
	asked = dns_server_asked(server, NULL);
	ask(row->mx, row->name, &hearing);
	ck_assert_int_eq(hearing.count, 0);
	loop_run(loop);
	ck_assert_int_eq(hearing.status, row->status);
	ck_assert_str_eq(hearing.text, row->text);
	ck_assert_uint_eq(dns_server_asked(server, NULL), asked);
	close_all();
}
END_TEST

START_TEST(same_question_of_many_is_asked_once)
{
	static struct hearing hearings[50];
	int i;

	open_all(rules);
	for (i = 0; i < 50; i++)
		ask(true, "campus.test", &hearings[i]);
	loop_run(loop);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(hearings[i].count, 1);
	ck_assert_uint_eq(dns_server_asked(server, "campus.test"), 1);
	close_all();
}
END_TEST

START_TEST(cancelled_query_is_not_heard_and_the_others_are)
{
	static struct hearing hearings[3];
	struct query *query;

	open_all(rules);
	ask(true, "campus.test", &hearings[0]);
	query = ask(true, "campus.test", &hearings[1]);
	ask(true, "campus.test", &hearings[2]);
	query_cancel(query);
	outstanding--;
	loop_run(loop);
	ck_assert_int_eq(hearings[0].count, 1);
	ck_assert_int_eq(hearings[1].count, 0);
	ck_assert_int_eq(hearings[2].count, 1);
	close_all();
}
END_TEST

static struct query *to_cancel;
static struct hearing cancelled;

static void
cancel_other(void *owner, const struct mx_answer *answer)
{
	query_cancel(to_cancel);
	outstanding--;
	heard_mx(owner, answer);
}

START_TEST(query_may_be_cancelled_from_within_the_answer_of_another)
{
	static struct hearing hearing;

	open_all(rules);
	outstanding++;
	resolve_mx(resolver, "campus.test", cancel_other, &hearing);
	to_cancel = ask(true, "campus.test", &cancelled);
	loop_run(loop);
	ck_assert_int_eq(hearing.count, 1);
	ck_assert_int_eq(cancelled.count, 0);
	close_all();
}
END_TEST

static int rounds;
static int turns, last_turn;
static bool within; /* a call of the resolver's */

static void
count_turn(void *owner)
{
	(void)owner;
	turns++;
}

static void
ask_again(void *owner, const struct mx_answer *answer)
{
	ck_assert(!within);
	/* One a turn: whoever asks and asks does not hold up the loop. */
	ck_assert_int_gt(turns, last_turn);
	last_turn = turns;
	if (rounds++ < 3) {
		outstanding++;
		within = true;
		resolve_mx(resolver, "campus.test", ask_again, owner);
		within = false;
	}
	heard_mx(owner, answer);
}

START_TEST(answer_may_ask_the_same_again)
{
	static struct hearing hearing;

	open_all(rules);
	loop_each_turn(loop, count_turn, NULL);
	outstanding++;
	resolve_mx(resolver, "campus.test", ask_again, &hearing);
	loop_run(loop);
	ck_assert_int_eq(hearing.count, 4);
	ck_assert_uint_eq(dns_server_asked(server, NULL), 1);
	close_all();
}
END_TEST

START_TEST(resolver_may_be_freed_with_queries_under_way)
{
	static struct hearing hearings[4];

	open_all(rules);
	ask(true, "silent.test", &hearings[0]);
	ask(false, "silent.test", &hearings[1]);
	ask(true, "campus.test", &hearings[2]);
	ask(true, "campus.test", &hearings[3]);
	loop_turn(loop, false);
	close_all();
	ck_assert_int_eq(hearings[0].count + hearings[1].count, 0);
}
END_TEST

/* More names than are asked at the same time, more than a socket buffer. */
START_TEST(crowd_of_names_is_asked_in_turn_and_all_are_answered)
{
	static struct hearing hearings[MANY];
	char name[40];
	int i, wrong = 0;

	open_all(rules);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d.refused.test", i);
		ask(true, name, &hearings[i]);
	}
	loop_run(loop);
	for (i = 0; i < MANY; i++)
		if (hearings[i].count != 1 ||
		    hearings[i].status != RESOLVE_FAILED)
			wrong++;
	ck_assert_int_eq(wrong, 0);
	close_all();
}
END_TEST

START_TEST(ttl_told_is_the_least_of_both_families)
{
	static struct hearing hearing;

	open_all(rules);
	ask(false, "mx.test", &hearing);
	loop_run(loop);
	ck_assert_uint_eq(hearing.ttl, 100);
	ck_assert(!hearing.half);
	/* Of half a name the other half is asked again soon. */
	ask(false, "half.test", &hearing);
	loop_run(loop);
	ck_assert_uint_le(hearing.ttl, 30);
	ck_assert(hearing.half);
	ask(false, "servfail.test", &hearing);
	loop_run(loop);
	ck_assert_uint_le(hearing.ttl, 5);
	close_all();
}
END_TEST

/* ---- the cache, on a virtual clock ---- */

static struct virtual_clock virtual_time;

static bool
real_work(void *owner)
{
	(void)owner;
	return outstanding > 0;
}

static const struct dns_rule cache_rules[] = {
	/* clang-format off */
	{ "long.test", 0, DNS_SAY, "@ 100000 MX 10 a.test" },
	{ "short.test", 0, DNS_SAY, "@ 0 MX 10 a.test" },
	{ "usual.test", 0, DNS_SAY, "@ 60 MX 10 a.test" },
	{ "none.test", 0, DNS_SAY_NO_NAME, NULL },
	{ "servfail.test", 0, DNS_SAY_SERVFAIL, NULL },
	{ NULL, 0, DNS_SAY, NULL },
	/* clang-format on */
};

static const struct keeping {
	const char *name;
	uint64_t kept;  /* seconds after which it is still known */
	uint64_t asked; /* seconds after which it is asked anew */
} keepings[] = {
	{ "usual.test", 59, 60 },
	{ "long.test", 3599, 3600 },
	{ "short.test", 4, 5 },
	{ "none.test", 59, 60 },
	{ "servfail.test", 4, 5 },
};

START_TEST(answer_is_kept_for_its_ttl_within_bounds)
{
	static struct hearing hearing;
	const struct keeping *row = &keepings[_i];
	size_t asked;

	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	virtual_time.busy = real_work;
	buf_init(&why, 500);
	server = dns_server_new(loop, cache_rules);
	resolver = resolver_new_patient(loop, dns_server_address(server), 2000,
	    1, &why);
	outstanding = 0;
	ask(true, row->name, &hearing);
	loop_run(loop);
	asked = dns_server_asked(server, NULL);
	virtual_time.now += row->kept * 1000;
	loop_turn(loop, false);
	ask(true, row->name, &hearing);
	loop_run(loop);
	ck_assert_uint_eq(dns_server_asked(server, NULL), asked);
	virtual_time.now += (row->asked - row->kept) * 1000;
	loop_turn(loop, false);
	ask(true, row->name, &hearing);
	loop_run(loop);
	ck_assert_uint_gt(dns_server_asked(server, NULL), asked);
	close_all();
}
END_TEST

static Suite *
resolve_suite(void)
{
	const int count = (int)(sizeof(rows) / sizeof(rows[0]));
	Suite *suite = suite_create("resolve");
	TCase *tests = tcase_create("resolve");

	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, name_is_resolved_as_the_table_says, 0,
	    count);
	tcase_add_loop_test(tests, answer_is_kept_and_told_again_without_asking,
	    0, count);
	tcase_add_test(tests, same_question_of_many_is_asked_once);
	tcase_add_test(tests, cancelled_query_is_not_heard_and_the_others_are);
	tcase_add_test(tests,
	    query_may_be_cancelled_from_within_the_answer_of_another);
	tcase_add_test(tests, answer_may_ask_the_same_again);
	tcase_add_test(tests, resolver_may_be_freed_with_queries_under_way);
	tcase_add_test(tests,
	    crowd_of_names_is_asked_in_turn_and_all_are_answered);
	tcase_add_test(tests, ttl_told_is_the_least_of_both_families);
	tcase_add_loop_test(tests, answer_is_kept_for_its_ttl_within_bounds, 0,
	    (int)(sizeof(keepings) / sizeof(keepings[0])));
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(resolve_suite)
