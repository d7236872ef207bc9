/*
 * test_ourselves - an address that this host gets or loses is noticed within a
 * minute, and a kernel that does not answer changes nothing.
 */
#include <netinet/in.h>

#include <ifaddrs.h>
#include <stddef.h>

#include "relayd/delivery/ourselves.h"
#include "tests/support/suite.h"

enum {
	MINUTE = 60 * 1000
};

static struct sockaddr_in there;
static struct ifaddrs one = { .ifa_addr = (struct sockaddr *)&there };
static bool fails;
static int asked;

int __real_getifaddrs(struct ifaddrs **all);
int __wrap_getifaddrs(struct ifaddrs **all);
void __real_freeifaddrs(struct ifaddrs *all);
void __wrap_freeifaddrs(struct ifaddrs *all);

int
__wrap_getifaddrs(struct ifaddrs **all)
{
	asked++;
	*all = &one;
	return fails ? -1 : 0;
}

void
__wrap_freeifaddrs(struct ifaddrs *all)
{
	ck_assert_ptr_eq(all, &one);
}

static void
move_to(const char *address)
{
	struct ip ip;

	ck_assert(ip_parse(span_of(address), &ip));
	there.sin_family = AF_INET;
	memcpy(&there.sin_addr, ip.bytes + 12, 4);
}

static bool
have(const char *address, uint64_t now)
{
	struct ip ip;

	ck_assert(ip_parse(span_of(address), &ip));
	return ourselves_have(&ip, now);
}

START_TEST(addresses_are_asked_for_again_after_a_minute)
{
	move_to("192.0.2.1");
	ck_assert(have("192.0.2.1", 0));
	move_to("192.0.2.2");
	ck_assert(have("192.0.2.1", MINUTE - 1));
	ck_assert(!have("192.0.2.2", MINUTE - 1));
	ck_assert_int_eq(asked, 1);
	ck_assert(have("192.0.2.2", MINUTE));
	ck_assert(!have("192.0.2.1", MINUTE));
	ck_assert_int_eq(asked, 2);
	/* what it said last stays, and loopback needs no asking */
	fails = true;
	move_to("192.0.2.3");
	ck_assert(have("192.0.2.2", 2 * MINUTE));
	ck_assert(have("127.0.0.1", 2 * MINUTE));
	ourselves_clear();
}
END_TEST

static Suite *
ourselves_suite(void)
{
	Suite *suite = suite_create("ourselves");
	TCase *tcase = tcase_create("ourselves");

	tcase_add_test(tcase, addresses_are_asked_for_again_after_a_minute);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(ourselves_suite)
