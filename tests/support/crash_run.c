/*
 * crash_run - every crash of a random workload.
 *
 * Job:     accept, deliver, fail, roll, recycle, copy forward, on a simulated
 *          disk; after each call cut the power, recover, judge; cut the power
 *          during the recovery too.
 * Called:  by tests/unit/test_crash.c, test_planted.c, tests/crash/.
 * Owns:    the run.
 * Never:   uses a clock or a random number but its seed's.
 */
#include "tests/support/crash_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/disk_fail.h"
#include "tests/support/disk_sim.h"

struct run {
	const struct crash_plan *plan;
	struct crash_outcome *outcome;
	struct disk_sim *sim;
	struct disk_fail fail; /* before sim, in the live run */
	struct model model;
	bool inside; /* a judge's own calls are not watched */
};

static void
note(struct run *run, const char *wrong, uint64_t state)
{
	struct crash_outcome *outcome = run->outcome;

	if (wrong == NULL)
		return;
	if (outcome->broken++ == 0) {
		outcome->first = wrong;
		outcome->first_call = outcome->calls;
		outcome->first_state = state;
	}
}

/* A recovery that is cut short itself, and then one that is not. */
static void
judge_second(struct run *run, struct disk_sim *first, uint64_t state)
{
	struct disk_sim *second;
	struct model broken = { .options = run->model.options };

	disk_sim_stop_after(first, state % 7);
	broken.options.disk = disk_sim_disk(first);
	if (model_open(&broken))
		spool_turn(broken.spool);
	model_close(&broken);
	second = disk_sim_crash(first, state >> 8);
	note(run, model_judge(&run->model, disk_sim_disk(second)), state);
	run->outcome->second_states++;
	disk_sim_free(second);
}

static void
judge(struct run *run, uint64_t state)
{
	struct disk_sim *after = disk_sim_crash(run->sim, state);
	struct disk_sim *again = NULL;

	if (state > 1 && state % 4 == 0)
		again = disk_sim_crash(after, 1);
	note(run, model_judge(&run->model, disk_sim_disk(after)), state);
	run->outcome->states++;
	if (disk_sim_open_count(after) != 0)
		note(run, "a descriptor was left open", state);
	if (again != NULL)
		judge_second(run, again, state);
	disk_sim_free(again);
	disk_sim_free(after);
}

static void
after_call(void *arg)
{
	struct run *run = arg;
	size_t i;

	run->outcome->calls++;
	if (run->inside ||
	    (run->plan->stop_at_first && run->outcome->broken > 0))
		return;
	run->inside = true;
	for (i = 0; i < run->plan->states_per_call; i++)
		/* 0: nothing unsynced is there; 1: all of it; then any. */
		judge(run,
		    i < 2 ? i :
			    run->plan->seed * 1000003 +
			    run->outcome->calls * 1009 + i * 131071);
	run->inside = false;
}

static int64_t ticking_now; /* begins anew with each run: a seed says all */

static int64_t
ticking_clock(void)
{
	return ticking_now += 100000;
}

/* One of the next calls will fail. */
static void
plan_failure(struct run *run)
{
	static const struct {
		enum disk_call call;
		int error;
	} kinds[] = {
		{ DISK_PWRITEV, EIO },
		{ DISK_PWRITEV, ENOSPC },
		{ DISK_PWRITEV, 0 },
		{ DISK_SYNC, EIO },
		{ DISK_SYNC, EIO },
		{ DISK_OPEN, EMFILE },
		{ DISK_UNLINK, EIO },
		{ DISK_ALLOCATE, ENOSPC },
	};
	struct disk_fail *fail = &run->fail;
	size_t kind =
	    (size_t)model_random(&run->model, sizeof(kinds) / sizeof(kinds[0]));

	fail->call = kinds[kind].call;
	fail->error = kinds[kind].error;
	fail->from =
	    fail->seen[fail->call] + 1 + (size_t)model_random(&run->model, 4);
	fail->count = 1 + (size_t)model_random(&run->model, 2);
}

static size_t
some_recipients(struct model *model)
{
	switch (model_random(model, 12)) {
	case 0:
		return 70;
	case 1:
		return 5 + (size_t)model_random(model, 10);
	default:
		return 1 + (size_t)model_random(model, 2);
	}
}

static void
step(struct model *model)
{
	struct model_message *message;
	uint64_t what = model_random(model, 20);

	if (what < 7) {
		model_receive(model, (size_t)model_random(model, 2500),
		    some_recipients(model));
	} else if (what < 8) {
		model_receive(model, 4500 + (size_t)model_random(model, 8000),
		    1);
	} else if (what < 15) {
		message = model_pick(model);
		if (message != NULL)
			model_settle(model, message,
			    model_random(model, 4) == 0 ?
				1 :
				message->recipient_count);
	} else {
		model_turn(model);
	}
}

void
crash_run(const struct crash_plan *plan, struct crash_outcome *outcome)
{
	struct run run = { .plan = plan, .outcome = outcome };
	size_t i;

	*outcome = (struct crash_outcome){ 0 };
	run.sim = disk_sim_new();
	if (plan->forget_names)
		disk_sim_forget_names(run.sim);
	disk_fail_init(&run.fail, disk_sim_disk(run.sim));
	model_init(&run.model, &run.fail.disk);
	ticking_now = 1700000000000000;
	if (plan->failing)
		run.model.options.wall_us = ticking_clock;
	run.model.random = plan->seed;
	if (plan->random != NULL)
		run.model.options.random = plan->random;
	disk_sim_watch(run.sim, after_call, &run);
	if (!model_open(&run.model))
		note(&run, "a new spool does not open", 0);
	for (i = 0; i < plan->steps && run.model.spool != NULL; i++) {
		if (plan->stop_at_first && outcome->broken > 0)
			break;
		if (plan->failing && i % 11 == 10)
			plan_failure(&run);
		step(&run.model);
		/* An orderly restart now and then. */
		if (i % 97 == 96) {
			model_turn(&run.model);
			model_close(&run.model);
			run.fail.count = 0;
			if (!model_open(&run.model))
				note(&run, "it does not open again", 0);
		}
	}
	outcome->messages = run.model.count;
	outcome->refused = model_refused(&run.model);
	outcome->failed = run.fail.failed;
	disk_sim_watch(run.sim, NULL, NULL);
	model_clear(&run.model);
	disk_sim_free(run.sim);
}
