/*
 * test_greet - from a socket to a session: connecting, EHLO, TLS.
 */
#include <sys/socket.h>

#include <netinet/in.h>

#include <string.h>
#include <unistd.h>

/* The real client, not the double of tests/support/far_side.c. */
#include "relayd/delivery/client.c"
#include "tests/support/certs.h"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

static struct certs *certs;
static struct tls_server *server;
static struct tls_client *client;
static struct buf why;

static void
setup(void)
{
	client_scene_open(&scene);
	buf_init(&why, 1000);
}

static void
teardown(void)
{
	client_scene_close(&scene);
	buf_clear(&why);
	tls_server_free(server);
	tls_client_free(client);
	if (certs != NULL)
		certs_free(certs);
}

static void
prepare_tls(const struct certs_wish *wish)
{
	certs = certs_new();
	certs_issue(certs, "hop", wish);
	server = tls_server_new(certs_path(certs, "hop.pem"),
	    certs_path(certs, "hop.key"), NULL, &why);
	ck_assert_ptr_nonnull(server);
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	ck_assert_ptr_nonnull(client);
	scene.needs.tls = client;
}

/* ---- connecting ---- */

START_TEST(refused_connection_is_told_later_and_once)
{
	scripted_hop_hide(scene.hop);
	loop_turn(scene.loop, false);
	ck_assert_str_eq(client_scene_run(&scene), "closed L0/4.4.1");
	ck_assert_ptr_nonnull(strstr(scene.why.text, "Connection refused"));
	ck_assert_uint_eq(scene.ready, 0);
	ck_assert_uint_eq(scene.done, 0);
}
END_TEST

START_TEST(address_that_cannot_be_reached_is_told_later_too)
{
	/* Nobody is connected to by broadcast, or by multicast. */
	static const char *const addresses[] = { "255.255.255.255", "ff02::1" };

	ck_assert(ip_parse(span_of(addresses[_i]), &scene.host.ip));
	ck_assert_str_eq(client_scene_run(&scene), "closed L0/4.4.1");
	ck_assert_uint_le(scene.took, 30000);
}
END_TEST

/* A listener whose queue is full lets the next one wait. */
static uint16_t
listen_to_nobody(int fds[2])
{
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address = (struct sockaddr *)&name;
	socklen_t len = sizeof(name);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fds[0], address, len), 0);
	ck_assert_int_eq(listen(fds[0], 0), 0);
	ck_assert_int_eq(getsockname(fds[0], address, &len), 0);
	ck_assert_int_eq(connect(fds[1], address, len), 0);
	return ntohs(name.sin_port);
}

START_TEST(connection_that_nobody_takes_is_given_up)
{
	int fds[2];

	scene.host.port = listen_to_nobody(fds);
	scene.needs.tls_level = _i == 0 ? TLS_OFF : TLS_MAY;
	ck_assert_str_eq(client_scene_run(&scene), "closed L0/4.4.1");
	ck_assert_str_eq(scene.why.text, "connection timed out");
	ck_assert_uint_eq(scene.took, 30000);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(source_address_is_the_configured_one_where_the_family_fits)
{
	static const struct {
		const char *address;
		const char *story;
	} rows[] = {
		{ "127.0.0.9", FINE },
		{ "::1", FINE }, /* v4 is spoken: no matter */
		{ "192.0.2.200", "closed L0/4.4.1" }, /* not ours */
	};

	scene.needs.local_address = rows[_i].address;
	ck_assert_str_eq(client_scene_run(&scene), rows[_i].story);
}
END_TEST

START_TEST(remote_names_host_address_and_port)
{
	char want[100];

	if (_i == 1)
		scene.host.name[0] = '\0';
	snprintf(want, sizeof(want), "%s[127.0.0.1]:%u",
	    _i == 1 ? "" : "hop.test ", (unsigned)scene.hop->port);
	client_scene_run(&scene);
	ck_assert_str_eq(scene.outcomes[0][0].remote, want);
}
END_TEST

START_TEST(old_host_is_greeted_with_helo_and_offered_nothing)
{
	struct script_rule rules[] = { SAY("EHLO", "500 what?\r\n"),
		{ .on = NULL } };

	scene.hop->rules = rules;
	scene.envelope.flags = ENVELOPE_RET_FULL;
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert(span_starts(buf_span(&scene.hop->heard),
	    SPAN("EHLO relay.test\nHELO relay.test\n"
		 "MAIL FROM:<s@lab.test>\nRCPT")));
	ck_assert(!scene.outcomes[0][0].passed_on_dsn);
}
END_TEST

/* ---- TLS ---- */

/* A certificate that is right, of another name, or of nobody we know. */
enum shown {
	RIGHT,
	OTHER_NAME,
	SELF_SIGNED,
	NO_TLS,  /* STARTTLS is not offered */
	REFUSED, /* offered, then 454 */
	BROKEN,  /* 220, then the connection ends */
	INJECTED /* 220, and a reply in the clear behind it */
};

static const struct {
	enum shown shown;
	enum tls_level level;
	const char *story;
	bool encrypted;
	size_t connections;
} handshakes[] = {
	/* clang-format off */
	{ RIGHT,       TLS_OFF,     FINE, false, 1 },
	{ RIGHT,       TLS_MAY,     FINE, true,  1 },
	{ RIGHT,       TLS_REQUIRE, FINE, true,  1 },
	{ RIGHT,       TLS_VERIFY,  FINE, true,  1 },
	{ OTHER_NAME,  TLS_MAY,     FINE, true,  1 },
	{ OTHER_NAME,  TLS_REQUIRE, FINE, true,  1 },
	{ OTHER_NAME,  TLS_VERIFY,  "closed L0/4.7.5", false, 1 },
	{ SELF_SIGNED, TLS_MAY,     FINE, true,  1 },
	{ SELF_SIGNED, TLS_REQUIRE, FINE, true,  1 },
	{ SELF_SIGNED, TLS_VERIFY,  "closed L0/4.7.5", false, 1 },
	{ NO_TLS,      TLS_MAY,     FINE, false, 1 },
	{ NO_TLS,      TLS_REQUIRE, "closed L0/4.7.4", false, 1 },
	{ NO_TLS,      TLS_VERIFY,  "closed L0/4.7.4", false, 1 },
	{ REFUSED,     TLS_MAY,     FINE, false, 1 },
	{ REFUSED,     TLS_REQUIRE, "closed L454/4.7.0", false, 1 },
	{ REFUSED,     TLS_VERIFY,  "closed L454/4.7.0", false, 1 },
	/* opportunistic: once more, in the clear */
	{ BROKEN,      TLS_MAY,     FINE, false, 2 },
	{ BROKEN,      TLS_REQUIRE, "closed L0/4.7.5", false, 1 },
	{ BROKEN,      TLS_VERIFY,  "closed L0/4.7.5", false, 1 },
	{ INJECTED,    TLS_MAY,     FINE, false, 2 },
	{ INJECTED,    TLS_REQUIRE, "closed L0/4.7.5", false, 1 },
	{ INJECTED,    TLS_VERIFY,  "closed L0/4.7.5", false, 1 },
	/* clang-format on */
};

static const struct script_rule shown_rules[][2] = {
	[RIGHT] = { { .on = NULL } },
	[OTHER_NAME] = { { .on = NULL } },
	[SELF_SIGNED] = { { .on = NULL } },
	[NO_TLS] = { { .on = NULL } },
	[REFUSED] = { SAY("STARTTLS", "454 4.7.0 not now\r\n"),
	    { .on = NULL } },
	[BROKEN] = { ACT("STARTTLS", "220 go\r\n", SCRIPT_CLOSE),
	    { .on = NULL } },
	[INJECTED] = { SAY("STARTTLS", "220 go\r\n250-evil\r\n250 DSN\r\n"),
	    { .on = NULL } },
};

/* Is STARTTLS there, and was MAIL said behind a second EHLO? */
static bool
was_encrypted(void)
{
	const char *heard = buf_text(&scene.hop->heard);
	const char *tls = strstr(heard, "STARTTLS\n");

	return tls != NULL &&
	    strncmp(tls, "STARTTLS\nEHLO relay.test\nMAIL", 29) == 0 &&
	    scene.hop->connections == 1;
}

START_TEST(tls_is_what_the_route_asks_for)
{
	struct certs_wish wish = { .dns = "hop.test" };

	if (handshakes[_i].shown == OTHER_NAME)
		wish.dns = "evil.test";
	wish.self_signed = handshakes[_i].shown == SELF_SIGNED;
	prepare_tls(&wish);
	if (handshakes[_i].shown != NO_TLS)
		scene.hop->tls = server;
	scene.hop->rules = shown_rules[handshakes[_i].shown];
	scene.needs.tls_level = handshakes[_i].level;
	ck_assert_str_eq(client_scene_run(&scene), handshakes[_i].story);
	ck_assert_uint_eq(scene.hop->connections, handshakes[_i].connections);
	ck_assert_int_eq(was_encrypted(), handshakes[_i].encrypted);
	if (strcmp(handshakes[_i].story, FINE) == 0)
		ck_assert_uint_eq(scene.hop->message_count, 1);
	else
		ck_assert_uint_eq(scene.hop->message_count, 0);
}
END_TEST

START_TEST(address_hop_is_verified_by_its_address)
{
	static const char *const addresses[] = { "127.0.0.1", "127.0.0.2" };
	struct certs_wish wish = { .ip = addresses[_i] };

	prepare_tls(&wish);
	scene.hop->tls = server;
	scene.host.name[0] = '\0';
	scene.needs.tls_level = TLS_VERIFY;
	ck_assert_str_eq(client_scene_run(&scene),
	    _i == 0 ? FINE : "closed L0/4.7.5");
}
END_TEST

START_TEST(handshake_that_hangs_is_given_up)
{
	struct certs_wish wish = { .dns = "hop.test" };
	struct script_rule rules[] = {
		ACT("STARTTLS", "220 go\r\n", SCRIPT_DEAF), { .on = NULL }
	};

	prepare_tls(&wish);
	scene.hop->tls = NULL; /* it will never answer the handshake */
	scene.hop->offers = "PIPELINING,STARTTLS";
	scene.hop->rules = rules;
	scene.needs.tls_level = _i == 0 ? TLS_MAY : TLS_REQUIRE;
	ck_assert_str_eq(client_scene_run(&scene),
	    _i == 0 ? FINE : "closed L0/4.7.5");
	ck_assert_uint_eq(scene.took, 60000);
}
END_TEST

/* STARTTLS cannot even be written: that is no reason to keep the mail. */
START_TEST(next_hop_that_is_gone_at_starttls_is_tried_in_the_clear)
{
	struct certs_wish wish = { .dns = "hop.test" };
	struct script_rule rules[] = { { .on = "EHLO",
					   .reply = "usual",
					   .act = SCRIPT_RESET,
					   .times = 1 },
		{ .on = NULL } };

	prepare_tls(&wish);
	scene.hop->tls = server;
	scene.hop->rules = rules;
	scene.needs.tls_level = _i == 0 ? TLS_MAY : TLS_REQUIRE;
	ck_assert_str_eq(client_scene_run(&scene),
	    _i == 0 ? FINE : "closed L0/4.4.2");
	ck_assert_uint_eq(scene.hop->connections, _i == 0 ? 2 : 1);
}
END_TEST

/*
 * It insists on the TLS that has just failed between the two of us: that is
 * no verdict on the message.  Who never had TLS has its refusal as it is.
 */
START_TEST(hop_that_insists_on_the_tls_that_failed_is_tried_later)
{
	static const struct {
		enum shown shown;
		const char *story;
	} rows[] = {
		{ BROKEN, ALL("L530/4.0.0") "closed L530/4.0.0" },
		{ REFUSED, ALL("L530/4.0.0") "closed L530/4.0.0" },
		{ NO_TLS, ALL("F530/5.7.0") "usable" },
	};
	struct certs_wish wish = { .dns = "hop.test" };
	struct script_rule rules[] = { shown_rules[rows[_i].shown][0],
		SAY("MAIL",
		    "530 5.7.0 Must issue a STARTTLS command first\r\n"),
		{ .on = NULL } };

	prepare_tls(&wish);
	scene.hop->rules = rules;
	if (rows[_i].shown == NO_TLS)
		scene.hop->rules++;
	else
		scene.hop->tls = server;
	scene.needs.tls_level = TLS_MAY;
	ck_assert_str_eq(client_scene_run(&scene), rows[_i].story);
}
END_TEST

START_TEST(big_message_goes_over_tls_both_ways_of_sending)
{
	struct certs_wish wish = { .dns = "hop.test" };
	struct buf content;

	prepare_tls(&wish);
	scene.hop->tls = server;
	scene.needs.tls_level = TLS_VERIFY;
	scene.hop->offers = "PIPELINING";
	buf_init(&content, 8 << 20);
	while (content.len < (1 << 20))
		buf_add(&content,
		    _i == 0 ? SPAN("all work and no play\r\n") :
			      SPAN(".all work and no play\r\n"));
	paper_write(&scene.paper, buf_span(&content), 70);
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert(span_equal(buf_span(&scene.hop->messages[0].content),
	    buf_span(&content)));
	buf_clear(&content);
}
END_TEST

static Suite *
greet_suite(void)
{
	Suite *suite = suite_create("greet");
	TCase *tcase = tcase_create("greet");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, refused_connection_is_told_later_and_once);
	tcase_add_loop_test(tcase,
	    address_that_cannot_be_reached_is_told_later_too, 0, 2);
	tcase_add_loop_test(tcase, connection_that_nobody_takes_is_given_up, 0,
	    2);
	tcase_add_loop_test(tcase,
	    source_address_is_the_configured_one_where_the_family_fits, 0, 3);
	tcase_add_loop_test(tcase, remote_names_host_address_and_port, 0, 2);
	tcase_add_test(tcase,
	    old_host_is_greeted_with_helo_and_offered_nothing);
	tcase_add_loop_test(tcase, tls_is_what_the_route_asks_for, 0,
	    sizeof(handshakes) / sizeof(handshakes[0]));
	tcase_add_loop_test(tcase, address_hop_is_verified_by_its_address, 0,
	    2);
	tcase_add_loop_test(tcase, handshake_that_hangs_is_given_up, 0, 2);
	tcase_add_loop_test(tcase,
	    next_hop_that_is_gone_at_starttls_is_tried_in_the_clear, 0, 2);
	tcase_add_loop_test(tcase,
	    hop_that_insists_on_the_tls_that_failed_is_tried_later, 0, 3);
	tcase_add_loop_test(tcase,
	    big_message_goes_over_tls_both_ways_of_sending, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(greet_suite)
