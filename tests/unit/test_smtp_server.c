/*
 * test_smtp_server - connections: time-outs, limits, TLS, the end of things.
 * Real sockets on loopback, a virtual clock, real rules and a real spool.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/net/stream.h"
#include "relayd/net/tls.h"
#include "relayd/smtp/smtp_server.h"
#include "tests/support/certs.h"
#include "tests/support/desk.h"
#include "tests/support/suite.h"
#include "tests/support/virtual_clock.h"

enum {
	TURNS_MAX = 2000, /* of the loop, until something must have happened */
	TEXT_MAX = 32 << 20,
	WALL = 1795421109,
};

static struct virtual_clock vclock;
static struct loop *loop;
static struct desk *desk;
static struct smtp_server *server;
static struct certs *certs;
static struct tls_client *trust;
static bool disk_rests; /* nothing is committed */

/* A client: it never blocks, the loop is turned while it waits. */
struct guest {
	struct stream *stream;
	struct buf in;
	bool ended;
};

static void
commit(void *owner)
{
	(void)owner;
	if (!disk_rests)
		spool_turn(desk_service(desk)->spool);
}

/* listen[0] starttls or clear, listen[1] implicit TLS with certificates. */
static struct conf *
make_conf(bool tls)
{
	struct conf *conf = desk_conf(desk);
	size_t i;

	conf->listen_count = tls ? 2 : 1;
	conf->listen = xcalloc(2, sizeof(conf->listen[0]));
	for (i = 0; i < 2; i++)
		conf->listen[i].address = xstrdup("127.0.0.1");
	if (tls) {
		conf->listen[0].tls = LISTEN_TLS_STARTTLS;
		conf->listen[1].tls = LISTEN_TLS_IMPLICIT;
		conf->tls.certificate = xstrdup(certs_path(certs, "mx.pem"));
		conf->tls.key = xstrdup(certs_path(certs, "mx.key"));
	}
	return conf;
}

static void
start(bool tls)
{
	struct desk_options options = { 0 };
	struct certs_wish wish = { .dns = "mail.campus.test" };
	struct smtp_server_needs needs;
	struct buf why;

	buf_init(&why, 4096);
	if (tls) {
		certs = certs_new();
		certs_issue(certs, "mx", &wish);
		trust = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
		ck_assert_msg(trust != NULL, "%s", buf_text(&why));
	}
	desk = desk_new(&options);
	virtual_clock_init(&vclock, WALL);
	loop = virtual_clock_loop(&vclock);
	loop_each_turn(loop, commit, NULL);
	needs = (struct smtp_server_needs){
		.loop = loop,
		.spool = desk_service(desk)->spool,
		.conf = make_conf(tls),
		.rules = desk_service(desk)->rules,
	};
	server = smtp_server_new(&needs);
	ck_assert_msg(smtp_server_listen(server, NULL, 0, &why), "%s",
	    buf_text(&why));
	buf_clear(&why);
}

static void
start_clear(void)
{
	start(false);
}

static void
start_tls(void)
{
	start(true);
}

static void
stop(void)
{
	struct conf *conf = desk_conf(desk);
	size_t i;

	smtp_server_free(server);
	loop_turn(loop, false);
	loop_free(loop);
	for (i = 0; i < 2; i++)
		free(conf->listen[i].address);
	free(conf->listen);
	free(conf->tls.certificate);
	free(conf->tls.key);
	desk_free(desk);
	tls_client_free(trust);
	trust = NULL;
	if (certs != NULL)
		certs_free(certs);
	certs = NULL;
	disk_rests = false;
}

static void
turn(void)
{
	loop_turn(loop, false);
}

static void
guest_come(struct guest *guest, size_t listener)
{
	struct sockaddr_in there = { .sin_family = AF_INET,
		.sin_port = htons(smtp_server_port(server, listener)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
	connect(fd, (struct sockaddr *)&there, sizeof(there));
	*guest = (struct guest){ .stream = stream_new(fd) };
	buf_init(&guest->in, TEXT_MAX);
}

static void
guest_go(struct guest *guest)
{
	stream_free(guest->stream);
	buf_clear(&guest->in);
}

static void
guest_say(struct guest *guest, struct span text)
{
	struct buf out;
	int turns;

	buf_init(&out, TEXT_MAX);
	buf_add(&out, text);
	for (turns = 0; turns < TURNS_MAX && out.len > 0; turns++) {
		if (stream_write(guest->stream, &out) == IO_ERROR)
			break;
		turn();
	}
	buf_clear(&out);
}

static void
guest_listen(struct guest *guest)
{
	bool more;
	enum io io;

	turn();
	io = stream_read(guest->stream, &guest->in, 1 << 20, &more);
	if (io == IO_EOF || io == IO_ERROR)
		guest->ended = true;
}

/* What came holds text; it and what stands before it are dropped. */
static void
guest_hears(struct guest *guest, const char *text)
{
	const char *at = NULL;
	int turns;

	for (turns = 0; turns < TURNS_MAX && at == NULL; turns++) {
		if (guest->in.len > 0)
			at = memmem(guest->in.data, guest->in.len, text,
			    strlen(text));
		if (at == NULL) {
			if (guest->ended)
				break;
			guest_listen(guest);
		}
	}
	ck_assert_msg(at != NULL, "no \"%s\" in \"%s\"%s", text,
	    buf_text(&guest->in), guest->ended ? ", then the end" : "");
	buf_eat(&guest->in, (size_t)(at - guest->in.data) + strlen(text));
}

/* The server closes; nothing else is said before. */
static void
guest_ends(struct guest *guest)
{
	struct span rest;
	int turns;

	for (turns = 0; turns < TURNS_MAX && !guest->ended; turns++)
		guest_listen(guest);
	ck_assert_msg(guest->ended, "still open after \"%s\"",
	    buf_text(&guest->in));
	rest = buf_span(&guest->in); /* the end of the reply just heard */
	ck_assert_uint_eq(span_find(rest, '\n') + 1 < rest.len, 0);
}

static void
pass(uint64_t seconds)
{
	vclock.now += seconds * 1000;
	turn();
	turn();
}

#define SAY(guest, text) guest_say((guest), SPAN(text "\r\n"))

static void
guest_offers_mail(struct guest *guest)
{
	guest_hears(guest, "220 ");
	SAY(guest, "EHLO x");
	guest_hears(guest, "RCPTMAX");
	SAY(guest, "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@campus.test>");
	guest_hears(guest, "250 2.1.5");
}

START_TEST(a_message_is_taken_over_a_socket)
{
	struct smtp_counts counts;
	struct guest guest;

	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\nQUIT");
	guest_hears(&guest, "250 2.0.0 queued as");
	guest_hears(&guest, "221 ");
	guest_ends(&guest);
	turn();
	ck_assert_uint_eq(desk_queued(desk), 1);
	ck_assert_uint_eq(smtp_server_sessions(server), 0);
	smtp_server_count(server, &counts);
	ck_assert_uint_eq(counts.messages, 1);
	ck_assert_uint_eq(counts.recipients, 1);
	ck_assert_uint_eq(counts.connections, 1);
	guest_go(&guest);
}
END_TEST

START_TEST(nothing_is_acknowledged_or_read_before_the_disk_has_answered)
{
	struct guest guest;
	int i;

	disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.\r\nNOOP");
	guest_hears(&guest, "354 ");
	for (i = 0; i < 50; i++)
		guest_listen(&guest);
	ck_assert_ptr_null(strstr(buf_text(&guest.in), "250"));
	disk_rests = false;
	guest_hears(&guest, "250 2.0.0 queued as");
	guest_hears(&guest, "250 2.0.0 ok");
	guest_go(&guest);
}
END_TEST

START_TEST(a_client_that_vanishes_behind_its_dot_has_sent_its_message)
{
	struct guest guest;
	int i;

	disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.");
	for (i = 0; i < 20; i++)
		turn();
	guest_go(&guest);
	for (i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(desk_queued(desk), 0);
	disk_rests = false;
	for (i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(desk_queued(desk), 1);
	ck_assert_uint_eq(smtp_server_sessions(server), 0);
}
END_TEST

START_TEST(a_server_that_ends_while_the_disk_works_lets_go_of_the_session)
{
	struct guest guest;
	int i;

	disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.");
	for (i = 0; i < 20; i++)
		turn();
	smtp_server_free(server);
	server = NULL;
	disk_rests = false;
	turn();
	turn();
	ck_assert_uint_eq(desk_queued(desk), 1);
	guest_go(&guest);
}
END_TEST

START_TEST(a_half_closed_client_hears_all_its_replies)
{
	struct guest guest;

	guest_come(&guest, 0);
	SAY(&guest,
	    "HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@campus.test>\r\n"
	    "DATA\r\nhi\r\n.\r\nNOOP");
	stream_shutdown(guest.stream);
	guest_hears(&guest, "250 2.0.0 queued as");
	guest_hears(&guest, "250 2.0.0 ok");
	guest_ends(&guest);
	guest_go(&guest);
}
END_TEST

START_TEST(a_byte_a_minute_does_not_stretch_the_deadline)
{
	struct guest guest;
	int minute;

	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	for (minute = 0; minute < 4; minute++) {
		guest_say(&guest, SPAN("N"));
		pass(60);
		ck_assert(!guest.ended);
	}
	guest_say(&guest, SPAN("N"));
	pass(61);
	guest_hears(&guest, "421 4.4.2");
	guest_hears(&guest, "[ref ");
	guest_ends(&guest);
	guest_go(&guest);
}
END_TEST

START_TEST(each_command_has_five_minutes)
{
	struct guest guest;
	int i;

	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	for (i = 0; i < 4; i++) {
		pass(299);
		SAY(&guest, "NOOP");
		guest_hears(&guest, "250 ");
	}
	pass(301);
	guest_hears(&guest, "421 4.4.2");
	guest_ends(&guest);
	guest_go(&guest);
}
END_TEST

/* size bytes of data every so many seconds */
static const struct {
	size_t size;
	unsigned seconds;
	bool served;
} flows[] = {
	{ 5000, 170, true },
	{ 1500, 45, true },
	{ 60, 60, false },
	{ 1000, 100, false },
	{ 0, 181, false },
};

START_TEST(data_must_make_progress)
{
	struct guest guest;
	char data[5000];
	int i;

	memset(data, 'x', sizeof(data));
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA");
	guest_hears(&guest, "354 ");
	for (i = 0; i < 8; i++) {
		pass(flows[_i].seconds);
		guest_say(&guest, span_make(data, flows[_i].size));
	}
	SAY(&guest, "\r\n.");
	if (flows[_i].served) {
		guest_hears(&guest, "250 2.0.0 queued as");
	} else {
		guest_hears(&guest, "421 4.4.2");
		ck_assert_uint_eq(desk_queued(desk), 0);
	}
	guest_go(&guest);
}
END_TEST

START_TEST(connections_over_the_limit_hear_421_and_why)
{
	struct guest one, two, three;

	desk_conf(desk)->limits.connections_per_client = 2;
	guest_come(&one, 0);
	guest_hears(&one, "220 ");
	guest_come(&two, 0);
	guest_hears(&two, "220 ");
	guest_come(&three, 0);
	guest_hears(&three,
	    "421 4.7.0 mail.campus.test: too many connections "
	    "from your address (limit 2, from 127.0.0.1)");
	guest_ends(&three);
	guest_go(&three);
	guest_go(&one);
	turn();
	turn();
	guest_come(&three, 0);
	guest_hears(&three, "220 ");
	guest_go(&two);
	guest_go(&three);
}
END_TEST

START_TEST(a_reply_arrives_though_the_client_goes_on_sending)
{
	static char page[200000];
	struct guest guest;

	memset(page, 'x', sizeof(page));
	guest_come(&guest, 0);
	SAY(&guest, "POST / HTTP/1.1");
	guest_say(&guest, span_make(page, sizeof(page)));
	guest_hears(&guest, "554 5.5.1");
	guest_ends(&guest);
	guest_go(&guest);
}
END_TEST

START_TEST(a_client_that_is_cut_off_may_not_linger)
{
	struct guest guest;

	guest_come(&guest, 0);
	SAY(&guest, "GET / HTTP/1.1");
	guest_hears(&guest, "554 5.5.1");
	pass(3);
	turn();
	ck_assert_uint_eq(smtp_server_sessions(server), 0);
	guest_go(&guest);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_not_read_from)
{
	struct guest guest;
	struct buf noops;
	size_t sent = 0, lines = 0, i;
	int quiet = 0;

	buf_init(&noops, TEXT_MAX);
	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	while (quiet < 20 && sent < 16 << 20) {
		while (noops.len < 60000)
			buf_add(&noops, SPAN("NOOP\r\n"));
		i = noops.len;
		stream_write(guest.stream, &noops);
		quiet = i == noops.len ? quiet + 1 : 0;
		sent += i - noops.len;
		turn();
	}
	ck_assert_int_eq(quiet, 20); /* the socket is full, not our memory */
	/* All is answered once it does read, to the last whole line. */
	buf_cut(&noops, 6 - sent % 6);
	for (i = 0; i < TURNS_MAX * 10 && noops.len > 0; i++) {
		stream_write(guest.stream, &noops);
		guest_listen(&guest);
	}
	for (i = 0; i < 200; i++)
		guest_listen(&guest);
	for (i = 0; i < guest.in.len; i++)
		lines += guest.in.data[i] == '\n';
	ck_assert_uint_ge(lines, sent / 6);
	guest_go(&guest);
	buf_clear(&noops);
}
END_TEST

START_TEST(a_stop_waits_for_transactions_and_for_nothing_else)
{
	struct guest idle, busy, late;

	guest_come(&idle, 0);
	guest_hears(&idle, "220 ");
	guest_come(&busy, 0);
	guest_offers_mail(&busy);
	guest_come(&late, 0);
	guest_hears(&late, "220 ");
	SAY(&late, "EHLO x");
	guest_hears(&late, "RCPTMAX");
	smtp_server_drain(server);
	guest_hears(&idle, "421 4.3.2");
	guest_ends(&idle);
	guest_hears(&late, "421 4.3.2");
	guest_ends(&late);
	SAY(&busy, "DATA\r\nhi\r\n.");
	guest_hears(&busy, "250 2.0.0 queued as");
	guest_hears(&busy, "421 4.3.2");
	guest_ends(&busy);
	turn();
	ck_assert_uint_eq(smtp_server_port(server, 0), 0);
	guest_go(&idle);
	guest_go(&busy);
	guest_go(&late);
	turn();
	ck_assert_uint_eq(smtp_server_sessions(server), 0);
}
END_TEST

START_TEST(a_stop_ends_a_session_after_rset_too)
{
	struct guest busy;

	guest_come(&busy, 0);
	guest_offers_mail(&busy);
	smtp_server_drain(server);
	SAY(&busy, "RSET");
	guest_hears(&busy, "250 2.0.0");
	guest_hears(&busy, "421 4.3.2");
	guest_ends(&busy);
	guest_go(&busy);
}
END_TEST

START_TEST(a_reload_changes_sessions_and_listeners_and_drops_nobody)
{
	struct conf *conf = desk_conf(desk), other = *conf;
	struct conf_listen listen[2] = { conf->listen[0], conf->listen[0] };
	uint16_t port = smtp_server_port(server, 0);
	struct guest guest, newcomer;
	struct buf why;

	buf_init(&why, 4096);
	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	other.listen = listen;
	other.listen_count = 2;
	other.hostname = (char *)(uintptr_t) "other.campus.test";
	other.limits.message_size = 4711;
	ck_assert(smtp_server_reload(server, &other, desk_service(desk)->rules,
	    &why));
	ck_assert_uint_eq(smtp_server_port(server, 0), port);
	ck_assert_uint_ne(smtp_server_port(server, 1), 0);
	SAY(&guest, "EHLO x");
	guest_hears(&guest, "250-other.campus.test");
	guest_hears(&guest, "250-SIZE 4711");
	guest_come(&newcomer, 1);
	guest_hears(&newcomer, "220 other.campus.test");
	/* and back: the second goes, its session stays */
	ck_assert(
	    smtp_server_reload(server, conf, desk_service(desk)->rules, &why));
	ck_assert_uint_eq(smtp_server_port(server, 0), port);
	ck_assert_uint_eq(smtp_server_port(server, 1), 0);
	SAY(&newcomer, "EHLO x");
	guest_hears(&newcomer, "250-mail.campus.test");
	guest_go(&guest);
	guest_go(&newcomer);
	buf_clear(&why);
}
END_TEST

START_TEST(a_reload_that_fails_changes_nothing)
{
	struct conf *conf = desk_conf(desk), other = *conf;
	struct conf_listen listen[2] = { conf->listen[0], conf->listen[0] };
	struct guest guest;
	struct buf why;

	buf_init(&why, 4096);
	other.listen = listen;
	other.listen_count = 2;
	listen[1].address = (char *)(uintptr_t) "192.0.2.1"; /* not ours */
	ck_assert(!smtp_server_reload(server, &other, desk_service(desk)->rules,
	    &why));
	ck_assert_uint_gt(why.len, 0);
	listen[1].address = (char *)(uintptr_t) "127.0.0.1";
	listen[1].tls = LISTEN_TLS_IMPLICIT; /* no certificate */
	buf_empty(&why);
	ck_assert(!smtp_server_reload(server, &other, desk_service(desk)->rules,
	    &why));
	ck_assert_uint_gt(why.len, 0);
	guest_come(&guest, 0);
	guest_hears(&guest, "220 mail.campus.test");
	ck_assert_uint_eq(smtp_server_port(server, 1), 0);
	guest_go(&guest);
	buf_clear(&why);
}
END_TEST

static enum io
guest_shakes_hands(struct guest *guest)
{
	struct tls_expect expect = { .verify = true,
		.name = "mail.campus.test" };
	enum io io = IO_WAIT;
	int turns;

	stream_tls_client(guest->stream, trust, &expect);
	for (turns = 0; turns < TURNS_MAX && io == IO_WAIT; turns++) {
		io = stream_handshake(guest->stream);
		turn();
	}
	return io;
}

/* listener 0: STARTTLS first; listener 1: TLS at once */
START_TEST(mail_comes_by_tls_too)
{
	struct guest guest;

	guest_come(&guest, (size_t)_i);
	if (_i == 0) {
		guest_hears(&guest, "220 ");
		SAY(&guest, "EHLO x");
		guest_hears(&guest, "250-STARTTLS");
		guest_hears(&guest, "RCPTMAX=100\r\n");
		SAY(&guest, "STARTTLS");
		guest_hears(&guest, "220 2.0.0 begin TLS\r\n");
		ck_assert_uint_eq(guest.in.len, 0);
	}
	ck_assert_int_eq(guest_shakes_hands(&guest), IO_OK);
	if (_i == 1)
		guest_hears(&guest, "220 ");
	SAY(&guest, "EHLO x");
	guest_hears(&guest, "RCPTMAX");
	ck_assert_ptr_null(strstr(buf_text(&guest.in), "STARTTLS"));
	SAY(&guest,
	    "MAIL FROM:<a@b.example>\r\nRCPT TO:<ann@campus.test>\r\n"
	    "DATA\r\nhi\r\n.\r\nQUIT");
	guest_hears(&guest, "250 2.0.0 queued as");
	guest_hears(&guest, "221 ");
	guest_ends(&guest);
	ck_assert_ptr_nonnull(memmem(desk_last_message(desk).data,
	    desk_last_message(desk).len, "ESMTPS", 6));
	guest_go(&guest);
}
END_TEST

START_TEST(commands_behind_starttls_are_served_by_nobody)
{
	struct guest guest;

	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	SAY(&guest, "EHLO x");
	guest_hears(&guest, "RCPTMAX");
	SAY(&guest, "STARTTLS\r\nMAIL FROM:<evil@b.example>");
	guest_hears(&guest, "554 5.5.0");
	guest_ends(&guest);
	guest_go(&guest);
}
END_TEST

START_TEST(a_silent_or_broken_handshake_ends)
{
	struct guest silent, broken;

	guest_come(&silent, 1);
	guest_come(&broken, 1);
	turn();
	turn();
	SAY(&broken, "EHLO this is no ClientHello");
	guest_ends(&broken);
	ck_assert_uint_eq(smtp_server_sessions(server), 1);
	pass(61);
	ck_assert_uint_eq(smtp_server_sessions(server), 0);
	ck_assert_uint_eq(silent.in.len, 0); /* no banner in the clear */
	guest_go(&silent);
	guest_go(&broken);
}
END_TEST

static Suite *
smtp_server_suite(void)
{
	Suite *suite = suite_create("smtp_server");
	TCase *clear = tcase_create("clear"), *tls = tcase_create("tls");

	tcase_add_checked_fixture(clear, start_clear, stop);
	tcase_add_test(clear, a_message_is_taken_over_a_socket);
	tcase_add_test(clear,
	    nothing_is_acknowledged_or_read_before_the_disk_has_answered);
	tcase_add_test(clear,
	    a_client_that_vanishes_behind_its_dot_has_sent_its_message);
	tcase_add_test(clear,
	    a_server_that_ends_while_the_disk_works_lets_go_of_the_session);
	tcase_add_test(clear, a_half_closed_client_hears_all_its_replies);
	tcase_add_test(clear, a_byte_a_minute_does_not_stretch_the_deadline);
	tcase_add_test(clear, each_command_has_five_minutes);
	tcase_add_loop_test(clear, data_must_make_progress, 0,
	    sizeof(flows) / sizeof(flows[0]));
	tcase_add_test(clear, connections_over_the_limit_hear_421_and_why);
	tcase_add_test(clear,
	    a_reply_arrives_though_the_client_goes_on_sending);
	tcase_add_test(clear, a_client_that_is_cut_off_may_not_linger);
	tcase_add_test(clear, a_client_that_does_not_read_is_not_read_from);
	tcase_add_test(clear,
	    a_stop_waits_for_transactions_and_for_nothing_else);
	tcase_add_test(clear, a_stop_ends_a_session_after_rset_too);
	tcase_add_test(clear,
	    a_reload_changes_sessions_and_listeners_and_drops_nobody);
	tcase_add_test(clear, a_reload_that_fails_changes_nothing);
	suite_add_tcase(suite, clear);
	tcase_add_checked_fixture(tls, start_tls, stop);
	tcase_add_loop_test(tls, mail_comes_by_tls_too, 0, 2);
	tcase_add_test(tls, commands_behind_starttls_are_served_by_nobody);
	tcase_add_test(tls, a_silent_or_broken_handshake_ends);
	suite_add_tcase(suite, tls);
	return suite;
}

SUITE_MAIN(smtp_server_suite)
