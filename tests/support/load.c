/*
 * load - a relay under load, and the account of every message.
 *
 * Job:     start the server, its next hop and a crowd; settle the account.
 * Called:  by tests that end, starve or damage a server at work.
 * Owns:    all of struct load.
 * Never:   waits without end.
 */
#include "tests/support/load.h"

#include <check.h>
#include <stdio.h>
#include <time.h>

enum {
	CLIENTS = 8,
	SETTLE_STEP_MS = 200,
	ENOUGH = 50, /* messages, for an account that says something */
};

void
load_make(struct load *load, const char *spool)
{
	char hosted[64];
	struct daemon_setup setup = {
		.hosted = hosted,
		.allowlist = LOAD_ALLOWLIST,
		.delivery = "retry_first = \"1s\"; retry_max = \"1s\";",
		.limits = "messages_per_client_hour = 0;"
			  "recipients_per_client_hour = 0;"
			  "errors_per_session = 100000;",
		.spool = spool,
	};

	load->hop = hop_new(NULL);
	snprintf(hosted, sizeof(hosted), "campus.test via=[127.0.0.1]:%u\n",
	    hop_port(load->hop));
	load->daemon = daemon_new(&setup);
}

void
load_start(struct load *load)
{
	daemon_start(load->daemon);
	load->tally = tally_new();
	load->crowd = crowd_start(load->tally, daemon_port(load->daemon),
	    CLIENTS, "printer@campus.test", "staff@campus.test");
}

void
load_pause(long milliseconds)
{
	struct timespec pause = { .tv_nsec = milliseconds * 1000000 };

	nanosleep(&pause, NULL);
}

void
load_wait(struct load *load, size_t more)
{
	size_t before = tally_acknowledged_count(load->tally);
	int waited;

	for (waited = 0; waited < LOAD_PATIENCE_MS; waited++) {
		if (tally_acknowledged_count(load->tally) >= before + more)
			return;
		load_pause(1);
	}
	ck_abort_msg("the relay takes no mail");
}

/* Waits until all that was acknowledged has arrived, or patience ends. */
static void
settle(struct load *load, struct tally_balance *balance)
{
	int waited;

	for (waited = 0; waited < LOAD_PATIENCE_MS; waited += SETTLE_STEP_MS) {
		tally_balance(load->tally, load->hop, balance);
		if (balance->missing == 0 || balance->wrong != 0)
			return;
		load_pause(SETTLE_STEP_MS);
	}
}

void
load_end(struct load *load, const char *what)
{
	struct tally_balance balance;

	crowd_stop(load->crowd);
	settle(load, &balance);
	printf("%s: %zu sent, %zu acknowledged, %zu missing, %zu wrong, "
	       "%zu arrived again\n",
	    what, balance.sent, balance.acknowledged, balance.missing,
	    balance.wrong, balance.twice);
	ck_assert_uint_gt(balance.acknowledged, ENOUGH);
	ck_assert_uint_eq(balance.missing, 0);
	ck_assert_uint_eq(balance.wrong, 0);
	daemon_free(load->daemon);
	tally_free(load->tally);
	hop_free(load->hop);
}
