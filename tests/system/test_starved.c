/*
 * test_starved - a relay that may not open another descriptor: newcomers hear
 * 421, who is in goes on, nothing spins, and all is well afterwards.
 */
#include <sys/resource.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/load.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	NEWCOMERS = 40,
	FEW = 8, /* descriptors that are left, and the load takes */
};

static struct load load;

static size_t
descriptors(pid_t pid)
{
	char folder[64];
	size_t count = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
	dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

/* Not below what it polls: poll(2) itself would fail then. */
static void
allow(pid_t pid, size_t count)
{
	struct rlimit limit;

	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &limit), 0);
	limit.rlim_cur = count;
	ck_assert_int_eq(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

/* Seconds of CPU that it has used. */
static double
cpu_seconds(pid_t pid)
{
	char file[64], line[1024], *at;
	unsigned long user, system;
	FILE *in;

	snprintf(file, sizeof(file), "/proc/%d/stat", (int)pid);
	in = fopen(file, "r");
	ck_assert_ptr_nonnull(in);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), in));
	fclose(in);
	at = strrchr(line, ')');
	ck_assert_int_eq(sscanf(at,
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%lu %lu",
			     &user, &system),
	    2);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

START_TEST(newcomers_hear_421_and_who_is_in_goes_on)
{
	static const char *const to[] = { "a@campus.test", NULL };
	struct talk in, newcomers[NEWCOMERS];
	size_t i, away = 0, greeted = 0;
	pid_t pid;

	load_make(&load, NULL);
	daemon_start(load.daemon);
	pid = daemon_pid(load.daemon);
	ck_assert(talk_open(&in, NULL, daemon_port(load.daemon)));
	ck_assert_int_eq(talk_reply(&in), 220);
	ck_assert_int_eq(talk_say(&in, "EHLO in.test"), 250);
	allow(pid, descriptors(pid) + FEW);
	for (i = 0; i < NEWCOMERS; i++) {
		ck_assert(
		    talk_open(&newcomers[i], NULL, daemon_port(load.daemon)));
		switch (talk_reply(&newcomers[i])) {
		case 220:
			greeted++;
			break;
		case 421:
			away++;
			ck_assert(talk_ended(&newcomers[i]));
			break;
		default:
			ck_abort_msg("newcomer %zu: \"%s\"", i,
			    buf_text(&newcomers[i].text));
		}
	}
	ck_assert_uint_gt(greeted, 0);
	ck_assert_uint_gt(away, NEWCOMERS / 2);
	ck_assert_int_eq(talk_mail(&in, "x@campus.test", to,
			     SPAN("Subject: in\r\n\r\n")),
	    250);
	for (i = 0; i < NEWCOMERS; i++)
		talk_close(&newcomers[i]);
	/* Everybody is gone: all is as before, under the same limit. */
	ck_assert(hop_wait(load.hop, 1, LOAD_PATIENCE_MS));
	ck_assert_int_eq(talk_once(NULL, daemon_port(load.daemon),
			     "y@campus.test", "a@campus.test", "later\r\n"),
	    250);
	ck_assert(hop_wait(load.hop, 2, LOAD_PATIENCE_MS));
	talk_close(&in);
	daemon_free(load.daemon);
	hop_free(load.hop);
}
END_TEST

START_TEST(starved_relay_does_not_spin)
{
	struct talk in, waiting[NEWCOMERS];
	size_t i;
	double before;
	pid_t pid;

	load_make(&load, NULL);
	daemon_start(load.daemon);
	pid = daemon_pid(load.daemon);
	ck_assert(talk_open(&in, NULL, daemon_port(load.daemon)));
	ck_assert_int_eq(talk_reply(&in), 220);
	/* Not even one is left, and many wait to be let in. */
	allow(pid, descriptors(pid));
	for (i = 0; i < NEWCOMERS; i++)
		ck_assert(
		    talk_open(&waiting[i], NULL, daemon_port(load.daemon)));
	before = cpu_seconds(pid);
	load_pause(1000);
	ck_assert(cpu_seconds(pid) - before < 0.5);
	ck_assert_int_eq(talk_say(&in, "NOOP"), 250);
	for (i = 0; i < NEWCOMERS; i++)
		talk_close(&waiting[i]);
	allow(pid, 1000);
	ck_assert_int_eq(talk_once(NULL, daemon_port(load.daemon),
			     "y@campus.test", "a@campus.test", "later\r\n"),
	    250);
	ck_assert(hop_wait(load.hop, 1, LOAD_PATIENCE_MS));
	talk_close(&in);
	daemon_free(load.daemon);
	hop_free(load.hop);
}
END_TEST

START_TEST(nothing_is_lost_while_descriptors_come_and_go)
{
	size_t most;
	pid_t pid;
	int i;

	load_make(&load, NULL);
	load_start(&load);
	load_wait(&load, 50);
	pid = daemon_pid(load.daemon);
	most = descriptors(pid);
	for (i = 0; i < 10; i++) {
		allow(pid, most + (size_t)(i % 3));
		load_pause(50);
		allow(pid, 1000);
		load_wait(&load, 10);
	}
	load_end(&load, "starving");
}
END_TEST

static Suite *
starved_suite(void)
{
	Suite *suite = suite_create("starved");
	TCase *tcase = tcase_create("descriptors");

	tcase_set_timeout(tcase, 180);
	tcase_add_test(tcase, newcomers_hear_421_and_who_is_in_goes_on);
	tcase_add_test(tcase, starved_relay_does_not_spin);
	tcase_add_test(tcase, nothing_is_lost_while_descriptors_come_and_go);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(starved_suite)
