/*
 * test_ip - addresses as 16 bytes.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <string.h>

#include "domains/ip.h"
#include "tests/support/suite.h"

static struct ip
ip_of(const char *text)
{
	struct ip ip;

	ck_assert_msg(ip_parse(span_of(text), &ip), "%s", text);
	return ip;
}

static const struct {
	const char *text;
	const char *shown; /* NULL: refused */
	bool v4;
	bool ourselves; /* loopback or unspecified */
} texts[] = {
	{ "192.0.2.1", "192.0.2.1", true, false },
	{ "255.255.255.255", "255.255.255.255", true, false },
	{ "::ffff:192.0.2.1", "192.0.2.1", true, false },
	{ "::FFFF:c000:201", "192.0.2.1", true, false },
	{ "127.0.0.1", "127.0.0.1", true, true },
	{ "127.255.0.9", "127.255.0.9", true, true },
	{ "::ffff:127.0.0.1", "127.0.0.1", true, true },
	{ "128.0.0.1", "128.0.0.1", true, false },
	{ "0.0.0.0", "0.0.0.0", true, true },
	{ "::ffff:0.0.0.0", "0.0.0.0", true, true },
	{ "0.0.0.1", "0.0.0.1", true, false },
	{ "::1", "::1", false, true },
	{ "::", "::", false, true },
	{ "::2", "::2", false, false },
	{ "1::1", "1::1", false, false },
	/* RFC 5952 */
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1", false, false },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false, false },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", false, false },
	{ "2001:db8::1:0:0:1", "2001:db8::1:0:0:1", false, false },
	{ "::1.2.3.4", "::102:304", false, false },
	{ "::1:0", "::1:0", false, false },
	/* no addresses */
	{ "", NULL, false, false },
	{ "192.0.2", NULL, false, false },
	{ "192.0.2.256", NULL, false, false },
	{ "192.0.2.01", NULL, false, false },
	{ "192.0.2.1 ", NULL, false, false },
	{ "0x7f.1", NULL, false, false },
	{ "2130706433", NULL, false, false },
	{ "[::1]", NULL, false, false },
	{ "fe80::1%eth0", NULL, false, false },
	{ "1:2:3:4:5:6:7:8:9", NULL, false, false },
	{ "1::2::3", NULL, false, false },
	{ "localhost", NULL, false, false },
	{ "0000:0000:0000:0000:0000:ffff:192.168.100.2280", NULL, false,
	    false },
};

START_TEST(text_is_one_address_or_refused)
{
	char out[IP_TEXT_MAX];
	struct ip ip;
	bool good = ip_parse(span_of(texts[_i].text), &ip);

	ck_assert_msg(good == (texts[_i].shown != NULL), "%s", texts[_i].text);
	if (!good)
		return;
	ck_assert_str_eq(ip_text(&ip, out), texts[_i].shown);
	ck_assert_int_eq(ip_is_v4(&ip), texts[_i].v4);
	ck_assert_int_eq(ip_is_loopback_or_unspecified(&ip),
	    texts[_i].ourselves);
}
END_TEST

START_TEST(nul_is_in_no_address)
{
	struct ip ip;

	ck_assert(!ip_parse(SPAN("192.0.2.1\0"), &ip));
	ck_assert(!ip_parse(SPAN("192.0.2.1\0x"), &ip));
}
END_TEST

START_TEST(v4_client_is_the_same_through_a_v6_socket)
{
	struct sockaddr_storage storage = { .ss_family = AF_INET };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
	struct ip a, b, wanted = ip_of("192.0.2.1");

	inet_pton(AF_INET, "192.0.2.1", &v4->sin_addr);
	ck_assert(ip_from_sockaddr((struct sockaddr *)&storage, &a));
	memset(&storage, 0, sizeof(storage));
	storage.ss_family = AF_INET6;
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &v6->sin6_addr);
	ck_assert(ip_from_sockaddr((struct sockaddr *)&storage, &b));
	ck_assert(ip_equal(&a, &b));
	ck_assert(ip_equal(&a, &wanted));
	storage.ss_family = AF_UNIX;
	ck_assert(!ip_from_sockaddr((struct sockaddr *)&storage, &b));
}
END_TEST

static const struct {
	const char *ip, *network;
	unsigned prefix;
	bool in;
} networks[] = {
	{ "192.0.2.17", "192.0.2.16", 128, false },
	{ "192.0.2.17", "192.0.2.16", 127, true },
	{ "192.0.2.17", "192.0.2.0", 96 + 24, true },
	{ "192.0.3.17", "192.0.2.0", 96 + 24, false },
	{ "192.0.3.17", "192.0.2.0", 96 + 23, true },
	{ "2001:db8::1", "2001:db8::", 32, true },
	{ "2001:db9::1", "2001:db8::", 32, false },
	{ "2001:db9::1", "2001:db8::", 31, true },
	{ "::1", "ff00::", 0, true },
	{ "ff00::", "fe00::", 7, true },
	{ "ff00::", "fe00::", 8, false },
};

START_TEST(network_is_its_first_bits)
{
	struct ip ip = ip_of(networks[_i].ip);
	struct ip network = ip_of(networks[_i].network);

	ck_assert_int_eq(ip_in_network(&ip, &network, networks[_i].prefix),
	    networks[_i].in);
	ip_mask(&ip, networks[_i].prefix);
	ip_mask(&network, networks[_i].prefix);
	ck_assert_int_eq(ip_equal(&ip, &network), networks[_i].in);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *text;
	bool loopback;
} loopbacks[] = {
	{ "127.0.0.1", true },
	{ "127.255.0.9", true },
	{ "::1", true },
	{ "::ffff:127.0.0.1", true },
	{ "0.0.0.0", false },
	{ "::", false },
	{ "::2", false },
	{ "128.0.0.1", false },
	{ "2001:db8::1", false },
};

START_TEST(loopback_is_not_unspecified)
{
	struct ip ip;

	ck_assert(ip_parse(span_of(loopbacks[_i].text), &ip));
	ck_assert_int_eq(ip_is_loopback(&ip), loopbacks[_i].loopback);
}
END_TEST

static Suite *
ip_suite(void)
{
	Suite *suite = suite_create("ip");
	TCase *tcase = tcase_create("addresses");

	tcase_add_loop_test(tcase, text_is_one_address_or_refused, 0,
	    ROWS(texts));
	tcase_add_test(tcase, nul_is_in_no_address);
	tcase_add_test(tcase, v4_client_is_the_same_through_a_v6_socket);
	tcase_add_loop_test(tcase, network_is_its_first_bits, 0,
	    ROWS(networks));
	tcase_add_loop_test(tcase, loopback_is_not_unspecified, 0,
	    sizeof(loopbacks) / sizeof(loopbacks[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(ip_suite)
