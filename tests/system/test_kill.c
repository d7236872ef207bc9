/*
 * test_kill - what has been acknowledged arrives, whatever ends the server:
 * kill -9 and SIGTERM under load, with an account of every message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/daemon.h"
#include "tests/support/hop.h"
#include "tests/support/suite.h"
#include "tests/support/tally.h"

enum {
	KILLS = 10, /* CRASH_KILLS, where make crash wants more */
	WAVES = 10,
	SECONDS_PER_KILL = 10,
	CLIENTS = 8,
	PATIENCE_MS = 60000,
};

struct scene {
	struct hop *hop;
	struct daemon *daemon;
	struct tally *tally;
	struct crowd *crowd;
};

static void
scene_open(struct scene *scene)
{
	char hosted[64];
	struct daemon_setup setup = {
		.hosted = hosted,
		.delivery = "retry_first = \"1s\"; retry_max = \"1s\";",
		.limits = "messages_per_client_hour = 0;"
			  "recipients_per_client_hour = 0;",
	};

	scene->hop = hop_new(NULL);
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    hop_port(scene->hop));
	scene->daemon = daemon_new(&setup);
	daemon_start(scene->daemon);
	scene->tally = tally_new();
	scene->crowd = crowd_start(scene->tally, daemon_port(scene->daemon),
	    CLIENTS, "printer@campus.test", "staff@campus.test");
}

static void
pause_ms(long milliseconds)
{
	struct timespec pause = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&pause, NULL);
}

/* Waits until all that was acknowledged has arrived, or patience ends. */
static void
settle(struct scene *scene, struct tally_balance *balance)
{
	int waited;

	for (waited = 0; waited < PATIENCE_MS; waited += 200) {
		tally_balance(scene->tally, scene->hop, balance);
		if (balance->missing == 0 || balance->wrong != 0)
			return;
		pause_ms(200);
	}
}

static void
scene_close(struct scene *scene, const char *what)
{
	struct tally_balance balance;

	crowd_stop(scene->crowd);
	settle(scene, &balance);
	printf("%s: %zu sent, %zu acknowledged, %zu missing, %zu wrong, "
	       "%zu arrived again\n",
	    what, balance.sent, balance.acknowledged, balance.missing,
	    balance.wrong, balance.twice);
	ck_assert_uint_gt(balance.acknowledged, 50);
	ck_assert_uint_eq(balance.missing, 0);
	ck_assert_uint_eq(balance.wrong, 0);
	daemon_free(scene->daemon);
	tally_free(scene->tally);
	hop_free(scene->hop);
}

/* Some more acknowledgements, so that the end comes in the middle of work. */
static void
wait_for_work(struct scene *scene, size_t more)
{
	size_t before = tally_acknowledged_count(scene->tally);
	int waited;

	for (waited = 0; waited < PATIENCE_MS; waited++) {
		if (tally_acknowledged_count(scene->tally) >= before + more)
			return;
		pause_ms(1);
	}
	ck_abort_msg("the relay takes no mail");
}

static int
kills(void)
{
	const char *text = getenv("CRASH_KILLS");
	int count = text == NULL ? KILLS : atoi(text);

	return count < 1 ? KILLS : count;
}

START_TEST(all_that_was_acknowledged_survives_kill_9)
{
	struct scene scene;
	int i, count = kills();

	scene_open(&scene);
	for (i = 0; i < count; i++) {
		wait_for_work(&scene, 20 + (size_t)(i % WAVES) * 7);
		daemon_kill(scene.daemon);
		daemon_start(scene.daemon);
	}
	wait_for_work(&scene, 20);
	scene_close(&scene, "kill -9");
}
END_TEST

START_TEST(all_that_was_acknowledged_survives_sigterm)
{
	struct scene scene;
	int i;

	scene_open(&scene);
	for (i = 0; i < 3; i++) {
		wait_for_work(&scene, 30 + (size_t)i * 11);
		daemon_stop(scene.daemon);
		daemon_start(scene.daemon);
	}
	wait_for_work(&scene, 20);
	scene_close(&scene, "SIGTERM");
}
END_TEST

START_TEST(mail_that_waits_for_a_dead_next_hop_survives_kill_9)
{
	struct scene scene;

	scene_open(&scene);
	wait_for_work(&scene, 10);
	hop_sleep(scene.hop);
	wait_for_work(&scene, 50);
	daemon_kill(scene.daemon);
	daemon_start(scene.daemon);
	wait_for_work(&scene, 20);
	hop_wake(scene.hop);
	scene_close(&scene, "kill -9 with a dead next hop");
}
END_TEST

static Suite *
kill_suite(void)
{
	Suite *suite = suite_create("ends");
	TCase *tcase = tcase_create("ends");

	tcase_set_timeout(tcase, 180 + kills() * SECONDS_PER_KILL);
	tcase_add_test(tcase, all_that_was_acknowledged_survives_kill_9);
	tcase_add_test(tcase, all_that_was_acknowledged_survives_sigterm);
	tcase_add_test(tcase,
	    mail_that_waits_for_a_dead_next_hop_survives_kill_9);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(kill_suite)
