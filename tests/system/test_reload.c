/*
 * test_reload - SIGHUP takes new configuration and tables all or nothing,
 * without dropping a connection.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/certs.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define SENDER "printer@campus.test"

/* A new hosted table with one more line. */
static void
write_hosted(struct scene *scene, const char *line)
{
	char hosted[512];

	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\nlab.test via=[127.0.0.1]:%u\n%s\n",
	    hop_port(scene->campus), hop_port(scene->lab), line);
	daemon_write(scene->daemon, "hosted", hosted);
}

START_TEST(a_new_table_is_in_force_after_a_reload)
{
	struct scene scene;
	char line[64];

	scene_open(&scene, NULL);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@new.test"), 550);
	snprintf(line, sizeof(line), "new.test via=[127.0.0.1]:%u",
	    hop_port(scene.lab));
	write_hosted(&scene, line);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@new.test"), 550);
	daemon_reload(scene.daemon);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@new.test"), 250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.lab, "a@new.test", SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

static const struct row {
	const char *file;
	const char *text;
	const char *told; /* must stand in the log */
} broken[] = {
	{ "hosted", "campus.test via=[127.0.0.1]:1\nlab.test vai=mx\n",
	    "hosted:2:" },
	{ "hosted", "lab.test via=[127.0.0.1]:1\n", "postmaster" },
	{ "allowlist", "127.0.0.3\n0.0.0.0/0\n", "allowlist:2:" },
	{ "allowlist", "127.0.0.3 until=2027-02-30\n", "allowlist:1:" },
	{ "allowlist", "0.0.0.0/1\n128.0.0.0/1\n", "open relay" },
	{ "relayd.conf", "hostname = ;\n", "relayd.conf:1" },
	{ "relayd.conf",
	    "hostname = \"mail.campus.test\";\ncolour = \"red\";\n",
	    "relayd.conf:2" },
};

START_TEST(a_broken_file_changes_nothing_at_all)
{
	const struct row *row = &broken[_i];
	struct scene scene;
	struct talk talk;

	scene_open(&scene, &(struct scene_setup){ .allowlist = "127.0.0.2\n" });
	/* A good change in one file beside a bad one in another. */
	write_hosted(&scene, "new.test via=[127.0.0.1]:1");
	daemon_write(scene.daemon, row->file, row->text);
	ck_assert(talk_open(&talk, NULL, daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	daemon_reload(scene.daemon);
	ck_assert_int_gt(daemon_logged(scene.daemon, "event=reload-failed",
			     row->told, NULL),
	    0);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=reloaded", NULL),
	    0);
	ck_assert_int_eq(talk_say(&talk, "NOOP"), 250);
	talk_close(&talk);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@new.test"), 550);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@lab.test"), 250);
	ck_assert_int_eq(talk_once("127.0.0.2", daemon_port(scene.daemon),
			     SENDER, "a@outside.example", "x: y\r\n\r\nz\r\n"),
	    250);
	ck_assert_int_eq(talk_once("127.0.0.3", daemon_port(scene.daemon),
			     SENDER, "a@outside.example", "x: y\r\n\r\nz\r\n"),
	    550);
	ck_assert(hop_wait(scene.lab, 1, SCENE_WAIT_MS));
	ck_assert(hop_wait(scene.outside, 1, SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

START_TEST(a_grant_that_was_taken_away_ends_with_the_reload)
{
	struct scene scene;
	struct talk talk;

	scene_open(&scene, &(struct scene_setup){ .allowlist = "127.0.0.2\n" });
	ck_assert(talk_open(&talk, "127.0.0.2", daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO tool.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<" SENDER ">"), 250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@out.example>"), 250);
	ck_assert_int_eq(talk_say(&talk, "RSET"), 250);
	daemon_write(scene.daemon, "allowlist", "# nobody\n");
	daemon_reload(scene.daemon);
	/* The same connection goes on, under the new rules. */
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<" SENDER ">"), 250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@out.example>"), 550);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@campus.test>"), 250);
	ck_assert_int_eq(talk_say(&talk, "QUIT"), 221);
	talk_close(&talk);
	scene_close(&scene);
}
END_TEST

START_TEST(a_transaction_keeps_the_rules_it_began_with)
{
	struct scene scene;
	struct talk talk;

	scene_open(&scene, &(struct scene_setup){ .allowlist = "127.0.0.2\n" });
	ck_assert(talk_open(&talk, "127.0.0.2", daemon_port(scene.daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO tool.test"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<" SENDER ">"), 250);
	daemon_write(scene.daemon, "allowlist", "# nobody\n");
	daemon_reload(scene.daemon);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@out.example>"), 250);
	daemon_reload(scene.daemon);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<b@out.example>"), 250);
	ck_assert_int_eq(talk_say(&talk, "RSET"), 250);
	ck_assert_int_eq(talk_say(&talk, "MAIL FROM:<" SENDER ">"), 250);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@out.example>"), 550);
	talk_close(&talk);
	scene_close(&scene);
}
END_TEST

START_TEST(mail_that_waits_takes_the_new_route_after_a_reload)
{
	struct scene scene;
	char line[64];

	scene_open(&scene, NULL);
	write_hosted(&scene, "moved.test via=[127.0.0.1]:1");
	daemon_reload(scene.daemon);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@moved.test"), 250);
	daemon_wait_log(scene.daemon, "event=deferred", "]:1 ", NULL);
	snprintf(line, sizeof(line), "moved.test via=[127.0.0.1]:%u",
	    hop_port(scene.lab));
	write_hosted(&scene, line);
	daemon_reload(scene.daemon);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.lab, "a@moved.test", SCENE_WAIT_MS));
	scene_close(&scene);
}
END_TEST

enum {
	ROUNDS = 30,
	FILLERS = 5000, /* lines, so that a reload takes a while */
};

/* An allowlist that differs from round to round, but not for 127.0.0.2 and .3. */
static void
write_allowlist(struct scene *scene, int round)
{
	struct buf text;
	int i;

	buf_init(&text, 1 << 20);
	for (i = 0; i < FILLERS; i++)
		buf_addf(&text, "10.%d.%d.%d\n", round, i >> 8, i & 255);
	buf_addf(&text, "127.0.0.2 note=%d\n", round);
	daemon_write(scene->daemon, "allowlist", buf_text(&text));
	buf_clear(&text);
}

START_TEST(while_tables_are_read_nobody_is_lost_or_let_in_wrongly)
{
	struct scene scene;
	uint16_t port;
	char to[64];
	int i;

	scene_open(&scene, &(struct scene_setup){ .allowlist = "127.0.0.2\n" });
	port = daemon_port(scene.daemon);
	for (i = 0; i < ROUNDS; i++) {
		write_allowlist(&scene, i);
		ck_assert_int_eq(kill(daemon_pid(scene.daemon), SIGHUP), 0);
		snprintf(to, sizeof(to), "a%d@lab.test", i);
		ck_assert_int_eq(scene_send_one(&scene, SENDER, to), 250);
		snprintf(to, sizeof(to), "a%d@out.example", i);
		ck_assert_int_eq(talk_once("127.0.0.2", port, SENDER, to,
				     "x: y\r\n\r\nz\r\n"),
		    250);
		ck_assert_int_eq(talk_once("127.0.0.3", port, SENDER, to,
				     "x: y\r\n\r\nz\r\n"),
		    550);
	}
	for (i = 0; i < ROUNDS; i++) {
		snprintf(to, sizeof(to), "a%d@lab.test", i);
		ck_assert_ptr_nonnull(
		    hop_wait_for(scene.lab, to, SCENE_WAIT_MS));
		snprintf(to, sizeof(to), "a%d@out.example", i);
		ck_assert_ptr_nonnull(
		    hop_wait_for(scene.outside, to, SCENE_WAIT_MS));
	}
	ck_assert_uint_eq(hop_accepted(scene.outside), ROUNDS);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=reload-failed",
			     NULL),
	    0);
	scene_close(&scene);
}
END_TEST

/* The certificate has moved, its old file is gone, and the log cannot be. */
static void
move_certificate(struct scene *scene, struct certs *certs, bool bad_log)
{
	char conf[2048];

	unlink(certs_path(certs, "old.pem"));
	snprintf(conf, sizeof(conf),
	    "hostname = \"mail.campus.test\";\n"
	    "postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; } );\n"
	    "hosted = \"hosted\";\n"
	    "spool = { directory = \"spool\"; };\n"
	    "tls = { certificate = \"%s\"; key = \"%s\"; ca = \"%s\"; };\n"
	    "%s",
	    (unsigned)daemon_port(scene->daemon), certs_path(certs, "new.pem"),
	    certs_path(certs, "new.key"), certs_path(certs, "new.pem"),
	    bad_log ? "log = { target = \"nowhere/log\"; };\n" : "");
	daemon_write(scene->daemon, "relayd.conf", conf);
}

START_TEST(old_settings_stay_though_they_could_not_be_loaded_again)
{
	struct certs *certs = certs_new();
	struct scene scene;
	char more[1024];

	certs_issue(certs, "old", &(struct certs_wish){ .dns = "a.test" });
	certs_issue(certs, "new", &(struct certs_wish){ .dns = "b.test" });
	snprintf(more, sizeof(more),
	    "tls = { certificate = \"%s\"; key = \"%s\"; ca = \"%s\"; };",
	    certs_path(certs, "old.pem"), certs_path(certs, "old.key"),
	    certs_path(certs, "old.pem"));
	scene_open(&scene, &(struct scene_setup){ .more = more });
	move_certificate(&scene, certs, true);
	daemon_reload(scene.daemon);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=reload-failed",
			     "nowhere/log", NULL),
	    1);
	ck_assert_int_eq(daemon_logged(scene.daemon, "put back", NULL), 0);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@campus.test"), 250);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "b@lab.test"), 250);
	ck_assert(hop_wait(scene.campus, 1, SCENE_WAIT_MS));
	ck_assert(hop_wait(scene.lab, 1, SCENE_WAIT_MS));
	move_certificate(&scene, certs, false);
	daemon_reload(scene.daemon);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=reloaded", NULL),
	    1);
	scene_close(&scene);
	certs_free(certs);
}
END_TEST

static Suite *
reload_suite(void)
{
	Suite *suite = suite_create("reload");
	TCase *tcase = tcase_create("reload");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_new_table_is_in_force_after_a_reload);
	tcase_add_loop_test(tcase, a_broken_file_changes_nothing_at_all, 0,
	    sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(tcase, a_transaction_keeps_the_rules_it_began_with);
	tcase_add_test(tcase, a_grant_that_was_taken_away_ends_with_the_reload);
	tcase_add_test(tcase,
	    mail_that_waits_takes_the_new_route_after_a_reload);
	tcase_add_test(tcase,
	    while_tables_are_read_nobody_is_lost_or_let_in_wrongly);
	tcase_add_test(tcase,
	    old_settings_stay_though_they_could_not_be_loaded_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(reload_suite)
