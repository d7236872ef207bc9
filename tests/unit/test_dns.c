#include <stdio.h>

#include "relayd/net/dns.h"
#include "tests/support/dns_server.h"
#include "tests/support/suite.h"

enum {
	PATIENCE = 20, /* milliseconds */
	TRIES = 2,
	QUESTIONS = 10,
};

static struct loop *loop;
static struct dns *dns;
static struct buf why;
static int told;
static enum resolve_status status;

static void
answered(void *owner, const struct dns_answer *answer)
{
	(void)owner;
	told++;
	status = answer->status;
	loop_stop(loop);
}

static void
setup(void)
{
	buf_init(&why, 500);
	loop = loop_new(NULL);
	dns = NULL;
	told = 0;
}

static void
teardown(void)
{
	dns_free(dns);
	loop_free(loop);
	buf_clear(&why);
}

static const struct dns_rule good[] = {
	{ "campus.test", 0, DNS_SAY, "@ 60 MX 10 mx.test" },
	{ NULL, 0, DNS_SAY, NULL },
};
static const struct dns_rule silent[] = {
	{ "campus.test", 0, DNS_SAY_NOTHING, NULL },
	{ NULL, 0, DNS_SAY, NULL },
};
static const struct dns_rule failing[] = {
	{ "campus.test", 0, DNS_SAY_SERVFAIL, NULL },
	{ NULL, 0, DNS_SAY, NULL },
};

#define TEN                                                            \
	"192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5,192.0.2.6," \
	"192.0.2.7,192.0.2.8,192.0.2.9,192.0.2.10"

static const struct {
	const char *servers;
	bool good;
} server_rows[] = {
	{ "127.0.0.1", true },
	{ "127.0.0.1:5353", true },
	{ "[::1]:5353", true },
	{ "::1", true },
	{ "[::1]", true },
	{ "127.0.0.1:5353,[::1]:53, 192.0.2.1", true },
	{ "", false },
	{ "127.0.0.1:", false },
	{ "127.0.0.1:0", false },
	{ "127.0.0.1:65536", false },
	{ "127.0.0.1:53x", false },
	{ "dns.campus.test", false },
	{ "[127.0.0.1", false },
	{ "[::1]53", false },
	{ "127.0.0.1,", false },
	/* as many as relayd.conf takes */
	{ TEN, true },
	{ TEN ",192.0.2.11", false },
};

START_TEST(servers_are_addresses_with_ports)
{
	dns = dns_new(loop, server_rows[_i].servers, PATIENCE, TRIES, &why);
	ck_assert((dns != NULL) == server_rows[_i].good);
	ck_assert((why.len == 0) == server_rows[_i].good);
}
END_TEST

static void
ask_and_wait(const char *servers)
{
	dns = dns_new(loop, servers, PATIENCE, TRIES, &why);
	ck_assert_ptr_nonnull(dns);
	dns_ask(dns, "campus.test", DNS_MX, answered, NULL);
	loop_run(loop);
	ck_assert_int_eq(told, 1);
}

/* Whichever of the two is asked first. */
START_TEST(other_server_is_asked_when_one_has_no_answer)
{
	struct dns_server *one, *two;
	char servers[80];

	one = dns_server_new(loop, _i % 2 == 0 ? silent : failing);
	two = dns_server_new(loop, good);
	snprintf(servers, sizeof(servers), "%s,%s",
	    dns_server_address(_i / 2 == 0 ? one : two),
	    dns_server_address(_i / 2 == 0 ? two : one));
	ask_and_wait(servers);
	ck_assert_int_eq(status, RESOLVE_OK);
	dns_server_free(one);
	dns_server_free(two);
}
END_TEST

/* Else a dead first one would cost every question its patience. */
START_TEST(servers_share_the_questions)
{
	struct dns_server *one = dns_server_new(loop, good);
	struct dns_server *two = dns_server_new(loop, good);
	char servers[80];
	int i;

	snprintf(servers, sizeof(servers), "%s,%s", dns_server_address(one),
	    dns_server_address(two));
	ask_and_wait(servers);
	for (i = 2; i <= QUESTIONS; i++) {
		dns_ask(dns, "campus.test", DNS_MX, answered, NULL);
		loop_run(loop);
		ck_assert_int_eq(told, i);
	}
	ck_assert_uint_eq(dns_server_asked(one, NULL), QUESTIONS / 2);
	ck_assert_uint_eq(dns_server_asked(two, NULL), QUESTIONS / 2);
	dns_server_free(one);
	dns_server_free(two);
}
END_TEST

START_TEST(silent_server_is_asked_again_and_then_given_up)
{
	struct dns_server *server = dns_server_new(loop, silent);

	ask_and_wait(dns_server_address(server));
	ck_assert_int_eq(status, RESOLVE_FAILED);
	ck_assert_uint_eq(dns_server_asked(server, "campus.test"), TRIES);
	dns_server_free(server);
}
END_TEST

START_TEST(no_server_at_all_is_a_failure)
{
	struct dns_server *server = dns_server_new(loop, good);
	char address[40];

	snprintf(address, sizeof(address), "%s", dns_server_address(server));
	dns_server_free(server);
	loop_turn(loop, false);
	dns = dns_new(loop, address, PATIENCE, TRIES, &why);
	dns_ask(dns, "campus.test", DNS_MX, answered, NULL);
	if (told == 0)
		loop_run(loop);
	ck_assert_int_eq(status, RESOLVE_FAILED);
}
END_TEST

START_TEST(question_under_way_ends_without_a_call)
{
	struct dns_server *server = dns_server_new(loop, silent);

	dns = dns_new(loop, dns_server_address(server), PATIENCE, TRIES, &why);
	dns_ask(dns, "campus.test", DNS_MX, answered, NULL);
	loop_turn(loop, false);
	dns_free(dns);
	dns = NULL;
	loop_turn(loop, false);
	ck_assert_int_eq(told, 0);
	dns_server_free(server);
}
END_TEST

static Suite *
dns_suite(void)
{
	Suite *suite = suite_create("dns");
	TCase *tests = tcase_create("dns");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, servers_are_addresses_with_ports, 0,
	    (int)(sizeof(server_rows) / sizeof(server_rows[0])));
	tcase_add_loop_test(tests, other_server_is_asked_when_one_has_no_answer,
	    0, 4);
	tcase_add_test(tests, servers_share_the_questions);
	tcase_add_test(tests, silent_server_is_asked_again_and_then_given_up);
	tcase_add_test(tests, no_server_at_all_is_a_failure);
	tcase_add_test(tests, question_under_way_ends_without_a_call);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(dns_suite)
