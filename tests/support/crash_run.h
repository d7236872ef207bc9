#ifndef CRASH_RUN_H
#define CRASH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/spool_model.h"

/*
 * A random workload on a simulated disk, stopped after every single call
 * that changes it; each time some of the states that a power cut may leave
 * are recovered and judged.
 */
struct crash_plan {
	uint64_t seed;
	size_t steps;             /* of the workload */
	size_t states_per_call;   /* crash states looked at */
	bool stop_at_first;       /* broken promise */
	bool forget_names;        /* disk_sim_forget_names() */
	bool failing;             /* calls fail now and then, too */
	uint64_t (*random)(void); /* for the spool; NULL: any */
};

struct crash_outcome {
	size_t calls, states, second_states;
	size_t broken;        /* promises */
	const char *first;    /* that was broken first */
	uint64_t first_call;  /* after which call, */
	uint64_t first_state; /* and with which seed of the crash */
	size_t messages;
	size_t refused;
	size_t failed; /* calls */
};

void crash_run(const struct crash_plan *plan, struct crash_outcome *outcome);

#endif
