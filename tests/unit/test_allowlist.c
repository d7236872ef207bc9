/*
 * test_allowlist - the allowlist: each file of tests/conf/allowlist with
 * exactly the complaints that it must give, and what it says of a client.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domains/allowlist.h"
#include "tests/support/expected.h"
#include "tests/support/suite.h"

enum {
	NOW = 1800000000,  /* 2027-01-15 */
	JULY = 1814400000, /* 2027-07-01 00:00:00 UTC */
};

static int file_count;

START_TEST(table_gives_exactly_these_complaints)
{
	const char *file = expected_file(_i);
	struct complaints complaints;
	struct allowlist *list;

	complaints_init(&complaints);
	list = allowlist_load(file, 1, &complaints);
	expected_compare(file, &complaints);
	ck_assert_int_eq(list == NULL, complaints.errors > 0);
	allowlist_free(list);
	complaints_clear(&complaints);
}
END_TEST

/* The table of the lines below, each ending in \n. */
static struct allowlist *
list_of(const char *lines)
{
	char file[] = "/tmp/relayd-test-XXXXXX";
	struct complaints complaints;
	struct allowlist *list;
	int fd = mkstemp(file);
	size_t len = strlen(lines);

	ck_assert_int_ge(fd, 0);
	ck_assert(write(fd, lines, len) == (ssize_t)len);
	close(fd);
	complaints_init(&complaints);
	list = allowlist_load(file, 1, &complaints);
	ck_assert_msg(list != NULL, "%s", complaints_text(&complaints));
	complaints_clear(&complaints);
	unlink(file);
	return list;
}

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	ck_assert_msg(ip_parse(span_of(text), &ip), "%s", text);
	return ip;
}

static struct address
address_of(const char *text)
{
	struct address address;
	const char *why;

	if (*text == '\0')
		return (struct address){ .kind = ADDRESS_NULL };
	ck_assert_msg(address_parse(span_of(text), &address, &why) == PATH_OK,
	    "%s", text);
	return address;
}

/* NOBODY, EXPIRED ... as they stand in the header. */
#define N ALLOWLIST_NOBODY
#define E ALLOWLIST_EXPIRED
#define X ALLOWLIST_EXCLUDED
#define S ALLOWLIST_SENDER
#define R ALLOWLIST_RECIPIENT
#define G ALLOWLIST_GRANTED

static const struct ask {
	const char *lines;
	const char *client;
	enum allowlist_verdict verdict;
	size_t line;
} asks[] = {
	/* clang-format off */
	/* the sender is s@campus.test, the recipient r@a.partner.example */
	{ "", "192.0.2.1", N, 0 },
	{ "192.0.2.1\n", "192.0.2.1", G, 1 },
	{ "192.0.2.1\n", "192.0.2.2", N, 0 },
	{ "192.0.2.0/24\n", "192.0.2.255", G, 1 },
	{ "192.0.2.0/24\n", "192.0.3.0", N, 0 },
	{ "192.0.2.0/31\n", "192.0.2.1", G, 1 },
	{ "::ffff:192.0.2.1\n", "192.0.2.1", G, 1 },
	{ "192.0.2.1\n", "::ffff:192.0.2.1", G, 1 },
	{ "::ffff:192.0.2.0/120\n", "192.0.2.7", G, 1 },
	{ "2001:db8:5::/64\n", "2001:db8:5::ffff", G, 1 },
	{ "2001:db8:5::/64\n", "2001:db8:5:1::1", N, 0 },
	{ "2001:db8:5::/64\n", "192.0.2.1", N, 0 },
	/* no v6 network holds a v4 address, whatever its bits */
	{ "::/64\n", "192.0.2.1", N, 0 },
	{ "::/1\n", "192.0.2.1", N, 0 },
	{ "::/64\n", "::2", G, 1 },
	{ "0.0.0.0/1\n", "::ffff:9", N, 0 },
	/* the most specific network that matches decides, in any order */
	{ "10.0.0.0/8\n10.1.0.0/16 to=x.test\n", "10.1.0.1", R, 2 },
	{ "10.1.0.0/16 to=x.test\n10.0.0.0/8\n", "10.1.0.1", R, 1 },
	{ "10.1.0.0/16 to=x.test\n10.0.0.0/8\n", "10.2.0.1", G, 2 },
	{ "10.0.0.0/8 to=x.test\n10.1.0.0/16\n", "10.1.0.1", G, 2 },
	/* lines of one network are alternatives */
	{ "10.1.0.1 to=x.test\n10.1.0.1 to=.partner.example\n", "10.1.0.1", G, 2 },
	{ "10.1.0.1 to=x.test\n10.1.0.1 to=y.test\n", "10.1.0.1", R, 1 },
	{ "10.1.0.1 from=x@y.test\n10.1.0.1 to=y.test\n", "10.1.0.1", R, 2 },
	{ "10.1.0.1\n::ffff:10.1.0.1 to=y.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 until=2027-01-01\n10.1.0.1 to=y.test\n10.0.0.0/8\n", "10.1.0.1", R, 2 },
	/* ! excludes */
	{ "10.0.0.0/8\n!10.1.0.0/16\n", "10.1.0.1", X, 2 },
	{ "10.0.0.0/8\n!10.1.0.0/16\n10.1.0.1\n", "10.1.0.1", G, 3 },
	{ "10.0.0.0/8\n!10.1.0.0/16\n10.1.0.1\n", "10.1.0.2", X, 2 },
	{ "!10.0.0.0/8\n", "10.1.0.1", X, 1 },
	/* a network of ended grants leaves it to the next wider one */
	{ "10.1.0.1 until=2027-01-14\n", "10.1.0.1", E, 1 },
	{ "10.1.0.1 until=2027-01-15\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 until=2027-01-14\n10.0.0.0/8\n", "10.1.0.1", G, 2 },
	{ "10.1.0.1 until=2027-01-14\n10.0.0.0/8 to=x.test\n", "10.1.0.1", R, 2 },
	{ "10.1.0.1 until=2027-01-14\n!10.0.0.0/8\n", "10.1.0.1", X, 2 },
	{ "10.1.0.1 until=2027-01-14\n10.0.0.0/8 until=2027-01-13\n", "10.1.0.1", E, 1 },
	{ "10.1.0.1 until=2027-01-14\n10.1.0.1\n", "10.1.0.1", G, 2 },
	/* from= and to= */
	{ "10.1.0.1 from=s@campus.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=S@Campus.Test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=campus.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=*@campus.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=x@campus.test,s@campus.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=x@campus.test,<>\n", "10.1.0.1", S, 1 },
	{ "10.1.0.1 from=.campus.test\n", "10.1.0.1", S, 1 },
	{ "10.1.0.1 from=.test\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 from=pus.test\n", "10.1.0.1", S, 1 },
	{ "10.1.0.1 from=<>\n", "10.1.0.1", S, 1 },
	{ "10.1.0.1 from=\"\\\"s\\\"@campus.test\"\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 to=.partner.example\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 to=*@.partner.example\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 to=r@.partner.example\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 to=q@.partner.example\n", "10.1.0.1", R, 1 },
	{ "10.1.0.1 to=partner.example\n", "10.1.0.1", R, 1 },
	{ "10.1.0.1 to=a.partner.example\n", "10.1.0.1", G, 1 },
	{ "10.1.0.1 to=.artner.example\n", "10.1.0.1", R, 1 },
	{ "10.1.0.1 to=a.partner.example from=x.test\n", "10.1.0.1", S, 1 },
	/* clang-format on */
};

START_TEST(most_specific_network_decides)
{
	struct allowlist *list = list_of(asks[_i].lines);
	struct address sender = address_of("s@campus.test");
	struct address recipient = address_of("r@a.partner.example");
	struct ip client = ip_of(asks[_i].client);
	struct allowlist_answer answer;

	answer = allowlist_ask(list, &client, &sender, &recipient, NOW);
	ck_assert_msg(answer.verdict == asks[_i].verdict, "%d\n%s",
	    answer.verdict, asks[_i].lines);
	ck_assert_uint_eq(answer.line, asks[_i].line);
	allowlist_free(list);
}
END_TEST

static const struct {
	const char *from;
	const char *sender;
	bool matches;
} senders[] = {
	{ "<>", "", true },
	{ "campus.test", "", false },
	{ "root.test", "root", false },
	{ "[192.0.2.1]", "a@[192.0.2.1]", true },
	{ "b@[192.0.2.1]", "a@[192.0.2.1]", false },
	{ "[IPv6:2001:DB8::1]", "a@[IPv6:2001:db8:0::1]", true },
	{ "b\xc3\xbc\x63her.test", "a@xn--bcher-kva.test", true },
	{ "\xc3\xb6@campus.test", "\xc3\xb6@campus.test", true },
	{ "a@campus.test", "\"a\"@campus.test", true },
	{ "a@campus.test", "a@x.campus.test", false },
	{ "*@.campus.test", "a@y.x.campus.test", true },
};

START_TEST(patterns_match_senders)
{
	char lines[200];
	struct ip client = ip_of("10.1.0.1");
	struct address sender = address_of(senders[_i].sender);
	struct allowlist *list;

	snprintf(lines, sizeof(lines), "10.1.0.1 from=%s\n", senders[_i].from);
	list = list_of(lines);
	ck_assert_int_eq(allowlist_ask(list, &client, &sender, NULL, NOW)
			     .verdict,
	    senders[_i].matches ? G : S);
	allowlist_free(list);
}
END_TEST

START_TEST(grant_lives_through_its_last_day)
{
	struct allowlist *list = list_of("10.1.0.1 until=2027-06-30\n");
	struct ip client = ip_of("10.1.0.1");

	ck_assert_int_eq(allowlist_ask(list, &client, NULL, NULL, JULY - 1)
			     .verdict,
	    G);
	ck_assert_int_eq(allowlist_ask(list, &client, NULL, NULL, JULY).verdict,
	    E);
	allowlist_free(list);
}
END_TEST

static enum allowlist_verdict
verdict_of(const struct allowlist *list, const char *client)
{
	struct ip ip = ip_of(client);
	struct address sender = address_of("s@campus.test");
	struct address recipient = address_of("r@a.partner.example");

	return allowlist_ask(list, &ip, &sender, &recipient, NOW).verdict;
}

START_TEST(name_is_its_addresses_as_they_are_now)
{
	struct allowlist *list = list_of("a.campus.test\n");
	struct grant_names *names = allowlist_names(list);
	struct ip first[] = { ip_of("192.0.2.1"), ip_of("2001:db8::1"),
		ip_of("192.0.2.1") };
	struct ip second[] = { ip_of("192.0.2.2") };

	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), ALLOWLIST_UNKNOWN);
	grant_names_resolved(names, 0, first, 3, false);
	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), G);
	ck_assert_int_eq(verdict_of(list, "2001:db8::1"), G);
	ck_assert_int_eq(verdict_of(list, "192.0.2.2"), N);
	/* a failure keeps the last answer, an answer replaces it */
	grant_names_failed(names, 0);
	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), G);
	grant_names_resolved(names, 0, second, 1, false);
	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), N);
	ck_assert_int_eq(verdict_of(list, "2001:db8::1"), N);
	ck_assert_int_eq(verdict_of(list, "192.0.2.2"), G);
	grant_names_resolved(names, 0, NULL, 0, false);
	ck_assert_int_eq(verdict_of(list, "192.0.2.2"), N);
	/* what is not there is not touched */
	grant_names_resolved(names, 1, second, 1, false);
	grant_names_failed(names, 7);
	ck_assert_int_eq(verdict_of(list, "192.0.2.2"), N);
	allowlist_free(list);
}
END_TEST

START_TEST(new_tables_know_what_the_old_ones_knew_of_a_name)
{
	struct allowlist *old = list_of("a.campus.test\nb.campus.test\n");
	struct allowlist *new = list_of("c.campus.test\nb.campus.test\n");
	struct ip first = ip_of("192.0.2.1"), second = ip_of("192.0.2.2");
	size_t at = 0;

	grant_names_resolved(allowlist_names(old), 0, &first, 1, false);
	grant_names_resolved(allowlist_names(old), 1, &second, 1, false);
	ck_assert_int_eq(verdict_of(new, "192.0.2.2"), ALLOWLIST_UNKNOWN);
	ck_assert(grant_names_carry(allowlist_names(new), allowlist_names(old),
	    &at, 1));
	ck_assert_int_eq(verdict_of(new, "192.0.2.2"), ALLOWLIST_UNKNOWN);
	ck_assert(!grant_names_carry(allowlist_names(new), allowlist_names(old),
	    &at, 1));
	ck_assert_int_eq(verdict_of(new, "192.0.2.2"), G);
	ck_assert(!grant_names_known(allowlist_names(new), 0));
	ck_assert_int_eq(verdict_of(new, "192.0.2.1"), ALLOWLIST_UNKNOWN);
	grant_names_failed(allowlist_names(new), 1);
	ck_assert_int_eq(verdict_of(new, "192.0.2.2"), G);
	allowlist_free(old);
	allowlist_free(new);
}
END_TEST

START_TEST(name_never_lets_this_machine_in)
{
	struct allowlist *list = list_of("a.campus.test\n");
	struct ip addresses[] = { ip_of("127.0.0.1"), ip_of("::1"),
		ip_of("0.0.0.0"), ip_of("::ffff:127.0.0.9"), ip_of("::"),
		ip_of("192.0.2.1") };

	grant_names_resolved(allowlist_names(list), 0, addresses, 6, false);
	ck_assert_int_eq(verdict_of(list, "127.0.0.1"), N);
	ck_assert_int_eq(verdict_of(list, "127.0.0.9"), N);
	ck_assert_int_eq(verdict_of(list, "::1"), N);
	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), G);
	allowlist_free(list);
}
END_TEST

static const struct {
	const char *lines;
	enum allowlist_verdict before, resolved, failed;
} named[] = {
	/* line 1 is the name, which turns out to be 10.1.0.1, the client */
	{ "a.campus.test\n", ALLOWLIST_UNKNOWN, G, N },
	{ "a.campus.test to=x.test\n", N, R, N },
	{ "a.campus.test from=x.test\n", N, S, N },
	{ "a.campus.test until=2027-01-01\n", N, E, N },
	{ "a.campus.test\n10.1.0.1\n", G, G, G },
	{ "a.campus.test\n!10.1.0.1\n", X, X, X },
	{ "a.campus.test\n!10.1.0.0/24\n", ALLOWLIST_UNKNOWN, G, X },
	{ "a.campus.test to=x.test\n10.1.0.0/24\n", G, R, G },
	{ "a.campus.test until=2027-01-01\n10.1.0.0/24\n", G, G, G },
	{ "a.campus.test\n10.1.0.0/24 to=x.test\n", ALLOWLIST_UNKNOWN, G, R },
	{ "a.campus.test\n10.1.0.1 to=x.test\n", ALLOWLIST_UNKNOWN, G, R },
	{ "a.campus.test to=x.test\nA.campus.test\n", ALLOWLIST_UNKNOWN, G, N },
};

START_TEST(address_of_a_name_competes_as_a_network_of_one)
{
	struct ip client = ip_of("10.1.0.1");
	struct allowlist *list = list_of(named[_i].lines);

	ck_assert_int_eq(verdict_of(list, "10.1.0.1"), named[_i].before);
	grant_names_failed(allowlist_names(list), 0);
	ck_assert_int_eq(verdict_of(list, "10.1.0.1"), named[_i].failed);
	grant_names_resolved(allowlist_names(list), 0, &client, 1, false);
	ck_assert_int_eq(verdict_of(list, "10.1.0.1"), named[_i].resolved);
	allowlist_free(list);
}
END_TEST

START_TEST(names_come_and_go_by_the_thousand)
{
	enum {
		NAMES = 3000
	};
	char text[40], *lines = calloc(NAMES, 40);
	struct grant_names *names;
	struct allowlist *list;
	struct ip ip[2];
	size_t i;

	for (i = 0; i < NAMES; i++)
		sprintf(lines + strlen(lines), "n%zu.campus.test\n", i);
	list = list_of(lines);
	free(lines);
	names = allowlist_names(list);
	for (i = 0; i < NAMES; i++) {
		ck_assert_ptr_nonnull(grant_names_at(names, i));
		snprintf(text, sizeof(text), "10.1.%zu.%zu", i / 256, i % 256);
		ip[0] = ip_of(text);
		ip[1] = ip_of("10.9.9.9"); /* all of them have this one */
		grant_names_resolved(names, i, ip, 2, false);
	}
	ck_assert_ptr_null(grant_names_at(names, NAMES));
	ck_assert_int_eq(verdict_of(list, "10.1.0.0"), G);
	ck_assert_int_eq(verdict_of(list, "10.1.11.183"), G);
	ck_assert_int_eq(verdict_of(list, "10.1.11.184"), N);
	for (i = 0; i < NAMES; i++)
		grant_names_resolved(names, i, NULL, 0, false);
	ck_assert_int_eq(verdict_of(list, "10.1.0.0"), N);
	ck_assert_int_eq(verdict_of(list, "10.9.9.9"), N);
	allowlist_free(list);
}
END_TEST

static const struct {
	const char *client;
	const char *sender;
	uint32_t rate;
} rates[] = {
	{ "10.1.0.1", "s@campus.test", 300 },
	{ "10.1.0.1", "x@campus.test", 200 },
	{ "10.1.0.1", NULL, 300 },
	{ "10.1.0.2", NULL, 0 },
	{ "10.2.0.2", NULL, 5 },
	{ "10.3.0.2", NULL, 7 },
	{ "192.0.2.1", NULL, 0 },
};

START_TEST(rate_is_that_of_the_deciding_lines)
{
	struct allowlist *list =
	    list_of("10.1.0.1 rate=200/h\n"
		    "10.1.0.1 rate=300/h from=s@campus.test\n"
		    "10.1.0.1 rate=400/h until=2027-01-01\n"
		    "10.1.0.2\n"
		    "10.0.0.0/8 rate=7/h\n"
		    "10.2.0.0/16 rate=5/h\n"
		    "10.3.0.2 rate=9/h until=2027-01-01\n");
	struct ip client = ip_of(rates[_i].client);
	struct address sender = address_of("");

	if (rates[_i].sender != NULL)
		sender = address_of(rates[_i].sender);
	ck_assert_uint_eq(allowlist_rate(list, &client,
			      rates[_i].sender == NULL ? NULL : &sender, NOW),
	    rates[_i].rate);
	allowlist_free(list);
}
END_TEST

static const char *const listed[] = {
	"192.0.2.17",
	"192.0.2.0/28",
	"192.0.2.0/28",
	"!192.0.2.9",
	"2001:db8:5::/64",
	"198.51.100.0/24",
	"2001:db8::1",
	"scanner3.campus.test",
	"scanner3.campus.test",
	"10.0.0.0/8",
};

START_TEST(lines_are_listed_in_their_order)
{
	struct complaints complaints;
	struct allowlist_line line;
	struct allowlist *list;
	char text[300];
	size_t i;

	complaints_init(&complaints);
	list = allowlist_load("tests/conf/allowlist/good", 1, &complaints);
	ck_assert_uint_eq(allowlist_count(list), 10);
	for (i = 0; i < 10; i++) {
		ck_assert(allowlist_at(list, i, &line, text, sizeof(text)));
		ck_assert_str_eq(text, listed[i]);
		ck_assert_uint_eq(line.line, i + 2);
		ck_assert_int_eq(line.excluded, text[0] == '!');
	}
	ck_assert(!allowlist_at(list, i, &line, text, sizeof(text)));
	ck_assert(allowlist_at(list, 0, &line, text, sizeof(text)));
	ck_assert_str_eq(line.grant->owner, "lab@campus.test");
	ck_assert_str_eq(line.grant->note, "mass spectrometer, ticket 4711");
	ck_assert_int_eq(line.grant->until, JULY);
	allowlist_free(list);
	complaints_clear(&complaints);
}
END_TEST

START_TEST(missing_file_is_nobody_and_says_so)
{
	struct complaints complaints;
	struct allowlist *list;

	complaints_init(&complaints);
	list = allowlist_load("/no/such/file", 1, &complaints);
	ck_assert_ptr_nonnull(list);
	ck_assert_uint_eq(allowlist_count(list), 0);
	ck_assert_uint_eq(complaints.errors, 0);
	ck_assert_str_eq(complaints_text(&complaints),
	    "/no/such/file: warning: does not exist; nobody may send to "
	    "outside addresses\n");
	ck_assert_int_eq(verdict_of(list, "192.0.2.1"), N);
	allowlist_free(list);
	complaints_clear(&complaints);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
allowlist_suite(void)
{
	Suite *suite = suite_create("allowlist");
	TCase *table = tcase_create("table");
	TCase *asking = tcase_create("asking");
	TCase *names = tcase_create("names");

	file_count = expected_find("tests/conf/allowlist");
	tcase_add_loop_test(table, table_gives_exactly_these_complaints, 0,
	    file_count);
	tcase_add_test(table, lines_are_listed_in_their_order);
	tcase_add_test(table, missing_file_is_nobody_and_says_so);
	suite_add_tcase(suite, table);
	tcase_add_loop_test(asking, most_specific_network_decides, 0,
	    ROWS(asks));
	tcase_add_loop_test(asking, patterns_match_senders, 0, ROWS(senders));
	tcase_add_test(asking, grant_lives_through_its_last_day);
	tcase_add_loop_test(asking, rate_is_that_of_the_deciding_lines, 0,
	    ROWS(rates));
	suite_add_tcase(suite, asking);
	tcase_add_test(names, name_is_its_addresses_as_they_are_now);
	tcase_add_test(names, new_tables_know_what_the_old_ones_knew_of_a_name);
	tcase_add_test(names, name_never_lets_this_machine_in);
	tcase_add_loop_test(names,
	    address_of_a_name_competes_as_a_network_of_one, 0, ROWS(named));
	tcase_add_test(names, names_come_and_go_by_the_thousand);
	suite_add_tcase(suite, names);
	return suite;
}

SUITE_MAIN(allowlist_suite)
