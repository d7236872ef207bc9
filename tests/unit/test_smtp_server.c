/*
 * test_smtp_server - who is let in, a reload, a stop.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/reception.h"
#include "tests/support/suite.h"

enum {
	TURNS_MAX = 50
};

static void
clear_start(void)
{
	reception_start(false);
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
	reception_turn();
	ck_assert_uint_eq(desk_queued(reception.desk), 1);
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 0);
	smtp_server_count(reception.server, &counts);
	ck_assert_uint_eq(counts.messages, 1);
	ck_assert_uint_eq(counts.recipients, 1);
	ck_assert_uint_eq(counts.connections, 1);
	guest_go(&guest);
}
END_TEST

START_TEST(a_server_that_ends_while_the_disk_works_lets_go_of_the_session)
{
	struct guest guest;
	int i;

	reception.disk_rests = true;
	guest_come(&guest, 0);
	guest_offers_mail(&guest);
	SAY(&guest, "DATA\r\nhi\r\n.");
	for (i = 0; i < 20; i++)
		reception_turn();
	smtp_server_free(reception.server);
	reception.server = NULL;
	reception.disk_rests = false;
	reception_turn();
	reception_turn();
	ck_assert_uint_eq(desk_queued(reception.desk), 1);
	guest_go(&guest);
}
END_TEST

/* MAIL is asked first, the message is counted later: nothing fits between. */
static const char *const bodies[] = { "DATA\r\nhi\r\n.", "BDAT 2 LAST\r\nhi" };

START_TEST(connections_side_by_side_share_the_messages_of_an_hour)
{
	struct guest one, two;

	desk_conf(reception.desk)->limits.messages_per_client_hour = 1;
	guest_come(&one, 0);
	guest_come(&two, 0);
	guest_offers_mail(&one);
	guest_offers_mail(&two);
	guest_say(&one, span_of(bodies[_i]));
	guest_say(&one, SPAN("\r\n"));
	guest_hears(&one, "queued as");
	guest_say(&two, _i == 0 ? SPAN("DATA\r\n") : span_of(bodies[_i]));
	guest_hears(&two, "450 4.7.1 other connections from 127.0.0.1");
	SAY(&two, "DATA");
	guest_hears(&two, "503 5.5.1");
	ck_assert_uint_eq(desk_queued(reception.desk), 1);
	guest_go(&one);
	guest_go(&two);
}
END_TEST

START_TEST(connections_over_the_limit_hear_421_and_why)
{
	struct guest one, two, three;

	desk_conf(reception.desk)->limits.connections_per_client = 2;
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
	reception_turn();
	reception_turn();
	guest_come(&three, 0);
	guest_hears(&three, "220 ");
	guest_go(&two);
	guest_go(&three);
}
END_TEST

START_TEST(a_stop_waits_for_transactions_and_for_nothing_else)
{
	struct guest idle, busy, late;
	int turns;

	guest_come(&idle, 0);
	guest_hears(&idle, "220 ");
	guest_come(&busy, 0);
	guest_offers_mail(&busy);
	guest_come(&late, 0);
	guest_hears(&late, "220 ");
	SAY(&late, "EHLO x");
	guest_hears(&late, "RCPTMAX");
	smtp_server_drain(reception.server);
	guest_hears(&idle, "421 4.3.2");
	guest_ends(&idle);
	guest_hears(&late, "421 4.3.2");
	guest_ends(&late);
	SAY(&busy, "DATA\r\nhi\r\n.");
	guest_hears(&busy, "250 2.0.0 queued as");
	guest_hears(&busy, "421 4.3.2");
	guest_ends(&busy);
	reception_turn();
	ck_assert_uint_eq(smtp_server_port(reception.server, 0), 0);
	guest_go(&idle);
	guest_go(&busy);
	guest_go(&late);
	/* A client has its share of a turn: the three may need several. */
	for (turns = 0;
	     turns < TURNS_MAX && smtp_server_sessions(reception.server) > 0;
	     turns++)
		reception_turn();
	ck_assert_uint_eq(smtp_server_sessions(reception.server), 0);
}
END_TEST

START_TEST(a_stop_ends_a_session_after_rset_too)
{
	struct guest busy;

	guest_come(&busy, 0);
	guest_offers_mail(&busy);
	smtp_server_drain(reception.server);
	SAY(&busy, "RSET");
	guest_hears(&busy, "250 2.0.0");
	guest_hears(&busy, "421 4.3.2");
	guest_ends(&busy);
	guest_go(&busy);
}
END_TEST

START_TEST(a_reload_changes_sessions_and_listeners_and_drops_nobody)
{
	struct conf *conf = desk_conf(reception.desk), other = *conf;
	struct conf_listen listen[2] = { conf->listen[0], conf->listen[0] };
	uint16_t port = smtp_server_port(reception.server, 0);
	struct guest guest, newcomer;
	struct buf why;

	buf_init(&why, 4096);
	guest_come(&guest, 0);
	guest_hears(&guest, "220 ");
	other.listen = listen;
	other.listen_count = 2;
	other.hostname = (char *)(uintptr_t) "other.campus.test";
	other.limits.message_size = 4711;
	ck_assert(smtp_server_reload(reception.server, &other,
	    desk_service(reception.desk)->rules, &why));
	ck_assert_uint_eq(smtp_server_port(reception.server, 0), port);
	ck_assert_uint_ne(smtp_server_port(reception.server, 1), 0);
	SAY(&guest, "EHLO x");
	guest_hears(&guest, "250-other.campus.test");
	guest_hears(&guest, "250-SIZE 4711");
	guest_come(&newcomer, 1);
	guest_hears(&newcomer, "220 other.campus.test");
	/* and back: the second goes, its session stays */
	ck_assert(smtp_server_reload(reception.server, conf,
	    desk_service(reception.desk)->rules, &why));
	ck_assert_uint_eq(smtp_server_port(reception.server, 0), port);
	ck_assert_uint_eq(smtp_server_port(reception.server, 1), 0);
	SAY(&newcomer, "EHLO x");
	guest_hears(&newcomer, "250-mail.campus.test");
	guest_go(&guest);
	guest_go(&newcomer);
	buf_clear(&why);
}
END_TEST

START_TEST(a_reload_that_fails_changes_nothing)
{
	struct conf *conf = desk_conf(reception.desk), other = *conf;
	struct conf_listen listen[2] = { conf->listen[0], conf->listen[0] };
	struct guest guest;
	struct buf why;

	buf_init(&why, 4096);
	other.listen = listen;
	other.listen_count = 2;
	listen[1].address = (char *)(uintptr_t) "192.0.2.1"; /* not ours */
	ck_assert(!smtp_server_reload(reception.server, &other,
	    desk_service(reception.desk)->rules, &why));
	ck_assert_uint_gt(why.len, 0);
	listen[1].address = (char *)(uintptr_t) "127.0.0.1";
	listen[1].tls = LISTEN_TLS_IMPLICIT; /* no certificate */
	buf_empty(&why);
	ck_assert(!smtp_server_reload(reception.server, &other,
	    desk_service(reception.desk)->rules, &why));
	ck_assert_uint_gt(why.len, 0);
	guest_come(&guest, 0);
	guest_hears(&guest, "220 mail.campus.test");
	ck_assert_uint_eq(smtp_server_port(reception.server, 1), 0);
	guest_go(&guest);
	buf_clear(&why);
}
END_TEST

static Suite *
smtp_server_suite(void)
{
	Suite *suite = suite_create("smtp_server");
	TCase *clear = tcase_create("clear");

	tcase_add_checked_fixture(clear, clear_start, reception_stop);
	tcase_add_test(clear, a_message_is_taken_over_a_socket);
	tcase_add_loop_test(clear,
	    connections_side_by_side_share_the_messages_of_an_hour, 0, 2);
	tcase_add_test(clear,
	    a_server_that_ends_while_the_disk_works_lets_go_of_the_session);
	tcase_add_test(clear, connections_over_the_limit_hear_421_and_why);
	tcase_add_test(clear,
	    a_stop_waits_for_transactions_and_for_nothing_else);
	tcase_add_test(clear, a_stop_ends_a_session_after_rset_too);
	tcase_add_test(clear,
	    a_reload_changes_sessions_and_listeners_and_drops_nobody);
	tcase_add_test(clear, a_reload_that_fails_changes_nothing);
	suite_add_tcase(suite, clear);
	return suite;
}

SUITE_MAIN(smtp_server_suite)
