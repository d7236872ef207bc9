/*
 * test_limits - connections and rates of clients.
 */
#include <stdio.h>

#include "relayd/smtp/limits.h"
#include "tests/support/suite.h"

static struct ip
address(const char *text)
{
	struct ip ip;

	ck_assert(ip_parse(span_of(text), &ip));
	return ip;
}

static const struct conf_limits conf = {
	.connections = 6,
	.connections_per_client = 2,
	.connections_per_network = 3,
	.network_prefix_v4 = 24,
	.network_prefix_v6 = 56,
};

static struct limits_place place; /* of the last connection */

static const struct {
	const char *open[6];
	const char *client;
	enum limits_verdict verdict;
} rows[] = {
	/* clang-format off */
	{ { NULL }, "192.0.2.1", LIMITS_OK },
	{ { "192.0.2.1" }, "192.0.2.1", LIMITS_OK },
	{ { "192.0.2.1", "192.0.2.1" }, "192.0.2.1", LIMITS_CLIENT },
	{ { "192.0.2.1", "192.0.2.1" }, "192.0.2.2", LIMITS_OK },
	{ { "192.0.2.1", "192.0.2.1", "192.0.2.2" }, "192.0.2.3",
	  LIMITS_NETWORK },
	{ { "192.0.2.1", "192.0.2.1", "192.0.2.2" }, "192.0.3.3", LIMITS_OK },
	/* one v6 client is a /64, its network a /56 */
	{ { "2001:db8::1", "2001:db8::2" }, "2001:db8::3", LIMITS_CLIENT },
	{ { "2001:db8::1", "2001:db8::2" }, "2001:db8:0:1::3", LIMITS_OK },
	{ { "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1" },
	  "2001:db8:0:2::3", LIMITS_NETWORK },
	{ { "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1" },
	  "2001:db8:0:100::3", LIMITS_OK },
	/* v4 by way of a v6 socket is v4 */
	{ { "192.0.2.1", "192.0.2.1" }, "::ffff:192.0.2.1", LIMITS_CLIENT },
	{ { "192.0.2.1", "192.0.2.1", "192.0.3.1", "192.0.3.1", "192.0.4.1",
	    "192.0.4.1" }, "192.0.5.1", LIMITS_ALL },
	/* clang-format on */
};

START_TEST(each_client_network_and_all_have_a_limit)
{
	struct limits *limits = limits_new(0, 1);
	struct ip ip;
	size_t i;

	for (i = 0; i < 6 && rows[_i].open[i] != NULL; i++) {
		ip = address(rows[_i].open[i]);
		ck_assert_int_eq(limits_connect(limits, &conf, &ip, &place),
		    LIMITS_OK);
	}
	ip = address(rows[_i].client);
	ck_assert_int_eq(limits_connect(limits, &conf, &ip, &place),
	    rows[_i].verdict);
	limits_free(limits);
}
END_TEST

START_TEST(a_closed_connection_makes_room)
{
	struct limits *limits = limits_new(0, 1);
	struct ip ip = address("192.0.2.1");
	size_t i;

	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(limits_connect(limits, &conf, &ip, &place),
		    LIMITS_OK);
		ck_assert_int_eq(limits_connect(limits, &conf, &ip, &place),
		    LIMITS_OK);
		ck_assert_int_eq(limits_connect(limits, &conf, &ip, &place),
		    LIMITS_CLIENT);
		limits_disconnect(limits, &place);
		limits_disconnect(limits, &place);
	}
	ck_assert_uint_eq(limits_connections(limits), 0);
	limits_free(limits);
}
END_TEST

/* Wider and narrower networks than the usual; the third is one too many. */
static const struct {
	size_t v4, v6;
	const char *first, *second, *third;
	enum limits_verdict verdict;
} widths[] = {
	/* clang-format off */
	{ 23, 56, "192.0.2.1", "192.0.3.1", "192.0.2.2", LIMITS_NETWORK },
	{ 23, 56, "192.0.2.1", "192.0.3.1", "192.0.4.1", LIMITS_OK },
	{ 32, 56, "192.0.2.1", "192.0.2.2", "192.0.2.3", LIMITS_OK },
	{ 8,  56, "10.0.0.1",  "10.9.0.1",  "10.255.0.1", LIMITS_NETWORK },
	{ 24, 64, "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1",
	  LIMITS_OK },
	{ 24, 62, "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:3::1",
	  LIMITS_NETWORK },
	{ 24, 62, "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:4::1",
	  LIMITS_OK },
	/* clang-format on */
};

START_TEST(a_network_is_as_wide_as_configured)
{
	struct limits *limits = limits_new(0, 1);
	struct conf_limits wide = { .connections_per_network = 2,
		.network_prefix_v4 = widths[_i].v4,
		.network_prefix_v6 = widths[_i].v6 };
	struct ip ip = address(widths[_i].first);

	ck_assert_int_eq(limits_connect(limits, &wide, &ip, &place), LIMITS_OK);
	ip = address(widths[_i].second);
	ck_assert_int_eq(limits_connect(limits, &wide, &ip, &place), LIMITS_OK);
	ip = address(widths[_i].third);
	ck_assert_int_eq(limits_connect(limits, &wide, &ip, &place),
	    widths[_i].verdict);
	limits_free(limits);
}
END_TEST

START_TEST(a_connection_leaves_the_network_that_it_was_counted_in)
{
	struct limits *limits = limits_new(0, 1);
	struct conf_limits old = conf, new = conf;
	struct limits_place places[2];
	struct ip ip = address("192.0.2.1");

	new.network_prefix_v4 = 16;
	ck_assert_int_eq(limits_connect(limits, &old, &ip, &places[0]),
	    LIMITS_OK);
	ck_assert_int_eq(limits_connect(limits, &new, &ip, &places[1]),
	    LIMITS_OK);
	limits_disconnect(limits, &places[0]);
	limits_disconnect(limits, &places[1]);
	ck_assert_uint_eq(limits_connections(limits), 0);
	limits_free(limits);
}
END_TEST

START_TEST(a_rate_is_over_when_its_hour_is)
{
	struct limits *limits = limits_new(0, 1);
	struct ip one = address("192.0.2.1"), two = address("192.0.2.2");
	uint64_t start = 5000000;
	unsigned wait = 0;
	size_t i;

	for (i = 0; i < 3; i++) {
		ck_assert(limits_allow(limits, LIMITS_MESSAGES, &one, 3,
		    start + i, &wait));
		limits_count(limits, LIMITS_MESSAGES, &one, start + i);
	}
	ck_assert(!limits_allow(limits, LIMITS_MESSAGES, &one, 3,
	    start + 600000, &wait));
	ck_assert_uint_eq(wait, 3000);
	/* another client, another rate, no limit at all */
	ck_assert(limits_allow(limits, LIMITS_MESSAGES, &two, 3, start, &wait));
	ck_assert(
	    limits_allow(limits, LIMITS_RECIPIENTS, &one, 3, start, &wait));
	ck_assert(limits_allow(limits, LIMITS_MESSAGES, &one, 0, start, &wait));
	/* the hour is over */
	ck_assert(limits_allow(limits, LIMITS_MESSAGES, &one, 3,
	    start + 3600000, &wait));
	limits_free(limits);
}
END_TEST

START_TEST(the_table_is_bounded_and_forgets_nobody_who_is_connected)
{
	struct limits *limits = limits_new(16, 1);
	struct conf_limits few = { .connections_per_client = 1 };
	struct ip held = address("192.0.2.1"), ip;
	char text[32];
	unsigned i;

	ck_assert_int_eq(limits_connect(limits, &few, &held, &place),
	    LIMITS_OK);
	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		ip = address(text);
		limits_count(limits, LIMITS_MESSAGES, &ip, i);
		ck_assert_uint_le(limits_entries(limits), 18);
	}
	ck_assert_int_eq(limits_connect(limits, &few, &held, &place),
	    LIMITS_CLIENT);
	limits_disconnect(limits, &place);
	ck_assert_int_eq(limits_connect(limits, &few, &held, &place),
	    LIMITS_OK);
	limits_free(limits);
}
END_TEST

/* ---- any order of comings and goings, beside a plain count ---- */

enum {
	WALK = 20000,
	NETWORKS = 4,
	HOSTS = 6, /* in each */
	OPEN_MAX = 8,
};

struct walk {
	struct limits *limits;
	uint64_t state;
	struct {
		unsigned network, host;
		struct limits_place place;
	} open[OPEN_MAX];
	size_t count;
};

static unsigned
draw(struct walk *walk, unsigned below)
{
	walk->state = walk->state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(walk->state >> 33) % below;
}

static enum limits_verdict
counted(const struct walk *walk, unsigned network, unsigned host)
{
	size_t i, of_client = 0, of_network = 0;

	for (i = 0; i < walk->count; i++) {
		of_network += walk->open[i].network == network;
		of_client += walk->open[i].network == network &&
		    walk->open[i].host == host;
	}
	if (walk->count >= conf.connections)
		return LIMITS_ALL;
	if (of_client >= conf.connections_per_client)
		return LIMITS_CLIENT;
	return of_network >= conf.connections_per_network ? LIMITS_NETWORK :
							    LIMITS_OK;
}

static void
come(struct walk *walk)
{
	unsigned network = draw(walk, NETWORKS), host = draw(walk, HOSTS);
	enum limits_verdict verdict = counted(walk, network, host);
	char text[32];
	struct ip ip;

	snprintf(text, sizeof(text), "192.0.%u.%u", network, host);
	ip = address(text);
	limits_count(walk->limits, LIMITS_MESSAGES, &ip, walk->state >> 44);
	ck_assert_int_eq(limits_connect(walk->limits, &conf, &ip,
			     &walk->open[walk->count].place),
	    verdict);
	if (verdict != LIMITS_OK)
		return;
	walk->open[walk->count].network = network;
	walk->open[walk->count].host = host;
	walk->count++;
}

static void
go(struct walk *walk)
{
	size_t i;

	if (walk->count == 0)
		return;
	i = draw(walk, (unsigned)walk->count);
	limits_disconnect(walk->limits, &walk->open[i].place);
	walk->open[i] = walk->open[--walk->count];
}

START_TEST(however_they_come_and_go_they_are_counted_right)
{
	struct walk walk = { .limits = limits_new(4, 1) };
	int step;

	for (step = 0; step < WALK; step++) {
		if (draw(&walk, 2) == 0)
			come(&walk);
		else
			go(&walk);
		ck_assert_uint_eq(limits_connections(walk.limits), walk.count);
		/* Those with connections, each in a network, and the room. */
		ck_assert_uint_le(limits_entries(walk.limits),
		    2 * OPEN_MAX + 4);
	}
	limits_free(walk.limits);
}
END_TEST

static Suite *
limits_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = tcase_create("limits");

	tcase_add_loop_test(tcase, each_client_network_and_all_have_a_limit, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, a_closed_connection_makes_room);
	tcase_add_loop_test(tcase, a_network_is_as_wide_as_configured, 0,
	    sizeof(widths) / sizeof(widths[0]));
	tcase_add_test(tcase,
	    a_connection_leaves_the_network_that_it_was_counted_in);
	tcase_add_test(tcase, a_rate_is_over_when_its_hour_is);
	tcase_add_test(tcase,
	    the_table_is_bounded_and_forgets_nobody_who_is_connected);
	tcase_add_test(tcase, however_they_come_and_go_they_are_counted_right);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(limits_suite)
