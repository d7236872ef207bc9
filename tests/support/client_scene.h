#ifndef CLIENT_SCENE_H
#define CLIENT_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/delivery/client.h"
#include "tests/support/paper.h"
#include "tests/support/scripted_hop.h"
#include "tests/support/virtual_clock.h"

/*
 * One client, one scripted next hop, one virtual clock: jobs are sent one
 * after the other as long as the connection is usable, then it is quit.
 */
enum {
	SCENE_JOBS = 4,
	SCENE_RCPTS = 300
};

struct client_scene {
	struct virtual_clock clock;
	struct loop *loop;
	struct scripted_hop *hop;
	struct paper paper;
	struct client_needs needs;
	struct host host;
	struct envelope envelope; /* to be changed by the test */
	struct recipient recipients[SCENE_RCPTS];
	size_t jobs;    /* how many are sent; 1 */
	uint64_t pause; /* virtual ms between two jobs */
	const char
	    *strike; /* the hop says it and resets, before the next job */
	bool keep;   /* do not quit at the end: wait for closed */
	bool abort_when_ready, abort_when_done;
	size_t drop_after; /* so many turns it is aborted from outside; 0 */

	/* What was heard. */
	struct client *client;
	struct client_job job[SCENE_JOBS];
	struct outcome *outcomes[SCENE_JOBS];
	size_t *numbers;
	size_t ready, done, closed; /* how often */
	bool usable;                /* of the last done */
	bool dropped;               /* drop_after came before the end */
	bool within; /* a call of ours is running: no event may come */
	struct outcome why;
	struct buf story; /* see client_scene_run() */
	uint64_t took;    /* virtual ms */

	/* private */
	unsigned patience;
	struct watch timer;
};

void client_scene_open(struct client_scene *scene);
void client_scene_close(struct client_scene *scene);
/*
 * Runs until the client has gone (or was quit) and returns the story of the
 * last job: for each recipient kind, code and enhanced code, then "usable",
 * or "closed" and why: "D250/2.0.0 F550/5.1.1 usable", "closed L421/4.3.2".
 */
const char *client_scene_run(struct client_scene *scene);

#endif
