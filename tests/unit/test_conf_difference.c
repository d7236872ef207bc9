/*
 * test_conf_difference - what another relayd.conf changes is said, key by key, and
 * what waits for a start stays as it was.
 *
 * Run from the top of the tree, as make check does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/conf_difference.h"
#include "relayd/admin/conf_keys.h"
#include "tests/support/suite.h"

#define MINIMAL                                           \
	"hostname = \"mail.campus.test\";\n"              \
	"postmaster = \"postmaster@campus.test\";\n"      \
	"listen = ( { address = \"*\"; port = 25; } );\n" \
	"hosted = \"/etc/hosted\";\n"

enum {
	SAID_MAX = 1 << 16
};

static char file[64];
static struct buf said;

static struct conf *
conf_of(const char *text)
{
	struct complaints complaints;
	struct conf *conf;
	FILE *out = fopen(file, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
	complaints_init(&complaints);
	conf = conf_load(file, &complaints);
	ck_assert_msg(conf != NULL, "%s", complaints_text(&complaints));
	complaints_clear(&complaints);
	return conf;
}

static void
make(void)
{
	int fd;

	strcpy(file, "/tmp/relayd-test-XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ne(fd, -1);
	close(fd);
	buf_init(&said, SAID_MAX);
}

static void
clean(void)
{
	buf_clear(&said);
	unlink(file);
}

static const struct row {
	const char *more;     /* in the newer file, behind MINIMAL */
	const char *was, *is; /* behind "- FILE: " and "+ FILE: ", or NULL */
} rows[] = {
	/* clang-format off */
	{ "contact = \"phone 4711\";", NULL, "contact = \"phone 4711\"" },
	{ "limits = { connections = 500; };", "limits.connections = 2000", "limits.connections = 500" },
	{ "limits = { message_size = \"1G\"; };", "limits.message_size = \"50M\"", "limits.message_size = \"1G\"" },
	{ "limits = { command_seconds = 60; };", "limits.command_seconds = \"5m\"", "limits.command_seconds = \"1m\"" },
	{ "delivery = { lifetime = \"2d\"; };", "delivery.lifetime = \"5d\"", "delivery.lifetime = \"2d\"" },
	{ "delivery = { outside = \"smart.example:587\"; };", "delivery.outside = \"mx\"", "delivery.outside = \"smart.example:587\"" },
	{ "delivery = { outside_tls = \"verify\"; };", "delivery.outside_tls = \"may\"", "delivery.outside_tls = \"verify\"" },
	{ "delivery = { bounce = \"all\"; };", "delivery.bounce = \"reliable\"", "delivery.bounce = \"all\"" },
	{ "delivery = { local_address = \"192.0.2.9\"; };", NULL, "delivery.local_address = \"192.0.2.9\"" },
	{ "log = { target = \"/var/log/relayd\"; };", "log.target = \"stderr\"", "log.target = \"/var/log/relayd\"" },
	{ "allowlist = \"/etc/allowlist\";", NULL, "allowlist = \"/etc/allowlist\"" },
	/* what waits for a start */
	{ "control_mode = \"0600\";", "control_mode = 0660", "control_mode = 0600 (at the next start)" },
	{ "control = \"/run/c\";", NULL, "control = \"/run/c\" (at the next start)" },
	{ "user = \"relayd\";", NULL, "user = \"relayd\" (at the next start)" },
	{ "spool = { directory = \"/spool\"; };", "spool.directory = \"/var/spool/relayd\"", "spool.directory = \"/spool\" (at the next start)" },
	{ "spool = { minimum_free = \"1G\"; };", "spool.minimum_free = \"256M\"", "spool.minimum_free = \"1G\" (at the next start)" },
	{ "spool = { minimum_free_inodes = 7; };", "spool.minimum_free_inodes = 1000", "spool.minimum_free_inodes = 7 (at the next start)" },
	{ "dns = { servers = [ \"127.0.0.1\" ]; };", NULL, "dns.servers = \"127.0.0.1:53\" (at the next start)" },
	{ "limits = { intake_memory = \"1G\"; };", "limits.intake_memory = \"64M\"", "limits.intake_memory = \"1G\" (at the next start)" },
	/* nothing */
	{ "limits = { connections = 2000; }; # as it was", NULL, NULL },
	/* clang-format on */
};

static void
expect(struct buf *out, char sign, const char *text)
{
	if (text != NULL)
		buf_addf(out, "%c %s: %s\n", sign, strrchr(file, '/') + 1,
		    text);
}

START_TEST(a_key_that_says_something_else_is_told_both_ways)
{
	struct conf *older = conf_of(MINIMAL), *newer;
	struct buf text, expected;

	buf_init(&text, SAID_MAX);
	buf_init(&expected, SAID_MAX);
	buf_addf(&text, "%s%s\n", MINIMAL, rows[_i].more);
	newer = conf_of(buf_text(&text));
	conf_difference_say(older, newer, &said);
	expect(&expected, '-', rows[_i].was);
	expect(&expected, '+', rows[_i].is);
	ck_assert_str_eq(buf_text(&said), buf_text(&expected));
	buf_clear(&text);
	buf_clear(&expected);
	conf_free(older);
	conf_free(newer);
}
END_TEST

START_TEST(listeners_are_told_whole)
{
	struct conf *older = conf_of(MINIMAL);
	struct conf *newer = conf_of(
	    "hostname = \"mail.campus.test\";\n"
	    "postmaster = \"postmaster@campus.test\";\n"
	    "hosted = \"/etc/hosted\";\n"
	    "listen = ( { address = \"*\"; port = 25; },\n"
	    "    { address = \"::1\"; port = 26; accept_bare_lf = true; } );");

	conf_difference_say(older, newer, &said);
	ck_assert_ptr_nonnull(strstr(buf_text(&said),
	    ": listen = { address = \"::1\"; port = 26; tls = \"off\"; "
	    "accept_bare_lf = true; }\n"));
	ck_assert_int_eq(buf_text(&said)[0], '+');
	ck_assert_uint_eq(span_find(buf_span(&said), '\n'), said.len - 1);
	conf_free(older);
	conf_free(newer);
}
END_TEST

START_TEST(what_waits_for_a_start_stays_and_the_rest_is_new)
{
	struct conf *older = conf_of(MINIMAL "user = \"old\";");
	struct conf *newer = conf_of(
	    MINIMAL "contact = \"new\"; limits = { intake_memory = \"1G\"; };\n"
		    "spool = { directory = \"/new\"; minimum_free = 1; };\n"
		    "control = \"/new\"; control_mode = \"0600\";");

	conf_keep_until_restart(newer, older);
	ck_assert_str_eq(newer->contact, "new");
	ck_assert_str_eq(newer->user, "old");
	ck_assert_str_eq(newer->spool.directory, "/var/spool/relayd");
	ck_assert_uint_eq(newer->spool.minimum_free, 256 << 20);
	ck_assert_uint_eq(newer->limits.intake_memory, 64 << 20);
	ck_assert_ptr_null(newer->control);
	ck_assert_uint_eq(newer->control_mode, 0660);
	ck_assert_str_eq(older->spool.directory, "/new");
	conf_free(older);
	conf_free(newer);
}
END_TEST

static Suite *
conf_difference_suite(void)
{
	Suite *suite = suite_create("conf_difference");
	TCase *tcase = tcase_create("conf_difference");

	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_loop_test(tcase,
	    a_key_that_says_something_else_is_told_both_ways, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tcase, listeners_are_told_whole);
	tcase_add_test(tcase, what_waits_for_a_start_stays_and_the_rest_is_new);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(conf_difference_suite)
