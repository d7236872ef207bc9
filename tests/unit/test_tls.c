#include <sys/socket.h>

#include <gnutls/gnutls.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

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

static struct tls_server *
new_server(const char *pem, const char *key)
{
	return tls_server_new(certs_path(certs, pem), certs_path(certs, key),
	    NULL, &why);
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

/* ---- loading ---- */

START_TEST(key_of_another_certificate_is_refused)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };

	issue("a", &wish);
	issue("b", &wish);
	ck_assert_ptr_null(new_server("a.pem", "b.key"));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "b.key"));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "do not match"));
}
END_TEST

START_TEST(missing_certificate_is_named)
{
	ck_assert_ptr_null(new_server("none.pem", "none.key"));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "none.pem"));
}
END_TEST

START_TEST(bad_priority_is_shown_where_it_is_wrong)
{
	struct certs_wish wish = { .dns = NULL };

	issue("a", &wish);
	ck_assert_ptr_null(tls_server_new(certs_path(certs, "a.pem"),
	    certs_path(certs, "a.key"), "NORMAL:+NONSENSE", &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "NONSENSE"));
}
END_TEST

START_TEST(ca_file_without_a_certificate_is_refused)
{
	struct certs_wish wish = { .dns = NULL };

	issue("a", &wish);
	ck_assert_ptr_null(
	    tls_client_new(certs_path(certs, "a.key"), NULL, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "a.key"));
	buf_empty(&why);
	ck_assert_ptr_null(
	    tls_client_new(certs_path(certs, "none.pem"), NULL, &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "none.pem"));
}
END_TEST

/* ---- what an outgoing connection must show ---- */

static const struct verification {
	struct certs_wish wish;
	bool verify;
	const char *name;
	const char *ip;
	bool good;
	const char *reason; /* part of it */
} verifications[] = {
	/* clang-format off */
	{ { .dns = "mx.campus.test" }, true, "mx.campus.test", NULL, true, NULL },
	{ { .dns = "*.campus.test" }, true, "mx.campus.test", NULL, true, NULL },
	{ { .dns = "MX.campus.test" }, true, "mx.campus.test", NULL, true, NULL },
	{ { .dns = "mx.campus.test" }, true, NULL, NULL, true, NULL },
	{ { .ip = "192.0.2.1" }, true, NULL, "192.0.2.1", true, NULL },
	{ { .ip = "2001:db8::1" }, true, NULL, "2001:db8::1", true, NULL },
	/* the wrong name */
	{ { .dns = "mx.lab.test" }, true, "mx.campus.test", NULL, false, "name in the certificate does not match" },
	{ { .dns = "*.campus.test" }, true, "a.mx.campus.test", NULL, false, "does not match" },
	{ { .dns = "mx.campus.test" }, true, "campus.test", NULL, false, "does not match" },
	{ { .dns = NULL }, true, "mx.campus.test", NULL, false, "does not match" },
	{ { .ip = "192.0.2.1" }, true, NULL, "192.0.2.2", false, "does not match" },
	{ { .dns = "192.0.2.1" }, true, NULL, "192.0.2.1", false, "does not match" },
	{ { .ip = "192.0.2.1" }, true, NULL, "2001:db8::1", false, "does not match" },
	/* the right name, but */
	{ { .dns = "mx.campus.test", .expired = true }, true, "mx.campus.test", NULL, false, "expired" },
	{ { .dns = "mx.campus.test", .self_signed = true }, true, "mx.campus.test", NULL, false, "issuer is unknown" },
	{ { .dns = "mx.campus.test", .for_clients = true }, true, "mx.campus.test", NULL, false, "purpose" },
	{ { .dns = "mx.campus.test", .expired = true }, true, NULL, NULL, false, "expired" },
	/* nobody asks */
	{ { .dns = "mx.lab.test" }, false, "mx.campus.test", NULL, true, NULL },
	{ { .dns = NULL, .expired = true }, false, "mx.campus.test", NULL, true, NULL },
	{ { .dns = NULL, .self_signed = true }, false, NULL, NULL, true, NULL },
	/* clang-format on */
};

START_TEST(peer_must_show_what_is_expected)
{
	const struct verification *row = &verifications[_i];
	struct tls_expect expect = { .verify = row->verify, .name = row->name };
	struct tls_server *server;
	struct tls_client *client;
	struct tls_facts facts;
	struct pair pair;
	struct ip ip;
	enum io near, far;

	issue("mx", &row->wish);
	server = new_server("mx.pem", "mx.key");
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	if (row->ip != NULL) {
		ck_assert(ip_parse(span_of(row->ip), &ip));
		expect.ip = &ip;
	}
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	ck_assert_int_eq(near, row->good ? IO_OK : IO_ERROR);
	stream_tls_facts(pair.near, &facts);
	ck_assert(stream_is_tls(pair.near) == row->good);
	ck_assert(facts.verified == (row->good && row->verify));
	if (!row->good)
		ck_assert_msg(strstr(stream_error(pair.near), row->reason) !=
			NULL,
		    "%s", stream_error(pair.near));
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

/* ---- facts ---- */

static const struct facts_row {
	const char *priority; /* of the client */
	const char *name;     /* SNI */
	const char *version;
	const char *cipher;
	unsigned bits;
	const char *server_name;
} facts_rows[] = {
	/* clang-format off */
	{ NULL, "mx.campus.test", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "mx.campus.test" },
	{ NULL, NULL, "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "" },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM", "a.test", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 128, "a.test" },
	/* the client likes AES-128 better, the server does not */
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM", "a.test", "TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 256, "a.test" },
	{ NULL, "MX.Campus.Test", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "mx.campus.test" },
	/* clang-format on */
};

START_TEST(both_sides_know_the_facts)
{
	const struct facts_row *row = &facts_rows[_i];
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_expect expect = { .name = row->name };
	struct tls_server *server;
	struct tls_client *client;
	struct tls_facts near_facts, far_facts;
	struct pair pair;
	enum io near, far;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	client =
	    tls_client_new(certs_path(certs, "ca.pem"), row->priority, &why);
	open_pair(&pair, server, client, &expect);
	ck_assert(!stream_is_tls(pair.near));
	pair_handshake(&pair, &near, &far);
	stream_tls_facts(pair.near, &near_facts);
	stream_tls_facts(pair.far, &far_facts);
	ck_assert_str_eq(near_facts.version, row->version);
	ck_assert_str_eq(near_facts.cipher, row->cipher);
	ck_assert_uint_eq(near_facts.bits, row->bits);
	ck_assert(!near_facts.resumed);
	ck_assert_str_eq(far_facts.version, row->version);
	ck_assert_str_eq(far_facts.cipher, row->cipher);
	ck_assert_uint_eq(far_facts.bits, row->bits);
	ck_assert(!far_facts.verified);
	ck_assert_str_eq(far_facts.server_name, row->server_name);
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

/* ---- bad peers ---- */

START_TEST(old_protocol_is_refused_unless_the_priority_names_it)
{
	static const char *const old = "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT";
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_expect expect = { .name = NULL };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	enum io near, far;

	issue("mx", &wish);
	server = tls_server_new(certs_path(certs, "mx.pem"),
	    certs_path(certs, "mx.key"), _i == 1 ? old : NULL, &why);
	client = tls_client_new(certs_path(certs, "ca.pem"), old, &why);
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	ck_assert_int_eq(far, _i == 1 ? IO_OK : IO_ERROR);
	if (_i == 0)
		ck_assert_int_ne(stream_error(pair.far)[0], '\0');
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

START_TEST(plain_text_instead_of_a_handshake_is_an_error)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_server *server;
	struct pair pair;
	struct buf out;
	enum io far = IO_WAIT;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	pair_open(&pair);
	stream_tls_server(pair.far, server);
	ck_assert_int_eq(stream_handshake(pair.far), IO_WAIT);
	ck_assert_int_eq(stream_wants(pair.far), POLLIN);
	buf_init(&out, 100);
	buf_add(&out, SPAN("EHLO printer.campus.test\r\n"));
	stream_write(pair.near, &out);
	ck_assert(pair_wait(pair.far_fd, POLLIN));
	far = stream_handshake(pair.far);
	ck_assert_int_eq(far, IO_ERROR);
	ck_assert_int_eq(stream_handshake(pair.far), IO_ERROR);
	ck_assert(!stream_is_tls(pair.far));
	buf_clear(&out);
	pair_close(&pair);
	tls_server_free(server);
}
END_TEST

START_TEST(peer_that_leaves_during_the_handshake_is_an_error)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_server *server;
	struct pair pair;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	pair_open(&pair);
	stream_tls_server(pair.far, server);
	stream_free(pair.near);
	pair.near = NULL;
	ck_assert(pair_wait(pair.far_fd, POLLIN));
	ck_assert_int_eq(stream_handshake(pair.far), IO_ERROR);
	pair_close(&pair);
	tls_server_free(server);
}
END_TEST

/* A peer that ends without close_notify: SMTP says itself what was whole. */
START_TEST(end_without_a_goodbye_is_an_end)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_expect expect = { .name = NULL };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	struct buf in;
	enum io near, far;
	bool more;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	shutdown(pair.near_fd, SHUT_WR);
	ck_assert(pair_wait(pair.far_fd, POLLIN));
	buf_init(&in, 100);
	ck_assert_int_eq(stream_read(pair.far, &in, 100, &more), IO_EOF);
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

START_TEST(garbage_after_the_handshake_is_an_error_for_good)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_expect expect = { .name = NULL };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	struct buf in;
	enum io near, far;
	bool more;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	open_pair(&pair, server, client, &expect);
	pair_handshake(&pair, &near, &far);
	ck_assert_int_eq(write(pair.near_fd, "RSET\r\nQUIT\r\n", 12), 12);
	ck_assert(pair_wait(pair.far_fd, POLLIN));
	buf_init(&in, 100);
	ck_assert_int_eq(stream_read(pair.far, &in, 100, &more), IO_ERROR);
	ck_assert_int_eq(stream_read(pair.far, &in, 100, &more), IO_ERROR);
	ck_assert_uint_eq(in.len, 0);
	pair_close(&pair);
	tls_server_free(server);
	tls_client_free(client);
}
END_TEST

START_TEST(credentials_outlive_their_owner_while_a_stream_uses_them)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_expect expect = { .name = NULL };
	struct tls_server *server;
	struct tls_client *client;
	struct pair pair;
	enum io near, far;

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	open_pair(&pair, server, client, &expect);
	/* A reload comes in the middle of the handshake. */
	tls_server_free(server);
	tls_client_free(client);
	pair_handshake(&pair, &near, &far);
	ck_assert_int_eq(near, IO_OK);
	ck_assert_int_eq(far, IO_OK);
	pair_close(&pair);
}
END_TEST

/* ---- resumption: another program's client, which keeps its tickets ---- */

/* One connection; *ticket is offered when it has data, and then replaced. */
static bool
visit(struct tls_server *server, gnutls_datum_t *ticket)
{
	gnutls_certificate_credentials_t trust;
	gnutls_session_t session;
	struct tls_facts facts;
	struct buf out;
	char line[10];
	int ends[2], i, near = GNUTLS_E_AGAIN;
	struct stream *far;
	enum io io = IO_WAIT;

	pair_sockets(ends);
	far = stream_new(ends[1]);
	stream_tls_server(far, server);
	gnutls_certificate_allocate_credentials(&trust);
	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trust);
	gnutls_transport_set_int(session, ends[0]);
	if (ticket->data != NULL)
		gnutls_session_set_data(session, ticket->data, ticket->size);
	gnutls_free(ticket->data);
	for (i = 0; i < 100 && (near < 0 || io == IO_WAIT); i++) {
		if (near < 0)
			near = gnutls_handshake(session);
		if (io == IO_WAIT)
			io = stream_handshake(far);
		poll(NULL, 0, near < 0 || io == IO_WAIT ? 1 : 0);
	}
	ck_assert_int_eq(near, 0);
	ck_assert_int_eq(io, IO_OK);
	/* The tickets of TLS 1.3 come before the first bytes. */
	buf_init(&out, 100);
	buf_add(&out, SPAN("220 ready"));
	ck_assert_int_eq(stream_write(far, &out), IO_OK);
	ck_assert(pair_wait(ends[0], POLLIN));
	while (
	    gnutls_record_recv(session, line, sizeof(line)) == GNUTLS_E_AGAIN)
		;
	gnutls_session_get_data2(session, ticket);
	stream_tls_facts(far, &facts);
	ck_assert((gnutls_session_is_resumed(session) != 0) == facts.resumed);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(trust);
	close(ends[0]);
	stream_free(far);
	buf_clear(&out);
	return facts.resumed;
}

START_TEST(session_is_resumed_by_the_listener_that_gave_the_ticket_only)
{
	struct certs_wish wish = { .dns = "mx.campus.test" };
	struct tls_server *server, *other;
	gnutls_datum_t ticket = { NULL, 0 };

	issue("mx", &wish);
	server = new_server("mx.pem", "mx.key");
	other = new_server("mx.pem", "mx.key");
	ck_assert(!visit(server, &ticket));
	ck_assert(visit(server, &ticket));
	ck_assert(!visit(other, &ticket));
	gnutls_free(ticket.data);
	tls_server_free(server);
	tls_server_free(other);
}
END_TEST

static Suite *
tls_suite(void)
{
	Suite *suite = suite_create("tls");
	TCase *tests = tcase_create("tls");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, key_of_another_certificate_is_refused);
	tcase_add_test(tests, missing_certificate_is_named);
	tcase_add_test(tests, bad_priority_is_shown_where_it_is_wrong);
	tcase_add_test(tests, ca_file_without_a_certificate_is_refused);
	tcase_add_loop_test(tests, peer_must_show_what_is_expected, 0,
	    (int)(sizeof(verifications) / sizeof(verifications[0])));
	tcase_add_loop_test(tests, both_sides_know_the_facts, 0,
	    (int)(sizeof(facts_rows) / sizeof(facts_rows[0])));
	tcase_add_loop_test(tests,
	    old_protocol_is_refused_unless_the_priority_names_it, 0, 2);
	tcase_add_test(tests, plain_text_instead_of_a_handshake_is_an_error);
	tcase_add_test(tests,
	    peer_that_leaves_during_the_handshake_is_an_error);
	tcase_add_test(tests, end_without_a_goodbye_is_an_end);
	tcase_add_test(tests, garbage_after_the_handshake_is_an_error_for_good);
	tcase_add_test(tests,
	    credentials_outlive_their_owner_while_a_stream_uses_them);
	tcase_add_test(tests,
	    session_is_resumed_by_the_listener_that_gave_the_ticket_only);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(tls_suite)
