/*
 * test_tls_names - which of several certificates a client is shown.
 */
#include <string.h>

#include "relayd/net/stream.h"
#include "relayd/net/tls.h"
#include "tests/support/certs.h"
#include "tests/support/pair.h"
#include "tests/support/suite.h"

static struct certs *certs;
static struct buf why;

static void
setup(void)
{
	buf_init(&why, 500);
	certs = certs_new();
}

static void
teardown(void)
{
	certs_free(certs);
	buf_clear(&why);
}

static void
issue(const char *name, const struct certs_wish *wish)
{
	certs_issue(certs, name, wish);
}

static void
open_pair(struct pair *pair, struct tls_server *server,
    struct tls_client *client, const struct tls_expect *expect)
{
	pair_open(pair);
	stream_tls_client(pair->near, client, expect);
	stream_tls_server(pair->far, server);
}

static const struct chosen_row {
	const char *asked;    /* SNI, or NULL */
	const char *priority; /* of the client */
	bool found;           /* it is shown one that it trusts for that */
} chosen_rows[] = {
	/* clang-format off */
	{ "relay.campus.test", NULL, true },
	{ "print.campus.test", NULL, true },
	{ "other.campus.test", NULL, false },
	/* The first has the address, too, by which this one goes. */
	{ NULL,                NULL, true },
	/* The third has an RSA key, and the first one's name. */
	{ "relay.campus.test", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
	  true },
	{ "print.campus.test", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
	  false },
	/* clang-format on */
};

/* The files of three pairs, as lines. */
static struct tls_server *
three_pairs(const char *last_key, const char *priority)
{
	struct tls_server *server;
	struct buf files, keys;

	buf_init(&files, 1000);
	buf_init(&keys, 1000);
	buf_addf(&files, "%s\n%s\n%s", certs_path(certs, "relay.pem"),
	    certs_path(certs, "print.pem"), certs_path(certs, "rsa.pem"));
	buf_addf(&keys, "%s\n%s\n%s", certs_path(certs, "relay.key"),
	    certs_path(certs, "print.key"), certs_path(certs, last_key));
	server =
	    tls_server_new(buf_text(&files), buf_text(&keys), priority, &why);
	buf_clear(&files);
	buf_clear(&keys);
	return server;
}

static void
issue_three(void)
{
	struct certs_wish relay = { .dns = "relay.campus.test",
		.ip = "192.0.2.25" };
	struct certs_wish print = { .dns = "print.campus.test" };
	struct certs_wish rsa = { .dns = "relay.campus.test", .rsa = true };

	issue("relay", &relay);
	issue("print", &print);
	issue("rsa", &rsa);
}

START_TEST(client_is_shown_the_certificate_that_it_asks_for)
{
	const struct chosen_row *row = &chosen_rows[_i];
	struct ip ip;
	struct tls_expect expect = { .verify = true,
		.name = row->asked,
		.ip = &ip };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	enum io near, far;

	issue_three();
	server = three_pairs("rsa.key", NULL);
	ck_assert_msg(server != NULL, "%s", buf_text(&why));
	client =
	    tls_client_new(certs_path(certs, "ca.pem"), row->priority, &why);
	ck_assert(ip_parse(SPAN("192.0.2.25"), &ip));
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	ck_assert_msg((near == IO_OK) == row->found, "%s",
	    stream_error(pair.near));
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

START_TEST(one_wrong_key_among_many_is_refused_and_named)
{
	issue_three();
	ck_assert_ptr_null(three_pairs("relay.key", NULL));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "rsa.pem"));
}
END_TEST

/* relayd.conf(5): for devices with TLS 1.0, or with RSA key exchange alone. */
static const char *const old_devices[] = {
	"NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT",
	"NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:%COMPAT",
	"NORMAL:-VERS-ALL:+VERS-TLS1.1:-KX-ALL:+RSA:%COMPAT",
	"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA:%COMPAT",
	"NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:+AES-128-CBC:"
	"-MAC-ALL:+SHA1",
	"NORMAL",
};

START_TEST(documented_profile_serves_old_devices)
{
	struct tls_expect expect = { .name = NULL };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	enum io near, far;

	issue_three();
	server = three_pairs("rsa.key",
	    "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+RSA:%COMPAT");
	ck_assert_msg(server != NULL, "%s", buf_text(&why));
	client =
	    tls_client_new(certs_path(certs, "ca.pem"), old_devices[_i], &why);
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	ck_assert_msg(far == IO_OK, "%s", stream_error(pair.far));
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

static Suite *
tls_names_suite(void)
{
	Suite *suite = suite_create("tls_names");
	TCase *tests = tcase_create("tls_names");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests,
	    client_is_shown_the_certificate_that_it_asks_for, 0,
	    sizeof(chosen_rows) / sizeof(chosen_rows[0]));
	tcase_add_test(tests, one_wrong_key_among_many_is_refused_and_named);
	tcase_add_loop_test(tests, documented_profile_serves_old_devices, 0,
	    sizeof(old_devices) / sizeof(old_devices[0]));
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(tls_names_suite)
