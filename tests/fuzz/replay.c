/*
 * replay - a fuzz target without its fuzzer: every seed, and some thousand
 * small changes to them, the same in each run.
 *
 * Job:     feed LLVMFuzzerTestOneInput(); count; keep the input that broke it.
 * Called:  by make check, as build/check/replay_NOUN, from the project's root;
 *          the seeds are tests/fuzz/corpus/NOUN.
 * Owns:    the input.
 * Never:   replaces make fuzz, which learns where it has not been yet.
 */
#include <glob.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 8192,
	CHANGED = 2000, /* inputs besides the seeds */
	CHANGES = 5,    /* in one of them, at most */
};

static uint8_t input[INPUT_MAX];
static size_t input_len;
static const char *noun;

static void
keep_input(void)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "build/check/replay_%s.input", noun);
	file = fopen(path, "w");
	if (file == NULL || fwrite(input, 1, input_len, file) != input_len)
		return;
	fclose(file);
	fprintf(stderr, "replay_%s: the input is in %s\n", noun, path);
}

static void
aborted(int number)
{
	keep_input();
	signal(number, SIG_DFL);
	raise(number);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static size_t
below(size_t bound)
{
	static uint64_t state = 1;
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ (z >> 31)) % bound);
}

static void
change(void)
{
	size_t at = below(input_len + 1), some = 1 + below(8);

	switch (below(5)) {
	case 0: /* another byte */
		if (at < input_len)
			input[at] = (uint8_t)below(256);
		break;
	case 1: /* another bit */
		if (at < input_len)
			input[at] ^= (uint8_t)(1U << below(8));
		break;
	case 2: /* some bytes less */
		if (some > input_len - at)
			some = input_len - at;
		memmove(input + at, input + at + some, input_len - at - some);
		input_len -= some;
		break;
	case 3: /* some bytes more: those before them again */
		if (some > at || some > INPUT_MAX - input_len)
			break;
		memmove(input + at + some, input + at, input_len - at);
		memcpy(input + at, input + at - some, some);
		input_len += some;
		break;
	default: /* cut off */
		input_len = at;
	}
}

/* In memory of its own size, so that a read beyond it is seen. */
static void
run(void)
{
	uint8_t *copy = xcalloc(input_len == 0 ? 1 : input_len, 1);

	memcpy(copy, input, input_len);
	LLVMFuzzerTestOneInput(copy, input_len);
	free(copy);
}

static void
read_seed(const char *path)
{
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		exit(1);
	}
	input_len = fread(input, 1, sizeof(input), file);
	fclose(file);
}

int
main(int argc, char **argv)
{
	char pattern[256];
	glob_t seeds;
	size_t i, changes;

	(void)argc;
	noun = strrchr(argv[0], '_');
	noun = noun == NULL ? argv[0] : noun + 1;
	__sanitizer_set_death_callback(keep_input);
	signal(SIGABRT, aborted);
	snprintf(pattern, sizeof(pattern), "tests/fuzz/corpus/%s/*", noun);
	if (glob(pattern, 0, NULL, &seeds) != 0) {
		fprintf(stderr, "replay_%s: no seeds are %s\n", noun, pattern);
		return 1;
	}
	for (i = 0; i < seeds.gl_pathc + CHANGED; i++) {
		read_seed(seeds.gl_pathv[i % seeds.gl_pathc]);
		changes = i < seeds.gl_pathc ? 0 : 1 + below(CHANGES);
		while (changes-- > 0)
			change();
		run();
	}
	printf("%zu seeds, %d changed inputs\n", seeds.gl_pathc, CHANGED);
	globfree(&seeds);
	puts("100%: Checks: 1, Failures: 0, Errors: 0");
	return 0;
}
