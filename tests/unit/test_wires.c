/*
 * test_wires - the TLS and the login that a route asks for are those that its
 * connections have: all of delivery with real connections, in virtual time.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/certs.h"
#include "tests/support/scripted_hop.h"
#include "tests/support/sending_parts.h"
#include "tests/support/suite.h"

enum {
	SECOND = 1000,
	PATIENCE = 2, /* ms that the kernel has for loopback */
	FILE_PRIVATE = 0600,
};

/* user and secret, for AUTH PLAIN (RFC 4616) */
#define LOGIN "AUTH PLAIN AHVzZXIAc2VjcmV0"

static struct sending sending;
static struct certs *certs;
static struct tls_server *server;
static struct scripted_hop *hop;
static char ca[CERTS_PATH_MAX], login[CERTS_PATH_MAX];
static unsigned patience;

/* The loopback is fast, but nothing promises that it is done at once. */
static bool
busy(void *owner)
{
	(void)owner;
	patience = patience == 0 ? PATIENCE : patience - 1;
	return patience > 0;
}

/* ip: whom the certificate names. */
static void
set_up(const char *ip)
{
	struct certs_wish wish = { .ip = ip };
	struct buf why;

	buf_init(&why, 1000);
	certs = certs_new();
	certs_issue(certs, "hop", &wish);
	server = tls_server_new(certs_path(certs, "hop.pem"),
	    certs_path(certs, "hop.key"), NULL, &why);
	ck_assert_msg(server != NULL, "%s", buf_text(&why));
	buf_clear(&why);
	snprintf(ca, sizeof(ca), "%s", certs_path(certs, "ca.pem"));
	sending_parts_open(&sending);
	sending.clock.busy = busy;
	sending.conf.tls.ca = ca;
	hop = scripted_hop_new(sending.loop);
	hop->tls = server;
	hop->offers = "PIPELINING,AUTH PLAIN";
}

static void
tear_down(void)
{
	sending_parts_stop(&sending);
	sending_parts_rest(&sending);
	sending_parts_close(&sending);
	scripted_hop_free(hop);
	tls_server_free(server);
	certs_free(certs);
}

static bool
heard(const char *text)
{
	return memmem(hop->heard.data, hop->heard.len, text, strlen(text)) !=
	    NULL;
}

static const struct {
	enum tls_level level;
	const char *ip; /* NULL: the hop knows no TLS */
	bool delivered, encrypted, verified;
} rows[] = {
	/* clang-format off */
	{ TLS_OFF,     "127.0.0.1", true,  false, false },
	/* the certificate is looked at where that is asked for */
	{ TLS_MAY,     "127.0.0.1", true,  true,  false },
	{ TLS_MAY,     "192.0.2.9", true,  true,  false },
	{ TLS_MAY,     NULL,        true,  false, false },
	{ TLS_REQUIRE, "192.0.2.9", true,  true,  false },
	{ TLS_REQUIRE, NULL,        false, false, false },
	{ TLS_VERIFY,  "127.0.0.1", true,  true,  true },
	{ TLS_VERIFY,  "192.0.2.9", false, false, false },
	{ TLS_VERIFY,  NULL,        false, false, false },
	/* clang-format on */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

static void
check_row(size_t i)
{
	ck_assert_uint_eq(hop->message_count, rows[i].delivered ? 1 : 0);
	ck_assert_uint_eq(sending_owed(&sending), rows[i].delivered ? 0 : 1);
	ck_assert_int_eq(heard("STARTTLS"),
	    rows[i].level != TLS_OFF && rows[i].ip != NULL);
	ck_assert_uint_eq(sending_logged(&sending, " tls=TLSv1.3/"),
	    rows[i].encrypted ? 1 : 0);
	ck_assert_uint_eq(sending_logged(&sending, " verified=yes"),
	    rows[i].verified ? 1 : 0);
	ck_assert(!heard("AUTH"));
}

static void
start(const char *hosted)
{
	sending_parts_start(&sending, hosted);
}

START_TEST(hosted_domain_has_the_tls_of_its_line)
{
	char hosted[200];

	set_up(rows[_i].ip == NULL ? "127.0.0.1" : rows[_i].ip);
	if (rows[_i].ip == NULL)
		hop->tls = NULL;
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u tls=%s\n", hop->port,
	    tls_level_name(rows[_i].level));
	start(hosted);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	check_row((size_t)_i);
	tear_down();
}
END_TEST

/* Everything outside goes to the hop. */
static void
lead_outside_to_hop(enum tls_level level)
{
	char via[64];

	snprintf(via, sizeof(via), "[127.0.0.1]:%u", hop->port);
	sending_outside(&sending, via);
	sending.conf.delivery.outside.tls = level;
}

START_TEST(mail_outside_has_the_tls_of_delivery_outside_tls)
{
	set_up(rows[_i].ip == NULL ? "127.0.0.1" : rows[_i].ip);
	if (rows[_i].ip == NULL)
		hop->tls = NULL;
	lead_outside_to_hop(rows[_i].level);
	start("campus.test via=[127.0.0.1]:1\n");
	sending_one(&sending, "a@else.example");
	sending_run(&sending, SECOND);
	check_row((size_t)_i);
	tear_down();
}
END_TEST

static void
give_password(void)
{
	FILE *file;

	snprintf(login, sizeof(login), "%s", certs_path(certs, "login"));
	file = fopen(login, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), FILE_PRIVATE), 0);
	fputs("user\nsecret\n", file);
	fclose(file);
	sending.conf.delivery.outside_login = login;
	sending.conf.delivery.outside.login = true;
}

/* The same hop, by the outside route and by a hosted domain's. */
START_TEST(password_is_said_on_the_outside_route_and_on_no_other)
{
	char hosted[200];

	set_up("127.0.0.1");
	lead_outside_to_hop(TLS_VERIFY);
	give_password();
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u tls=require\n", hop->port);
	start(hosted);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hop->message_count, 1);
	ck_assert(!heard("AUTH"));
	sending_one(&sending, "a@else.example");
	sending_run(&sending, SECOND);
	ck_assert_uint_eq(hop->message_count, 2);
	ck_assert(heard(LOGIN));
	ck_assert_uint_eq(hop->connections, 2);
	/* What was read of the file is nowhere in the log. */
	ck_assert_uint_eq(sending_logged(&sending, "secret"), 0);
	tear_down();
}
END_TEST

START_TEST(reload_changes_the_tls_of_what_comes_next)
{
	char hosted[200];

	set_up("127.0.0.1");
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u tls=off\n", hop->port);
	start(hosted);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert(!heard("STARTTLS"));
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u tls=verify\n", hop->port);
	sending_reload(&sending, hosted);
	sending_one(&sending, "a@campus.test");
	sending_run(&sending, SECOND);
	ck_assert(heard("STARTTLS"));
	ck_assert_uint_eq(sending_logged(&sending, " verified=yes"), 1);
	ck_assert_uint_eq(hop->message_count, 2);
	tear_down();
}
END_TEST

static Suite *
wires_suite(void)
{
	Suite *suite = suite_create("wires");
	TCase *tcase = tcase_create("wires");

	tcase_add_loop_test(tcase, hosted_domain_has_the_tls_of_its_line, 0,
	    ROWS);
	tcase_add_loop_test(tcase,
	    mail_outside_has_the_tls_of_delivery_outside_tls, 0, ROWS);
	tcase_add_test(tcase,
	    password_is_said_on_the_outside_route_and_on_no_other);
	tcase_add_test(tcase, reload_changes_the_tls_of_what_comes_next);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(wires_suite)
