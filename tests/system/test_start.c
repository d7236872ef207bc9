/*
 * test_start - how relayd starts, and when it refuses to: exit status and
 * message, -t, a spool in use, the drop of privileges, a stop in mid-session.
 */
#include <sys/stat.h>

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define GOOD_HOSTED "campus.test via=[127.0.0.1]:1\n"

/* What is wrong with one file, and where a message must say so. */
static const struct row {
	const char *file;
	const char *text;
	const char *told;
} broken[] = {
	{ "relayd.conf", "hostname = \"x.test\"\nlisten = ;\n",
	    "relayd.conf:" },
	{ "relayd.conf", "colour = 3;\n", "relayd.conf:1: " },
	{ "relayd.conf", "", "relayd.conf: " },
	{ "hosted", GOOD_HOSTED "nonsense..test\n", "hosted:2:1: " },
	{ "hosted", GOOD_HOSTED "campus.test via=mx\n", "hosted:2:1: " },
	{ "hosted", "lab.test via=mx\n", "postmaster" },
	{ "allowlist", "::/0\n", "allowlist:1:1: " },
	{ "allowlist", "192.0.2.300\n", "allowlist:1:1: " },
};

enum {
	ROWS = sizeof(broken) / sizeof(broken[0])
};

static struct daemon *
break_file(const struct row *row)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED,
		.allowlist = "127.0.0.2\n" };
	struct daemon *daemon = daemon_new(&setup);

	daemon_write(daemon, row->file, row->text);
	return daemon;
}

START_TEST(a_broken_file_stops_the_start_and_is_told_with_its_line)
{
	struct daemon *daemon = break_file(&broken[_i]);

	ck_assert_int_eq(daemon_try(daemon, false), 1);
	ck_assert_msg(strstr(daemon_log(daemon), broken[_i].told) != NULL,
	    "no \"%s\"", broken[_i].told);
	daemon_free(daemon);
}
END_TEST

START_TEST(a_broken_file_fails_the_check_with_the_same_words)
{
	struct daemon *daemon = break_file(&broken[_i]);

	ck_assert_int_eq(daemon_try(daemon, true), 1);
	ck_assert_msg(strstr(daemon_log(daemon), broken[_i].told) != NULL,
	    "no \"%s\"", broken[_i].told);
	daemon_free(daemon);
}
END_TEST

START_TEST(good_files_pass_the_check_and_nothing_is_made)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *daemon = daemon_new(&setup);
	char spool[256];

	ck_assert_int_eq(daemon_try(daemon, true), 0);
	ck_assert_int_gt(daemon_logged(daemon, "is good", NULL), 0);
	snprintf(spool, sizeof(spool), "%s/spool", daemon_folder(daemon));
	ck_assert_int_eq(access(spool, F_OK), -1);
	daemon_free(daemon);
}
END_TEST

START_TEST(the_check_works_while_a_relay_is_running)
{
	struct scene scene;
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *second = daemon_new(&setup);
	char conf[512];

	scene_open(&scene, NULL);
	snprintf(conf, sizeof(conf),
	    "hostname = \"b.test\"; postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; } );\n"
	    "hosted = \"hosted\"; spool = { directory = \"%s/spool\"; };\n",
	    daemon_port(scene.daemon), daemon_folder(scene.daemon));
	daemon_write(second, "relayd.conf", conf);
	ck_assert_int_eq(daemon_try(second, true), 0);
	scene_settle(&scene);
	daemon_free(second);
	scene_close(&scene);
}
END_TEST

START_TEST(a_spool_in_use_stops_a_second_start)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *second = daemon_new(&setup);
	struct scene scene;
	char conf[512];

	scene_open(&scene, NULL);
	snprintf(conf, sizeof(conf),
	    "hostname = \"b.test\"; postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; } );\n"
	    "hosted = \"hosted\"; spool = { directory = \"%s/spool\"; };\n",
	    daemon_port(second), daemon_folder(scene.daemon));
	daemon_write(second, "relayd.conf", conf);
	ck_assert_int_eq(daemon_try(second, false), 1);
	ck_assert_ptr_nonnull(strstr(daemon_log(second), "in use"));
	/* The first one has not noticed. */
	scene_settle(&scene);
	daemon_free(second);
	scene_close(&scene);
}
END_TEST

START_TEST(a_port_in_use_stops_the_start_and_is_named)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *second = daemon_new(&setup);
	struct scene scene;
	char conf[512], port[16];

	scene_open(&scene, NULL);
	snprintf(conf, sizeof(conf),
	    "hostname = \"b.test\"; postmaster = \"postmaster@campus.test\";\n"
	    "listen = ( { address = \"127.0.0.1\"; port = %u; } );\n"
	    "hosted = \"hosted\"; spool = { directory = \"spool\"; };\n",
	    daemon_port(scene.daemon));
	daemon_write(second, "relayd.conf", conf);
	ck_assert_int_eq(daemon_try(second, false), 1);
	snprintf(port, sizeof(port), "%u", daemon_port(scene.daemon));
	ck_assert_ptr_nonnull(strstr(daemon_log(second), port));
	daemon_free(second);
	scene_close(&scene);
}
END_TEST

START_TEST(sigterm_answers_idle_clients_and_ends)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *daemon = daemon_new(&setup);
	struct talk talk;

	daemon_start(daemon);
	ck_assert(talk_open(&talk, NULL, daemon_port(daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO idle.test"), 250);
	daemon_stop(daemon);
	ck_assert_int_eq(talk_reply(&talk), 421);
	ck_assert(talk_ended(&talk));
	talk_close(&talk);
	daemon_free(daemon);
}
END_TEST

/* A client that was cut off and stays is no reason to wait for. */
START_TEST(sigterm_is_not_held_up_by_a_client_that_does_not_leave)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED };
	struct daemon *daemon = daemon_new(&setup);
	struct timespec begin, end;
	struct talk talk;

	daemon_start(daemon);
	ck_assert(talk_open(&talk, NULL, daemon_port(daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "GET / HTTP/1.1"), 554);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	daemon_stop(daemon);
	clock_gettime(CLOCK_MONOTONIC, &end);
	ck_assert_int_lt(end.tv_sec - begin.tv_sec, 4);
	talk_close(&talk);
	daemon_free(daemon);
}
END_TEST

/* ---- as root ---- */

/* The four user IDs of a process are all this one. */
static bool
runs_as(pid_t pid, uid_t uid)
{
	unsigned real, effective, saved, fs;
	char name[64], line[256];
	bool good = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%ld/status", (long)pid);
	file = fopen(name, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Uid: %u %u %u %u", &real, &effective, &saved,
			&fs) == 4)
			good = real == uid && effective == uid &&
			    saved == uid && fs == uid;
	if (file != NULL)
		fclose(file);
	return good;
}

START_TEST(started_as_root_it_drops_to_its_user_and_serves)
{
	struct hop *hop = hop_new(NULL);
	struct passwd *nobody = getpwnam("nobody");
	char hosted[64];
	struct daemon_setup setup = { .hosted = hosted,
		.more = "user = \"nobody\";" };
	struct daemon *daemon;
	int i;

	if (geteuid() != 0) {
		printf("skipped: only root can drop privileges\n");
		hop_free(hop);
		return;
	}
	ck_assert_ptr_nonnull(nobody);
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    hop_port(hop));
	daemon = daemon_new(&setup);
	ck_assert_int_eq(chmod(daemon_folder(daemon), 0755), 0);
	/* A second start finds a spool that is already its own. */
	for (i = 1; i <= 2; i++) {
		daemon_start(daemon);
		ck_assert(runs_as(daemon_pid(daemon), nobody->pw_uid));
		ck_assert_int_eq(talk_once(NULL, daemon_port(daemon),
				     "a@campus.test", "b@campus.test",
				     "Subject: x\r\n\r\nx\r\n"),
		    250);
		ck_assert(hop_wait(hop, (size_t)i, SCENE_WAIT_MS));
		daemon_stop(daemon);
	}
	daemon_free(daemon);
	hop_free(hop);
}
END_TEST

START_TEST(a_user_that_does_not_exist_stops_the_start)
{
	struct daemon_setup setup = { .hosted = GOOD_HOSTED,
		.more = "user = \"no-such-user\";" };
	struct daemon *daemon = daemon_new(&setup);

	ck_assert_int_eq(daemon_try(daemon, false), 1);
	ck_assert_ptr_nonnull(strstr(daemon_log(daemon), "no-such-user"));
	ck_assert_int_eq(daemon_try(daemon, true), 1);
	daemon_free(daemon);
}
END_TEST

static Suite *
start_suite(void)
{
	Suite *suite = suite_create("start");
	TCase *tcase = tcase_create("start");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    a_broken_file_stops_the_start_and_is_told_with_its_line, 0, ROWS);
	tcase_add_loop_test(tcase,
	    a_broken_file_fails_the_check_with_the_same_words, 0, ROWS);
	tcase_add_test(tcase, good_files_pass_the_check_and_nothing_is_made);
	tcase_add_test(tcase, the_check_works_while_a_relay_is_running);
	tcase_add_test(tcase, a_spool_in_use_stops_a_second_start);
	tcase_add_test(tcase, a_port_in_use_stops_the_start_and_is_named);
	tcase_add_test(tcase, sigterm_answers_idle_clients_and_ends);
	tcase_add_test(tcase, started_as_root_it_drops_to_its_user_and_serves);
	tcase_add_test(tcase,
	    sigterm_is_not_held_up_by_a_client_that_does_not_leave);
	tcase_add_test(tcase, a_user_that_does_not_exist_stops_the_start);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(start_suite)
