/*
 * test_hosts - from a route to the addresses to try, for every row of the
 * DNS checklist.
 */
/* The real one, not the double of tests/support/far_side.c. */
#include <stdio.h>
#include <string.h>

#include "relayd/delivery/hosts.c"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

#define OURS "192.0.2.99"

static struct virtual_clock virtual_clock;
static struct loop *loop;
static struct resolver *resolver;
static struct hosts_needs needs;
static struct buf story;
static char reason[OUTCOME_TEXT_MAX];
static size_t told;
static bool within;
static uint64_t random_state;

/*
 * A zone in words: "NAME mx 10:host,20:host" and "NAME a addr,addr", where
 * what stands for the records may be nodata, nxdomain or failed; a name that
 * is not there does not exist.
 */
static const char *const *zone;

static struct span
look_up(const char *name, const char *type)
{
	struct span line, key;
	size_t i;

	for (i = 0; zone[i] != NULL; i++) {
		line = span_of(zone[i]);
		key = span_word(&line);
		if (span_equal(key, span_of(name)) &&
		    span_equal(span_word(&line), span_of(type)))
			return line;
	}
	return SPAN("nxdomain");
}

/* True when records says a status instead of records. */
static bool
status_of(struct span records, enum resolve_status *status)
{
	*status = RESOLVE_OK;
	if (span_equal(records, SPAN("nodata")))
		*status = RESOLVE_NODATA;
	else if (span_equal(records, SPAN("nxdomain")))
		*status = RESOLVE_NXDOMAIN;
	else if (span_equal(records, SPAN("failed")))
		*status = RESOLVE_FAILED;
	return *status != RESOLVE_OK;
}

static void
answer_mx(void *owner, const char *domain, struct query *query)
{
	struct span records = look_up(domain, "mx"), one, preference;
	struct mx mx[RESOLVE_MX_MAX];
	struct mx_answer answer = { .records = mx, .error = "no answer" };
	uint64_t number;

	(void)owner;
	if (!status_of(records, &answer.status)) {
		while (records.data != NULL) {
			one = span_cut(&records, ',');
			preference = span_cut(&one, ':');
			ck_assert(span_number(preference, 65535, &number));
			mx[answer.count].preference = (uint16_t)number;
			snprintf(mx[answer.count++].host, sizeof(mx[0].host),
			    "%.*s", (int)one.len, one.len == 0 ? "" : one.data);
		}
	}
	query_answer_mx(query, &answer);
}

static void
answer_address(void *owner, const char *host, struct query *query)
{
	struct span records = look_up(host, "a");
	struct ip addresses[RESOLVE_ADDRESS_MAX];
	struct address_answer answer = { .addresses = addresses,
		.ttl = 60,
		.error = "server failed" };

	(void)owner;
	if (!status_of(records, &answer.status))
		while (records.data != NULL)
			ck_assert(ip_parse(span_cut(&records, ','),
			    &addresses[answer.count++]));
	query_answer_address(query, &answer);
}

static bool
ourselves(void *owner, const struct ip *ip)
{
	struct ip ours;

	(void)owner;
	return ip_is_loopback_or_unspecified(ip) ||
	    (ip_parse(SPAN(OURS), &ours) && ip_equal(ip, &ours));
}

/* The same numbers each time. */
static uint64_t
next_random(void *owner)
{
	(void)owner;
	random_state =
	    random_state * 6364136223846793005u + 1442695040888963407u;
	return random_state >> 33;
}

static void
tell_host(const struct host *host, const char *before)
{
	char ip[IP_TEXT_MAX];

	buf_addf(&story, "%s%s", before, host->lmtp ? "lmtp:" : "");
	if (host->path[0] != '\0')
		buf_addf(&story, "%s", host->path);
	else
		buf_addf(&story, "%s[%s]:%u", host->name,
		    ip_text(&host->ip, ip), (unsigned)host->port);
}

static void
on_done(void *owner, const struct hosts_answer *answer)
{
	size_t i;

	ck_assert_ptr_eq(owner, &told);
	ck_assert(!within);
	told++;
	if (answer->outcome.kind != OUTCOME_NONE) {
		ck_assert_uint_eq(answer->count, 0);
		ck_assert_ptr_nonnull(answer->outcome.text);
		snprintf(reason, sizeof(reason), "%s", answer->outcome.text);
		buf_addf(&story, "%c %s",
		    answer->outcome.kind == OUTCOME_LATER ? 'L' : 'F',
		    answer->outcome.enhanced);
	}
	for (i = 0; i < answer->count; i++)
		tell_host(&answer->hosts[i], i == 0 ? "" : " ");
}

static void
setup(void)
{
	struct resolver_backend backend = { .mx = answer_mx,
		.address = answer_address };

	virtual_clock_init(&virtual_clock, 1800000000);
	loop = virtual_clock_loop(&virtual_clock);
	resolver = resolver_new_with(loop, &backend);
	needs = (struct hosts_needs){ .loop = loop,
		.resolver = resolver,
		.ourselves = ourselves,
		.random = next_random };
	buf_init(&story, 1 << 16);
	told = 0;
	random_state = 0;
}

static void
teardown(void)
{
	resolver_free(resolver);
	loop_free(loop);
	buf_clear(&story);
	ourselves_clear();
}

static const char *
find(const char *via, const char *domain, bool hosted)
{
	char *hostname = xstrdup("relay.test");
	struct route route;
	const char *why;
	size_t at;
	int turns;

	ck_assert(route_parse(span_of(via), &route, &at, &why));
	buf_empty(&story);
	told = 0;
	within = true;
	needs.hostname = hostname;
	hosts_find(&needs, &route, span_of(domain), hosted, on_done, &told);
	within = false;
	route_clear(&route); /* a reload may free them meanwhile */
	free(hostname);
	for (turns = 0; told == 0 && turns < 100; turns++)
		loop_turn(loop, true);
	loop_turn(loop, false);
	ck_assert_uint_eq(told, 1);
	return buf_text(&story);
}

static const struct {
	const char *via, *domain;
	const char *outside, *hosted; /* the story of each */
	const char *zone[8];
} cases[] = {
	/* clang-format off */
	/* MX by preference, whatever the order they came in */
	{ "mx", "d.test", "mx1[192.0.2.1]:25 mx2[192.0.2.2]:25", NULL,
	    { "d.test mx 20:mx2,10:mx1", "mx1 a 192.0.2.1", "mx2 a 192.0.2.2" } },
	/* all addresses of a host, v6 and v4, as the resolver orders them */
	{ "mx", "d.test", "mx1[2001:db8::1]:25 mx1[192.0.2.1]:25", NULL,
	    { "d.test mx 10:mx1", "mx1 a 2001:db8::1,192.0.2.1" } },
	/* the null MX, and one that is none since it is not alone */
	{ "mx", "d.test", "F 5.1.10", "F 5.1.10", { "d.test mx 0:", "d.test a 192.0.2.1" } },
	{ "mx", "d.test", "mx1[192.0.2.1]:25", NULL, { "d.test mx 0:,10:mx1", "mx1 a 192.0.2.1" } },
	/* the implicit MX: only where there is truly none */
	{ "mx", "d.test", "d.test[192.0.2.7]:25", NULL, { "d.test mx nodata", "d.test a 192.0.2.7" } },
	{ "mx", "d.test", "L 4.4.3", "L 4.4.3", { "d.test mx failed", "d.test a 192.0.2.7" } },
	{ "mx", "d.test", "F 5.4.4", "L 4.4.4", { "d.test mx nodata", "d.test a nodata" } },
	{ "mx", "d.test", "L 4.4.3", "L 4.4.3", { "d.test mx nodata", "d.test a failed" } },
	/* what DNS denies is final, but not for those that the campus owns */
	{ "mx", "d.test", "F 5.1.2", "L 4.4.4", { "d.test mx nxdomain" } },
	/* some MX without an address, or that failed: the others do */
	{ "mx", "d.test", "mx2[192.0.2.2]:25", NULL, { "d.test mx 10:mx1,20:mx2", "mx1 a failed", "mx2 a 192.0.2.2" } },
	{ "mx", "d.test", "mx2[192.0.2.2]:25", NULL, { "d.test mx 10:mx1,20:mx2", "mx1 a nodata", "mx2 a 192.0.2.2" } },
	{ "mx", "d.test", "L 4.4.3", "L 4.4.3", { "d.test mx 10:mx1,20:mx2", "mx1 a failed", "mx2 a nxdomain" } },
	{ "mx", "d.test", "F 5.4.4", "L 4.4.4", { "d.test mx 10:mx1,20:mx2", "mx1 a nodata", "mx2 a nxdomain" } },
	/* ourselves, by address or by name: we and all that is not better */
	{ "mx", "d.test", "mx1[192.0.2.1]:25", NULL,
	    { "d.test mx 10:mx1,20:us,20:mx2,30:mx3", "mx1 a 192.0.2.1", "us a " OURS, "mx2 a 192.0.2.2", "mx3 a 192.0.2.3" } },
	{ "mx", "d.test", "mx1[192.0.2.1]:25", NULL,
	    { "d.test mx 10:mx1,20:relay.test,30:mx3", "mx1 a 192.0.2.1", "relay.test a 192.0.2.50", "mx3 a 192.0.2.3" } },
	{ "mx", "d.test", "F 5.4.6", "F 5.4.6", { "d.test mx 10:us,20:mx2", "us a 192.0.2.5," OURS, "mx2 a 192.0.2.2" } },
	{ "mx", "d.test", "F 5.4.6", "F 5.4.6", { "d.test mx 10:Relay.Test" } },
	{ "mx", "d.test", "F 5.4.6", "F 5.4.6", { "d.test mx nodata", "d.test a 127.0.0.1" } },
	/* our own name, which another address leads to us by (NAT) */
	{ "mx", "relay.test", "F 5.4.6", "F 5.4.6", { "relay.test mx nodata", "relay.test a 192.0.2.50" } },
	{ "mx", "d.test", "F 5.4.6", "F 5.4.6", { "d.test mx 10:z", "z a 0.0.0.0" } },
	{ "mx", "d.test", "L 4.4.3", "L 4.4.3", { "d.test mx 10:mx1,20:us", "mx1 a failed", "us a " OURS } },
	/* address literals */
	{ "mx", "[192.0.2.7]", "[192.0.2.7]:25", NULL, { NULL } },
	{ "mx", "[IPv6:2001:db8::7]", "[2001:db8::7]:25", NULL, { NULL } },
	{ "mx", "[127.0.0.1]", "F 5.4.6", "F 5.4.6", { NULL } },
	{ "mx", "[" OURS "]", "F 5.4.6", "F 5.4.6", { NULL } },
	/* hops, in order; loopback and ourselves are as good as others there */
	{ "[192.0.2.7]:2525,mx1:26", "d.test", "[192.0.2.7]:2525 mx1[192.0.2.1]:26", NULL, { "mx1 a 192.0.2.1" } },
	{ "[127.0.0.1]:2525", "d.test", "[127.0.0.1]:2525", NULL, { NULL } },
	{ "mx1,[192.0.2.7]", "d.test", "[192.0.2.7]:25", NULL, { "mx1 a failed" } },
	{ "lmtp:mx1,lmtp:unix:/run/lmtp,[192.0.2.7]", "d.test", "lmtp:mx1[192.0.2.1]:24 lmtp:/run/lmtp [192.0.2.7]:25", NULL, { "mx1 a 192.0.2.1" } },
	/* a hop that does not exist is a mistake of ours, not of the sender */
	{ "mx1", "d.test", "L 4.4.4", "L 4.4.4", { "mx1 a nxdomain" } },
	{ "mx1", "d.test", "L 4.4.3", "L 4.4.3", { "mx1 a failed" } },
	/* clang-format on */
};

START_TEST(route_leads_where_dns_says)
{
	const char *hosted = cases[_i].hosted;

	zone = cases[_i].zone;
	ck_assert_str_eq(find(cases[_i].via, cases[_i].domain, false),
	    cases[_i].outside);
	ck_assert_str_eq(find(cases[_i].via, cases[_i].domain, true),
	    hosted == NULL ? cases[_i].outside : hosted);
}
END_TEST

static const struct {
	const char *via, *text;
	const char *zone[3];
} reasons[] = {
	/* clang-format off */
	{ "mx", "d.test: no answer", { "d.test mx failed" } },
	{ "mx", "mx1: its address is not known: server failed", { "d.test mx 10:mx1", "mx1 a failed" } },
	{ "mx", "d.test: none of its mail hosts has an address", { "d.test mx 10:mx1", "mx1 a nodata" } },
	/* a hop is not the recipient's, and not of its domain's making */
	{ "hop1,hop2", "hop2: its address is not known: server failed", { "hop1 a nodata", "hop2 a failed" } },
	{ "hop1", "hop1: this hop has no address", { "hop1 a nxdomain" } },
	/* clang-format on */
};

START_TEST(reason_names_whom_dns_was_asked_about)
{
	zone = reasons[_i].zone;
	find(reasons[_i].via, "d.test", false);
	ck_assert_str_eq(reason, reasons[_i].text);
}
END_TEST

START_TEST(equals_are_shuffled_and_others_never)
{
	static const char *const records[] = {
		"d.test mx 10:a,20:b,20:c,20:d,30:e", "a a 192.0.2.1",
		"b a 192.0.2.2", "c a 192.0.2.3", "d a 192.0.2.4",
		"e a 192.0.2.5", NULL
	};
	size_t first[3] = { 0 }, i;
	const char *answer;

	zone = records;
	for (i = 0; i < 60; i++) {
		random_state = i;
		answer = find("mx", "d.test", false);
		ck_assert(span_starts(span_of(answer), SPAN("a[")));
		ck_assert(span_ends(span_of(answer), SPAN("e[192.0.2.5]:25")));
		first[strchr("bcd", strchr(answer, ' ')[1]) - "bcd"]++;
	}
	for (i = 0; i < 3; i++)
		ck_assert_uint_ge(first[i], 8);
}
END_TEST

START_TEST(no_host_fills_the_list_and_the_list_is_bounded)
{
	struct buf mx, many;
	const char *records[4];
	const char *answer;
	size_t count = 0;
	int i;

	buf_init(&mx, 4000);
	buf_init(&many, 4000);
	buf_add(&many, SPAN("big a 192.0.2.1"));
	for (i = 2; i <= RESOLVE_ADDRESS_MAX; i++)
		buf_addf(&many, ",192.0.2.%d", i);
	buf_add(&mx, SPAN("d.test mx 10:big"));
	for (i = 0; i < 60; i++)
		buf_add(&mx, SPAN(",20:small"));
	records[0] = buf_text(&mx);
	records[1] = buf_text(&many);
	records[2] = "small a 198.51.100.1";
	records[3] = NULL;
	zone = records;
	answer = find("mx", "d.test", false);
	ck_assert_ptr_nonnull(strstr(answer, "small["));
	for (; *answer != '\0'; answer++)
		count += *answer == '[';
	ck_assert_uint_le(count, HOSTS_MAX);
	ck_assert_uint_ge(count, 10);
	buf_clear(&mx);
	buf_clear(&many);
}
END_TEST

START_TEST(our_own_name_cuts_wherever_it_stands_among_many)
{
	const char *records[] = { NULL, "a a 192.0.2.1", NULL };
	struct buf mx;
	int i;

	buf_init(&mx, 4000);
	buf_add(&mx, SPAN("d.test mx 10:a"));
	for (i = 0; i < 50; i++)
		buf_add(&mx, SPAN(",20:a"));
	buf_add(&mx, SPAN(",20:relay.test"));
	records[0] = buf_text(&mx);
	zone = records;
	for (i = 0; i < 20; i++) {
		random_state = (uint64_t)i;
		ck_assert_str_eq(find("mx", "d.test", false),
		    "a[192.0.2.1]:25");
	}
	buf_clear(&mx);
}
END_TEST

START_TEST(hosts_that_were_not_looked_up_may_exist)
{
	const char *records[] = { NULL, "last a 192.0.2.1", NULL };
	struct buf mx;
	int i;

	buf_init(&mx, 4000);
	buf_add(&mx, SPAN("d.test mx 10:gone"));
	for (i = 0; i < 30; i++)
		buf_addf(&mx, ",10:gone%d", i);
	buf_add(&mx, SPAN(",20:last"));
	records[0] = buf_text(&mx);
	zone = records;
	ck_assert_str_eq(find("mx", "d.test", false), "last[192.0.2.1]:25");
	buf_clear(&mx);
}
END_TEST

START_TEST(cancelled_search_tells_nobody)
{
	static const char *const records[] = { "d.test mx 10:a",
		"a a 192.0.2.1", NULL };
	struct hosts_search *search;
	struct route route;
	const char *why;
	size_t at;
	int turns;

	zone = records;
	ck_assert(route_parse(_i == 1 ? SPAN("[192.0.2.1]") : SPAN("mx"),
	    &route, &at, &why));
	search =
	    hosts_find(&needs, &route, SPAN("d.test"), false, on_done, &told);
	/* Before anything, or between MX and address. */
	if (_i == 2)
		loop_turn(loop, false);
	if (told == 0)
		hosts_cancel(search);
	for (turns = 0; turns < 5; turns++)
		loop_turn(loop, false);
	ck_assert_uint_eq(told, 0);
	hosts_cancel(NULL);
	route_clear(&route);
}
END_TEST

START_TEST(own_interfaces_are_ourselves)
{
	static const struct {
		const char *address;
		bool ours;
	} rows[] = {
		{ "127.0.0.1", true },
		{ "127.8.9.1", true },
		{ "::1", true },
		{ "0.0.0.0", true },
		{ "::", true },
		{ "::ffff:127.0.0.1", true },
		{ "192.0.2.1", false },
		{ "2001:db8::1", false },
	};
	struct ip ip;

	ck_assert(ip_parse(span_of(rows[_i].address), &ip));
	ck_assert_int_eq(ourselves_have(&ip, 0), rows[_i].ours);
	ck_assert_int_eq(ourselves_have(&ip, 61 * 1000), rows[_i].ours);
}
END_TEST

static Suite *
hosts_suite(void)
{
	Suite *suite = suite_create("hosts");
	TCase *tcase = tcase_create("hosts");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, route_leads_where_dns_says, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, reason_names_whom_dns_was_asked_about, 0,
	    sizeof(reasons) / sizeof(reasons[0]));
	tcase_add_test(tcase, equals_are_shuffled_and_others_never);
	tcase_add_test(tcase, no_host_fills_the_list_and_the_list_is_bounded);
	tcase_add_test(tcase, our_own_name_cuts_wherever_it_stands_among_many);
	tcase_add_test(tcase, hosts_that_were_not_looked_up_may_exist);
	tcase_add_loop_test(tcase, cancelled_search_tells_nobody, 0, 3);
	tcase_add_loop_test(tcase, own_interfaces_are_ourselves, 0, 8);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(hosts_suite)
