/*
 * test_resolve_stale - the last good answer serves while DNS fails.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relayd/net/dns_answer.h"
#include "relayd/net/resolve.h"
#include "tests/support/dns_server.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	PATIENCE = 2000,
	TEXT_MAX = 300,
};

/* What was heard last. */
struct hearing {
	enum resolve_status status;
	char text[TEXT_MAX];
};

static struct virtual_clock virtual_time;
static struct loop *loop;
static struct dns_server *server;
static struct resolver *resolver;
static struct buf why;
static bool outstanding;

static void
heard(struct hearing *hearing, enum resolve_status status, const char *error)
{
	hearing->status = status;
	ck_assert((status == RESOLVE_FAILED) == (error != NULL));
	outstanding = false;
	loop_stop(loop);
}

static void
heard_mx(void *owner, const struct mx_answer *answer)
{
	struct hearing *hearing = owner;

	ck_assert_uint_le(answer->count, 1);
	hearing->text[0] = '\0';
	if (answer->count == 1)
		snprintf(hearing->text, TEXT_MAX, "%u %s",
		    answer->records[0].preference, answer->records[0].host);
	heard(hearing, answer->status, answer->error);
}

static void
heard_address(void *owner, const struct address_answer *answer)
{
	struct hearing *hearing = owner;
	char text[IP_TEXT_MAX];

	size_t i, used = 0;

	hearing->text[0] = '\0';
	for (i = 0; i < answer->count; i++)
		used += (size_t)snprintf(hearing->text + used, TEXT_MAX - used,
		    "%s%s", i == 0 ? "" : " ",
		    ip_text(&answer->addresses[i], text));
	heard(hearing, answer->status, answer->error);
}

static bool
real_work(void *owner)
{
	(void)owner;
	return outstanding;
}

/* The test changes what they say. */
static struct dns_rule failing_rules[] = {
	/* clang-format off */
	{ "d.test", DNS_MX, DNS_SAY, "@ 60 MX 10 a.test" },
	{ "d.test", DNS_A, DNS_SAY, "@ 60 A 192.0.2.1" },
	{ "d.test", DNS_AAAA, DNS_SAY_NO_DATA, NULL },
	{ NULL, 0, DNS_SAY, NULL },
	/* clang-format on */
};

static void
all_say(enum dns_say say)
{
	size_t i;

	for (i = 0; failing_rules[i].name != NULL; i++)
		failing_rules[i].say = say;
	if (say == DNS_SAY)
		failing_rules[2].say = DNS_SAY_NO_DATA;
	failing_rules[0].answer =
	    say == DNS_SAY_NO_NAME ? NULL : "@ 60 MX 10 a.test";
	failing_rules[1].answer =
	    say == DNS_SAY_NO_NAME ? NULL : "@ 60 A 192.0.2.1";
}

static void
setup(void)
{
	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	virtual_time.busy = real_work;
	buf_init(&why, 500);
	all_say(DNS_SAY);
	server = dns_server_new(loop, failing_rules);
	resolver = resolver_new_patient(loop, dns_server_address(server),
	    PATIENCE, 1, &why);
}

static void
teardown(void)
{
	resolver_free(resolver);
	dns_server_free(server);
	loop_free(loop);
	buf_clear(&why);
}

/* Asks after so many seconds, and hears. */
static void
ask_later(bool mx, uint64_t seconds, bool stale, struct hearing *hearing)
{
	struct query *query;

	virtual_time.now += seconds * 1000;
	loop_turn(loop, false);
	outstanding = true;
	if (mx)
		query = resolve_mx(resolver, "d.test", heard_mx, hearing);
	else
		query =
		    resolve_address(resolver, "d.test", heard_address, hearing);
	if (stale)
		query_take_stale(query);
	loop_run(loop);
}

static const struct {
	bool mx;
	const char *text;
	enum dns_say failure;
} failures[] = {
	{ true, "10 a.test", DNS_SAY_SERVFAIL },
	{ true, "10 a.test", DNS_SAY_GARBAGE },
	{ false, "192.0.2.1", DNS_SAY_SERVFAIL },
	{ false, "192.0.2.1", DNS_SAY_REFUSED },
};

START_TEST(last_good_answer_serves_while_dns_fails_for_who_takes_it)
{
	static struct hearing hearing;
	bool mx = failures[_i].mx;

	ask_later(mx, 0, true, &hearing);
	ck_assert_str_eq(hearing.text, failures[_i].text);
	all_say(failures[_i].failure);
	ask_later(mx, 61, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_OK);
	ck_assert_str_eq(hearing.text, failures[_i].text);
	/* Others hear the truth, from the cache and anew. */
	ask_later(mx, 1, false, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_FAILED);
	ck_assert_str_eq(hearing.text, "");
	ask_later(mx, 10, false, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_FAILED);
	/* It is asked for again and again, and serves for a day. */
	ask_later(mx, 23 * 3600, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_OK);
	ask_later(mx, 3600, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_FAILED);
	ck_assert_str_eq(hearing.text, "");
	all_say(DNS_SAY);
	ask_later(mx, 10, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_OK);
}
END_TEST

/* Asks now; the clock may jump. */
static void
ask_silent_server(bool mx, struct hearing *hearing)
{
	struct query *query;

	if (mx)
		query = resolve_mx(resolver, "d.test", heard_mx, hearing);
	else
		query =
		    resolve_address(resolver, "d.test", heard_address, hearing);
	query_take_stale(query);
}

/* What was asked fails in real time, which is c-ares' own. */
static void
wait_for_failure(bool mx, struct hearing *hearing)
{
	int tries;

	hearing->status = RESOLVE_OK;
	if (mx)
		resolve_mx(resolver, "d.test", heard_mx, hearing);
	else
		resolve_address(resolver, "d.test", heard_address, hearing);
	for (tries = 0; hearing->status == RESOLVE_OK && tries < 10000;
	     tries++) {
		virtual_clock_run(&virtual_time, 1000);
		usleep(1000);
	}
	ck_assert_int_eq(hearing->status, RESOLVE_FAILED);
}

START_TEST(nobody_waits_long_for_a_silent_server_where_an_old_answer_serves)
{
	static struct hearing hearing, other;
	bool mx = failures[_i].mx;
	uint64_t begin;

	ask_later(mx, 0, true, &hearing);
	all_say(DNS_SAY_NOTHING);
	virtual_time.now += 61000;
	loop_turn(loop, false);
	begin = virtual_time.now;
	hearing = other = (struct hearing){ .status = RESOLVE_FAILED };
	/* Those who come later to the same question wait no longer. */
	ask_silent_server(mx, &hearing);
	virtual_clock_run(&virtual_time, 1000);
	ck_assert_str_eq(hearing.text, "");
	ask_silent_server(mx, &other);
	virtual_clock_run(&virtual_time, 800);
	ck_assert_int_eq(hearing.status, RESOLVE_OK);
	ck_assert_str_eq(hearing.text, failures[_i].text);
	ck_assert_str_eq(other.text, "");
	virtual_clock_run(&virtual_time, 1000);
	ck_assert_int_eq(other.status, RESOLVE_OK);
	ck_assert_str_eq(other.text, failures[_i].text);
	ck_assert_uint_eq(virtual_time.now - begin, 2800);
	/* One who is cancelled hears nothing. */
	hearing.text[0] = '\0';
	ask_silent_server(mx, &hearing);
	query_cancel(
	    resolve_address(resolver, "d.test", heard_address, &hearing));
	virtual_clock_run(&virtual_time, 1800);
	ck_assert_str_eq(hearing.text, failures[_i].text);
	/* When it speaks again, what it says counts. */
	wait_for_failure(mx, &hearing);
	all_say(DNS_SAY_NO_NAME);
	ask_later(mx, 60, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_NXDOMAIN);
}
END_TEST

START_TEST(family_that_fails_is_served_from_the_last_good_answer)
{
	static struct hearing hearing;

	failing_rules[2].say = DNS_SAY;
	failing_rules[2].answer = "@ 60 AAAA 2001:db8::1";
	ask_later(false, 0, true, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1 192.0.2.1");
	failing_rules[1].say = DNS_SAY_SERVFAIL;
	ask_later(false, 61, true, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1 192.0.2.1");
	/* Others hear the truth; then nothing works any more. */
	ask_later(false, 1, false, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1");
	all_say(DNS_SAY_SERVFAIL);
	ask_later(false, 61, true, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1 192.0.2.1");
	/* For a day in all, however often half of it is heard meanwhile. */
	failing_rules[2].say = DNS_SAY;
	ask_later(false, 23 * 3600, true, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1 192.0.2.1");
	ask_later(false, 3600, true, &hearing);
	ck_assert_str_eq(hearing.text, "2001:db8::1");
}
END_TEST

START_TEST(denial_ends_what_was_known)
{
	static struct hearing hearing;

	ask_later(true, 0, true, &hearing);
	all_say(DNS_SAY_NO_NAME);
	ask_later(true, 61, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_NXDOMAIN);
	all_say(DNS_SAY_SERVFAIL);
	ask_later(true, 3601, true, &hearing);
	ck_assert_int_eq(hearing.status, RESOLVE_FAILED);
}
END_TEST

static Suite *
resolve_stale_suite(void)
{
	Suite *suite = suite_create("resolve_stale");
	TCase *tests = tcase_create("stale");

	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests,
	    last_good_answer_serves_while_dns_fails_for_who_takes_it, 0,
	    sizeof(failures) / sizeof(failures[0]));
	tcase_add_loop_test(tests,
	    nobody_waits_long_for_a_silent_server_where_an_old_answer_serves, 0,
	    sizeof(failures) / sizeof(failures[0]));
	tcase_add_test(tests,
	    family_that_fails_is_served_from_the_last_good_answer);
	tcase_add_test(tests, denial_ends_what_was_known);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(resolve_stale_suite)
