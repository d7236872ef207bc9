/*
 * crash - power cuts without number: crash_run from ever new seeds.
 *
 * Job:     run workload after workload until so many crash states were judged;
 *          name what would show a broken promise again.
 * Called:  by make crash: CRASH_STATES=1000000, CRASH_SEED= for a replay.
 * Owns:    the seeds: the first is printed, each next one follows from it.
 * Never:   goes on after a broken promise.
 */
#include <sys/random.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/crash_run.h"

enum {
	STEPS = 450,
	STATES_PER_CALL = 7,
	STATES = 1000000,
	TELL_EVERY = 20, /* workloads */
};

/* SplitMix64 (Steele, Lea, Flood 2014): one state, no weak seeds. */
static uint64_t
next_number(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t spool_numbers;

static uint64_t
spool_random(void)
{
	return next_number(&spool_numbers);
}

/* The number that a variable of the environment says, or otherwise. */
static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t number;
	char *end;

	if (text == NULL || *text == '\0')
		return otherwise;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno == 0 && *end == '\0' && *text != '-')
		return number;
	fprintf(stderr, "crash: %s=%s: expected a number\n", name, text);
	exit(2);
}

static uint64_t
any_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
		perror("crash: getrandom");
		exit(2);
	}
	return seed;
}

/* Every second workload has calls that fail besides. */
static bool
workload(uint64_t seed, uint64_t *states)
{
	struct crash_outcome outcome;
	struct crash_plan plan = {
		.seed = seed,
		.steps = STEPS,
		.states_per_call = STATES_PER_CALL,
		.stop_at_first = true,
		.failing = seed % 2 == 1,
		.random = spool_random,
	};

	spool_numbers = seed;
	crash_run(&plan, &outcome);
	*states += outcome.states + outcome.second_states;
	if (outcome.broken == 0 && outcome.states > 0)
		return true;
	printf("broken: %s; after call %" PRIu64 ", state %" PRIu64 "\n"
	       "again with CRASH_SEED=%" PRIu64 "\n",
	    outcome.broken > 0 ? outcome.first : "no state was looked at",
	    outcome.first_call, outcome.first_state, seed);
	return false;
}

int
main(void)
{
	uint64_t seed = number_of("CRASH_SEED", any_seed());
	uint64_t wanted = number_of("CRASH_STATES", STATES);
	uint64_t states = 0, workloads = 0, chain;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("CRASH_SEED=%" PRIu64 "\n", seed);
	/* A seed that is given is the one of a workload itself. */
	for (chain = seed; states < wanted; seed = next_number(&chain)) {
		if (!workload(seed, &states))
			return EXIT_FAILURE;
		if (++workloads % TELL_EVERY == 0)
			printf("%" PRIu64 " crash states\n", states);
	}
	printf("%" PRIu64 " crash states in %" PRIu64
	       " workloads: every promise kept\n",
	    states, workloads);
	return EXIT_SUCCESS;
}
