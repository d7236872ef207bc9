/*
 * test_hosts_stale - while DNS fails the campus's own routes lead where they
 * led before; a stranger's mail waits.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/admin/log.h"
#include "relayd/delivery/hosts.h"
#include "relayd/net/dns_answer.h"
#include "tests/support/dns_server.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	PATIENCE = 2000, /* milliseconds */
	TTL = 60,
	DAY = 24 * 3600,
	FLOOD = 10500, /* more than are remembered */
	CROWD = 1200,  /* more than are asked at a time */
};

/* The test changes what they say. */
static struct dns_rule rules[] = {
	/* clang-format off */
	{ "d.test", DNS_MX, DNS_SAY, "@ 60 MX 10 a.test" },
	{ "a.test", DNS_A, DNS_SAY, "@ 60 A 192.0.2.1" },
	{ "a.test", DNS_AAAA, DNS_SAY_NO_DATA, NULL },
	{ NULL, 0, DNS_SAY, NULL },
	/* clang-format on */
};

static struct virtual_clock virtual_time;
static struct loop *loop;
static struct dns_server *server;
static struct hosts_needs needs;
static struct buf logged, story;
static bool outstanding;

static bool
busy(void *owner)
{
	(void)owner;
	return outstanding;
}

static void
take_log(void *owner, struct span line)
{
	(void)owner;
	buf_add(&logged, line);
}

static void
setup(void)
{
	struct buf why;

	buf_init(&why, 500);
	buf_init(&logged, 1 << 20);
	buf_init(&story, 500);
	log_capture(take_log, NULL);
	virtual_clock_init(&virtual_time, 1800000000);
	loop = virtual_clock_loop(&virtual_time);
	virtual_time.busy = busy;
	server = dns_server_new(loop, rules);
	needs = (struct hosts_needs){
		.loop = loop,
		.resolver = resolver_new_patient(loop,
		    dns_server_address(server), PATIENCE, 1, &why),
		.hostname = "relay.test",
	};
	ck_assert_msg(needs.resolver != NULL, "%s", buf_text(&why));
	buf_clear(&why);
}

static void
teardown(void)
{
	resolver_free(needs.resolver);
	dns_server_free(server);
	loop_free(loop);
	log_capture(NULL, NULL);
	buf_clear(&logged);
	buf_clear(&story);
}

static void
found(void *owner, const struct hosts_answer *answer)
{
	char ip[IP_TEXT_MAX];

	(void)owner;
	buf_empty(&story);
	if (answer->count == 0)
		buf_addf(&story, "%d %s", (int)answer->outcome.kind,
		    answer->outcome.enhanced);
	else
		buf_addf(&story, "%s", ip_text(&answer->hosts[0].ip, ip));
	outstanding = false;
	loop_stop(loop);
}

/* Where mail goes after so many seconds. */
static const char *
find_after(uint64_t seconds, const char *via, bool hosted)
{
	struct route route;
	const char *why;
	size_t at;

	virtual_time.now += seconds * 1000;
	loop_turn(loop, false);
	ck_assert(route_parse(span_of(via), &route, &at, &why));
	outstanding = true;
	hosts_find(&needs, &route, SPAN("d.test"), hosted, found, NULL);
	route_clear(&route);
	loop_run(loop);
	return buf_text(&story);
}

static void
all_say(enum dns_say say)
{
	size_t i;

	for (i = 0; rules[i].name != NULL; i++)
		rules[i].say = say;
}

static const struct {
	const char *via;
	bool hosted;
	bool lasts;
} rows[] = {
	{ "mx", true, true },      /* a domain of the campus */
	{ "a.test", true, true },  /* a hop of one */
	{ "a.test", false, true }, /* delivery.outside */
	{ "mx", false, false },    /* anybody's */
};

START_TEST(what_the_campus_has_chosen_serves_while_dns_fails)
{
	const char *via = rows[_i].via;
	bool hosted = rows[_i].hosted;
	size_t logged_before;

	ck_assert_str_eq(find_after(0, via, hosted), "192.0.2.1");
	ck_assert_uint_eq(logged.len, 0);
	all_say(DNS_SAY_SERVFAIL);
	ck_assert_str_eq(find_after(TTL + 1, via, hosted),
	    rows[_i].lasts ? "192.0.2.1" : "2 4.4.3");
	/* Said once, where it is so. */
	ck_assert_int_eq(strstr(buf_text(&logged), "event=dns-stale") != NULL,
	    rows[_i].lasts);
	logged_before = logged.len;
	find_after(1, via, hosted);
	ck_assert_uint_eq(logged.len, logged_before);
	ck_assert_str_eq(find_after(DAY / 2, via, hosted),
	    rows[_i].lasts ? "192.0.2.1" : "2 4.4.3");
	/* but not for ever */
	ck_assert_str_eq(find_after(DAY, via, hosted), "2 4.4.3");
}
END_TEST

static size_t strangers; /* that have been answered */

static void
count_stranger(void *owner, const struct mx_answer *answer)
{
	(void)owner;
	(void)answer;
	strangers++;
}

START_TEST(what_the_campus_has_chosen_is_not_forgotten_for_strangers)
{
	char name[96];
	int i;

	ck_assert_str_eq(find_after(0, "mx", true), "192.0.2.1");
	outstanding = true;
	for (i = 0; i < FLOOD; i++) {
		/* Too long a label: c-ares answers, and no server is asked. */
		snprintf(name, sizeof(name), "n%070d.test", i);
		resolve_mx(needs.resolver, name, count_stranger, NULL);
		while ((int)strangers <= i)
			loop_turn(loop, true);
	}
	all_say(DNS_SAY_SERVFAIL);
	ck_assert_str_eq(find_after(TTL + 1, "mx", true), "192.0.2.1");
}
END_TEST

static void
nobody_hears(void *owner, const struct mx_answer *answer)
{
	(void)owner;
	(void)answer;
}

/* A server that says nothing about strangers, and all about a.test. */
static void
serve_crowd(void)
{
	static struct dns_rule crowd[CROWD + 3];
	static char names[CROWD][24];
	struct buf why;
	int i;

	for (i = 0; i < CROWD; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d.test", i);
		crowd[i] = (struct dns_rule){ .name = names[i],
			.say = DNS_SAY_NOTHING };
	}
	memcpy(crowd + CROWD, rules + 1, 3 * sizeof(rules[0]));
	teardown();
	setup();
	buf_init(&why, 500);
	resolver_free(needs.resolver);
	dns_server_free(server);
	server = dns_server_new(loop, crowd);
	needs.resolver = resolver_new_patient(loop, dns_server_address(server),
	    PATIENCE, 1, &why);
	for (i = 0; i < CROWD; i++)
		resolve_mx(needs.resolver, names[i], nobody_hears, NULL);
	buf_clear(&why);
}

/* Else it would wait until some of them have timed out, which is never here. */
START_TEST(campus_does_not_wait_behind_strangers)
{
	uint64_t began;

	serve_crowd();
	began = virtual_time.now;
	ck_assert_str_eq(find_after(0, "a.test", true), "192.0.2.1");
	ck_assert_uint_lt(virtual_time.now - began, PATIENCE);
}
END_TEST

static Suite *
hosts_stale_suite(void)
{
	Suite *suite = suite_create("hosts_stale");
	TCase *tcase = tcase_create("stale");

	tcase_set_timeout(tcase, 30);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    what_the_campus_has_chosen_serves_while_dns_fails, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase,
	    what_the_campus_has_chosen_is_not_forgotten_for_strangers);
	tcase_add_test(tcase, campus_does_not_wait_behind_strangers);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(hosts_stale_suite)
