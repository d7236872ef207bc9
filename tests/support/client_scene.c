/*
 * client_scene - a client and a next hop, played through.
 *
 * Job:     do what a destination does with a client, and write down what it
 *          hears.
 * Called:  by tests of the client.
 * Owns:    loop, clock, hop, content and jobs.
 * Never:   waits for real time but a millisecond at once.
 */
#include "tests/support/client_scene.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

enum {
	PATIENCE = 2, /* ms that the kernel has for loopback, before a jump */
	TURNS_MAX = 200000
};

/* The loopback is fast, but nothing promises that it is done at once. */
static bool
busy(void *owner)
{
	struct client_scene *scene = owner;

	if (scene->patience == 0) {
		scene->patience = PATIENCE;
		return false;
	}
	scene->patience--;
	return true;
}

static bool
over(const struct client_scene *scene)
{
	return scene->client == NULL;
}

static void
send_next(struct client_scene *scene)
{
	struct client_job *job = &scene->job[scene->done];

	*job = (struct client_job){
		.spool = scene->paper.spool,
		.id = 1,
		.envelope = &scene->envelope,
		.recipient_count = scene->envelope.recipient_count,
		.recipients = scene->numbers,
		.content = scene->paper.content,
		.outcomes = scene->outcomes[scene->done],
	};
	scene->within = true;
	client_send(scene->client, job);
	scene->within = false;
}

static void
quit(struct client_scene *scene)
{
	scene->within = true;
	client_quit(scene->client);
	scene->within = false;
	scene->client = NULL;
}

static char
letter(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_NONE:
		break;
	case OUTCOME_DELIVERED:
		return 'D';
	case OUTCOME_LATER:
		return 'L';
	case OUTCOME_FAILED:
		return 'F';
	}
	return 'N';
}

static void
tell(struct client_scene *scene, const struct outcome *outcome)
{
	buf_addf(&scene->story, "%c%d/%s", letter(outcome->kind), outcome->code,
	    outcome->enhanced);
}

static void
on_ready(void *owner)
{
	struct client_scene *scene = owner;

	ck_assert(!scene->within);
	ck_assert_uint_eq(scene->ready++, 0);
	if (scene->abort_when_ready) {
		client_abort(scene->client);
		scene->client = NULL;
		return;
	}
	send_next(scene);
}

static void
on_done(void *owner, struct client_job *job, bool usable)
{
	struct client_scene *scene = owner;
	size_t i;

	ck_assert(!scene->within);
	ck_assert_ptr_eq(job, &scene->job[scene->done]);
	scene->done++;
	scene->usable = usable;
	buf_empty(&scene->story);
	for (i = 0; i < job->recipient_count; i++) {
		tell(scene, &job->outcomes[i]);
		buf_add_byte(&scene->story, ' ');
	}
	if (usable)
		buf_add(&scene->story, SPAN("usable"));
	if (scene->abort_when_done) {
		client_abort(scene->client);
		scene->client = NULL;
	} else if (usable && scene->done < scene->jobs && scene->pause == 0) {
		send_next(scene);
	} else if (usable && scene->done < scene->jobs) {
		scene->timer.deadline = loop_now(scene->loop) + scene->pause;
	} else if (usable && !scene->keep) {
		quit(scene);
	}
}

static void
pause_is_over(void *owner)
{
	struct client_scene *scene = owner;

	if (scene->strike != NULL)
		scripted_hop_strike(scene->hop, scene->strike);
	if (scene->client != NULL)
		send_next(scene);
}

static void
on_closed(void *owner, const struct outcome *why)
{
	struct client_scene *scene = owner;

	ck_assert(!scene->within);
	ck_assert_uint_eq(scene->closed++, 0);
	buf_add(&scene->story, SPAN("closed "));
	tell(scene, why);
	if (why->text != NULL)
		outcome_set(&scene->why, why->kind, why->code, why->enhanced,
		    span_of(why->text), why->remote);
	scene->client = NULL;
}

static void
address(struct client_scene *scene, size_t i)
{
	char *text = xcalloc(1, 40);

	if (i < 26)
		snprintf(text, 40, "%c@campus.test", (char)('a' + i));
	else
		snprintf(text, 40, "r%zu@campus.test", i);
	scene->recipients[i] = (struct recipient){ .address = span_of(text),
		.domain = SPAN("campus.test") };
}

void
client_scene_open(struct client_scene *scene)
{
	size_t i;

	signal(SIGPIPE, SIG_IGN); /* as main does: sendfile(2) raises it */
	*scene = (struct client_scene){ .jobs = 1 };
	virtual_clock_init(&scene->clock, 1800000000);
	scene->clock.busy = busy;
	scene->clock.owner = scene;
	scene->loop = virtual_clock_loop(&scene->clock);
	scene->hop = scripted_hop_new(scene->loop);
	paper_open(&scene->paper);
	paper_write(&scene->paper, SPAN("Subject: x\r\n\r\n.hello\r\n"), 3);
	scene->needs = (struct client_needs){ .loop = scene->loop,
		.hostname = "relay.test",
		.tls_level = TLS_OFF,
		.connect_seconds = 30,
		.timeout_percent = 100 };
	scene->host =
	    (struct host){ .name = "hop.test", .port = scene->hop->port };
	ck_assert(ip_parse(SPAN("127.0.0.1"), &scene->host.ip));
	scene->numbers = xcalloc(SCENE_RCPTS, sizeof(size_t));
	for (i = 0; i < SCENE_RCPTS; i++) {
		address(scene, i);
		scene->numbers[i] = i;
	}
	for (i = 0; i < SCENE_JOBS; i++)
		scene->outcomes[i] =
		    xcalloc(SCENE_RCPTS, sizeof(struct outcome));
	scene->envelope = (struct envelope){ .sender = SPAN("s@lab.test"),
		.recipient_count = 3,
		.recipients = scene->recipients };
	buf_init(&scene->story, 1 << 20);
}

static void
drop(struct client_scene *scene)
{
	client_abort(scene->client);
	scene->client = NULL;
	scene->dropped = true;
}

static void
timer_reap(void *owner)
{
	(void)owner;
}

const char *
client_scene_run(struct client_scene *scene)
{
	struct client_events events = { .owner = scene,
		.ready = on_ready,
		.done = on_done,
		.closed = on_closed };
	uint64_t start = loop_now(scene->loop);
	size_t turns = 0;

	watch_init(&scene->timer, -1, scene, NULL, pause_is_over, timer_reap);
	loop_add(scene->loop, &scene->timer);
	scene->within = true;
	scene->client = client_new(&scene->needs, &scene->host, &events);
	scene->within = false;
	while (!over(scene)) {
		ck_assert_uint_lt(turns++, TURNS_MAX);
		loop_turn(scene->loop, true);
		scene->took = loop_now(scene->loop) - start;
		if (turns == scene->drop_after && scene->client != NULL)
			drop(scene);
	}
	/* QUIT and its answer, or the hop's end of it. */
	for (turns = 0; scene->hop->open > 0 && turns < 20; turns++)
		loop_turn(scene->loop, true);
	loop_kill(scene->loop, &scene->timer);
	loop_turn(scene->loop, false);
	return buf_text(&scene->story);
}

void
client_scene_close(struct client_scene *scene)
{
	size_t i, k;

	loop_free(scene->loop);
	scripted_hop_free(scene->hop);
	paper_close(&scene->paper);
	for (i = 0; i < SCENE_JOBS; i++) {
		for (k = 0; k < SCENE_RCPTS; k++)
			outcome_clear(&scene->outcomes[i][k]);
		free(scene->outcomes[i]);
	}
	for (i = 0; i < SCENE_RCPTS; i++)
		free((char *)(uintptr_t)scene->recipients[i].address.data);
	free(scene->numbers);
	outcome_clear(&scene->why);
	buf_clear(&scene->story);
}
