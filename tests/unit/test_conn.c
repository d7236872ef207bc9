/*
 * test_conn - one connection: time-outs, backpressure, TLS, the end of things.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/reception.h"
#include "tests/support/suite.h"

enum {
	TURNS_MAX = 20000,
	HELPS = 40000, /* more replies than the kernel holds for us */
	TEXT_MAX = 32 << 20,
};

static void
clear_start(void)
{
	reception_start(false);
}

static void
tls_start(void)
{
	reception_start(true);
}

START_TEST(nothing_is_acknowledged_or_read_before_the_disk_has_answered)
{
	struct guest guest;
	int i;

	reception.disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.\r\nNOOP");
	guest_hears(&guest, "354 ");
	for (i = 0; i < 50; i++)
		guest_listen(&guest);
	ck_assert_ptr_null(strstr(buf_text(&guest.in), "250"));
	/* What waits in the socket meanwhile makes no turn: time passes. */
	SAY(&guest, "NOOP");
	virtual_clock_run(&reception.clock, 1000);
	reception.disk_rests = false;
	guest_hears(&guest, "250 2.0.0 queued as");
	guest_hears(&guest, "250 2.0.0 ok");
	guest_go(&guest);
}
END_TEST

START_TEST(a_client_that_vanishes_behind_its_dot_has_sent_its_message)
{
	struct guest guest;
	int i;

	reception.disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.");
	for (i = 0; i < 20; i++)
		reception_turn();
	guest_go(&guest);
	for (i = 0; i < 20; i++)
		reception_turn();
	ck_assert_uint_eq(desk_queued(reception.desk), 0);
	reception.disk_rests = false;
	for (i = 0; i < 20; i++)
		reception_turn();
	ck_assert_uint_eq(desk_queued(reception.desk), 1);
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 0);
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
		reception_pass(60);
		ck_assert(!guest.ended);
	}
	guest_say(&guest, SPAN("N"));
	reception_pass(61);
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
		reception_pass(299);
		SAY(&guest, "NOOP");
		guest_hears(&guest, "250 ");
	}
	reception_pass(301);
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
		reception_pass(flows[_i].seconds);
		guest_say(&guest, span_make(data, flows[_i].size));
	}
	SAY(&guest, "\r\n.");
	if (flows[_i].served) {
		guest_hears(&guest, "250 2.0.0 queued as");
	} else {
		guest_hears(&guest, "421 4.4.2");
		ck_assert_uint_eq(desk_queued(reception.desk), 0);
	}
	guest_go(&guest);
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
	ck_assert(!guest.reset);
	guest_go(&guest);
}
END_TEST

START_TEST(a_client_that_is_cut_off_may_not_linger)
{
	struct guest guest;

	guest_come(&guest, 0);
	SAY(&guest, "GET / HTTP/1.1");
	guest_hears(&guest, "554 5.5.1");
	reception_pass(3);
	reception_turn();
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 0);
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
		reception_turn();
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
	ck_assert_ptr_nonnull(memmem(desk_last_message(reception.desk).data,
	    desk_last_message(reception.desk).len, "ESMTPS", 6));
	guest_go(&guest);
}
END_TEST

/*
 * Its last commands are in our memory while their replies find no room; it
 * sends nothing more that could wake us.
 */
START_TEST(replies_that_wait_leave_when_the_client_reads_again)
{
	struct guest guest;
	struct buf help;
	size_t i, lines = 0, lf;
	int small = 64 << 10;

	buf_init(&help, HELPS * 6);
	guest_come(&guest, 0);
	setsockopt(stream_fd(guest.stream), SOL_SOCKET, SO_RCVBUF, &small,
	    sizeof(small));
	guest_hears(&guest, "220 ");
	for (i = 0; i < HELPS; i++)
		buf_add(&help, SPAN("HELP\r\n"));
	guest_say(&guest, buf_span(&help));
	/* It reads nothing now, and the relay neither spins nor gives up. */
	virtual_clock_run(&reception.clock, 60000);
	for (i = 0; i < TURNS_MAX && lines < HELPS; i++) {
		guest_listen(&guest);
		while (lf = span_find(buf_span(&guest.in), '\n'),
		    lf < guest.in.len) {
			lines += span_starts(buf_span(&guest.in), SPAN("214 "));
			buf_eat(&guest.in, lf + 1);
		}
	}
	ck_assert_uint_eq(lines, HELPS);
	guest_go(&guest);
	buf_clear(&help);
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
	reception_turn();
	reception_turn();
	SAY(&broken, "EHLO this is no ClientHello");
	guest_ends(&broken);
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 1);
	reception_pass(61);
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 0);
	ck_assert_uint_eq(silent.in.len, 0); /* no banner in the clear */
	guest_go(&silent);
	guest_go(&broken);
}
END_TEST

static Suite *
conn_suite(void)
{
	Suite *suite = suite_create("conn");
	TCase *clear = tcase_create("clear");
	TCase *tls = tcase_create("tls");

	tcase_add_checked_fixture(clear, clear_start, reception_stop);
	tcase_add_test(clear,
	    nothing_is_acknowledged_or_read_before_the_disk_has_answered);
	tcase_add_test(clear,
	    a_client_that_vanishes_behind_its_dot_has_sent_its_message);
	tcase_add_test(clear, a_half_closed_client_hears_all_its_replies);
	tcase_add_test(clear, a_byte_a_minute_does_not_stretch_the_deadline);
	tcase_add_test(clear, each_command_has_five_minutes);
	tcase_add_loop_test(clear, data_must_make_progress, 0,
	    sizeof(flows) / sizeof(flows[0]));
	tcase_add_test(clear,
	    a_reply_arrives_though_the_client_goes_on_sending);
	tcase_add_test(clear, a_client_that_is_cut_off_may_not_linger);
	tcase_add_test(clear, a_client_that_does_not_read_is_not_read_from);
	tcase_add_test(clear,
	    replies_that_wait_leave_when_the_client_reads_again);
	suite_add_tcase(suite, clear);
	tcase_add_checked_fixture(tls, tls_start, reception_stop);
	tcase_add_loop_test(tls, mail_comes_by_tls_too, 0, 2);
	tcase_add_test(tls, commands_behind_starttls_are_served_by_nobody);
	tcase_add_test(tls, a_silent_or_broken_handshake_ends);
	suite_add_tcase(suite, tls);
	return suite;
}

SUITE_MAIN(conn_suite)
