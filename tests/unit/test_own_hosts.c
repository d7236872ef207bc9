/*
 * test_own_hosts - the gateways of both families are found where the kernel
 * tells them, whatever it tells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/admin/own_hosts.h"
#include "tests/support/suite.h"

#define ZEROS "00000000000000000000000000000000"

/* What stands in the two files of proc(5). */
static const char *routes4, *routes6;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *
__wrap_fopen(const char *path, const char *mode)
{
	const char *text = NULL;

	if (strcmp(path, "/proc/net/route") == 0)
		text = routes4;
	else if (strcmp(path, "/proc/net/ipv6_route") == 0)
		text = routes6;
	else
		return __real_fopen(path, mode);
	return text == NULL ?
	    NULL :
	    fmemopen((char *)(uintptr_t)text, strlen(text), "r");
}

static const struct row {
	const char *four, *six;
	const char *gateway; /* NULL: none */
	const char *interface;
} rows[] = {
	{ "Iface\tDestination\tGateway\tFlags\n"
	  "eth0\t00000000\t010200C0\t0003\n",
	    NULL, "192.0.2.1", "eth0" },
	{ "eth0\t00000000\t00000000\t0003\n", NULL, NULL, NULL },
	{ "eth0\n", "\n", NULL, NULL },
	{ NULL,
	    ZEROS " 00 " ZEROS " 00 20010db8000000000000000000000001 "
		  "00000400 00000001 00000000 00000003     eth1\n",
	    "2001:db8::1", "eth1" },
	{ NULL,
	    ZEROS " 00 " ZEROS " 00 " ZEROS
		  " 00000400 00000001 00000000 00000003 lo\n",
	    NULL, NULL },
	{ NULL,
	    ZEROS " 00 " ZEROS " 00 20010db8zz 00000400 00000001 00000000 "
		  "00000003 eth1\n",
	    NULL, NULL },
	{ NULL, ZEROS " 00 " ZEROS " 00\n", NULL, NULL },
};

START_TEST(a_gateway_is_known_with_its_interface)
{
	const struct row *row = &rows[_i];
	struct lint_host *hosts;
	size_t count, found = 0, i;
	char text[IP_TEXT_MAX];

	routes4 = row->four;
	routes6 = row->six;
	hosts = own_hosts(&count);
	for (i = 0; i < count; i++) {
		if (strstr(hosts[i].what, "the gateway of ") == NULL)
			continue;
		found++;
		ck_assert_str_eq(ip_text(&hosts[i].ip, text), row->gateway);
		ck_assert_ptr_nonnull(strstr(hosts[i].what, row->interface));
	}
	ck_assert_uint_eq(found, row->gateway == NULL ? 0 : 1);
	free(hosts);
}
END_TEST

static Suite *
own_hosts_suite(void)
{
	Suite *suite = suite_create("own_hosts");
	TCase *tcase = tcase_create("own_hosts");

	tcase_add_loop_test(tcase, a_gateway_is_known_with_its_interface, 0,
	    sizeof(rows) / sizeof(rows[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(own_hosts_suite)
