/*
 * asked - relayctl, run by a test.
 *
 * Job:     run the relayctl that lies beside this program on a daemon.
 * Called:  by system tests.
 * Owns:    nothing.
 * Never:   asks a relayd that the test did not start.
 */
#include "tests/support/asked.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/program.h"

enum {
	WORDS_MAX = 32
};

int
asked(struct daemon *daemon, struct buf *output, const char *word, ...)
{
	const char *argv[WORDS_MAX + 4] = { NULL };
	char program[4096], conf[4096], *slash;
	size_t count = 0;
	ssize_t len;
	va_list args;

	len = readlink("/proc/self/exe", program, sizeof(program) - 16);
	ck_assert_int_gt(len, 0);
	program[len] = '\0';
	slash = strrchr(program, '/');
	strcpy(slash, "/relayctl");
	snprintf(conf, sizeof(conf), "%s/relayd.conf", daemon_folder(daemon));
	argv[count++] = program;
	argv[count++] = "-c";
	argv[count++] = conf;
	va_start(args, word);
	for (; word != NULL && count < WORDS_MAX;
	     word = va_arg(args, const char *))
		argv[count++] = word;
	va_end(args);
	buf_empty(output);
	return program_run(argv, SPAN(""), output);
}
