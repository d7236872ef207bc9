/*
 * test_readme - the README's own commands, run as they stand there by a new user.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/hop.h"
#include "tests/support/port.h"
#include "tests/support/program.h"
#include "tests/support/suite.h"

enum {
	README_MAX = 65536,
	WAIT_MS = 30000,
};

/* What each command that is told from others by a word must come to. */
static const struct expected {
	const char *command; /* holds this */
	unsigned nth;        /* of those, from 0 */
	bool good;           /* exit status 0 */
	const char *said;    /* NULL: no matter */
} expected[] = {
	{ "make install", 0, true, "relayctl" },
	{ "cd $HOME", 0, true, NULL },
	{ "cp usr", 0, true, NULL },
	{ "check", 0, true, "0 errors" },
	{ "/printer", 0, true, "" },
	{ "/laser", 0, false, "550" },
	{ "explain", 0, false, "no line speaks of the client" },
	{ "allow 127", 0, true, "+ allowlist:" },
	{ "/laser", 1, true, "" },
	{ "grants", 0, true, "      1  lab@campus.test" },
	{ "edit allowlist", 0, true, "until=2020-12-31" },
	{ "explain", 1, false, "ended on 2020-12-31, ask lab@campus.test" },
	{ "reload", 0, false, "\"vai=\" is not known" },
	{ "/printer", 1, true, "" },
	{ "kill", 0, true, NULL },
};

static char home[64];
static struct buf commands, output;
static struct hop *hop;
static uint16_t port;
static int reserved;

/* The port of the tour, or that of the hop behind it, for what stands there. */
static void
add_with_ports(struct buf *out, struct span text)
{
	while (text.len > 0) {
		if (span_starts(text, SPAN("2525"))) {
			buf_addf(out, "%u", port);
			text = span_skip(text, 4);
		} else if (span_starts(text, SPAN("2526"))) {
			buf_addf(out, "%u", hop_port(hop));
			text = span_skip(text, 4);
		} else {
			buf_add_byte(out, text.data[0]);
			text = span_skip(text, 1);
		}
	}
}

/*
 * The commands of the section, each with its number before and its exit
 * status behind it.
 */
static int
read_commands(void)
{
	static char text[README_MAX];
	struct span rest, line;
	const char *begin, *end;
	FILE *in = fopen("README", "r");
	int count = 0;

	ck_assert_ptr_nonnull(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	begin = strstr(text, "\nA tour\n");
	end = strstr(text, "\nThe rooms\n");
	ck_assert(begin != NULL && end != NULL && begin < end);
	rest = span_make(begin, (size_t)(end - begin));
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (!span_starts(line, SPAN("    $ ")))
			continue;
		line = span_skip(line, 6);
		buf_addf(&commands, "echo '##%d'\n", count++);
		add_with_ports(&commands, line);
		buf_add(&commands, SPAN("\necho \"##=$?\"\n"));
		/* Where the samples have been copied, they have the ports, too. */
		if (span_starts(line, SPAN("cp ")))
			buf_addf(&commands,
			    "sed -i 's/2525/%u/; s/2526/%u/' relayd.conf "
			    "hosted\n",
			    port, hop_port(hop));
	}
	return count;
}

static void
make(void)
{
	strcpy(home, "/tmp/relayd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	hop = hop_new(NULL);
	port = port_reserve(&reserved);
	buf_init(&commands, README_MAX);
	buf_init(&output, 1 << 20);
	setenv("HOME", home, 1);
	setenv("BIN", "build/check", 1);
	unsetenv("MAKEFLAGS");
	unsetenv("MAKELEVEL");
	unsetenv("VISUAL");
}

static void
clean(void)
{
	const char *const argv[] = { "rm", "-rf", home, NULL };

	buf_empty(&output);
	ck_assert_int_eq(program_run(argv, SPAN(""), &output), 0);
	buf_clear(&commands);
	buf_clear(&output);
	hop_free(hop);
	close(reserved);
}

/* What the command of that number said; its exit status. */
static int
outcome(int number, char *said, size_t size)
{
	char mark[16];
	const char *begin, *end;

	snprintf(mark, sizeof(mark), "##%d\n", number);
	begin = strstr(buf_text(&output), mark);
	ck_assert_msg(begin != NULL, "%s: %s", mark, buf_text(&output));
	begin += strlen(mark);
	end = strstr(begin, "##=");
	ck_assert_ptr_nonnull(end);
	snprintf(said, size, "%.*s", (int)(end - begin), begin);
	return atoi(end + 3);
}

/* The number of the nth command that holds the text. */
static int
number_of(const struct expected *row)
{
	struct span rest = buf_span(&commands), line;
	unsigned found = 0;
	char text[2048];
	int number = -1;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (span_starts(line, SPAN("echo '##"))) {
			number = atoi(line.data + 8);
			line = span_cut(&rest, '\n');
			snprintf(text, sizeof(text), "%.*s", SPAN_ARG(line));
			if (strstr(text, row->command) != NULL &&
			    found++ == row->nth)
				return number;
		}
	}
	ck_abort_msg("no command %s in README", row->command);
	return -1;
}

START_TEST(the_tour_of_the_readme_is_true)
{
	const char *const argv[] = { "sh", "-s", NULL };
	char said[8192];
	size_t i;
	int status;

	ck_assert_int_ge(read_commands(),
	    (int)(sizeof(expected) / sizeof(expected[0])));
	buf_add(&output, SPAN("\n"));
	buf_empty(&output);
	ck_assert_int_eq(program_run(argv, buf_span(&commands), &output), 0);
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		status = outcome(number_of(&expected[i]), said, sizeof(said));
		ck_assert_msg((status == 0) == expected[i].good,
		    "%s ended with %d: %s", expected[i].command, status, said);
		if (expected[i].said != NULL)
			ck_assert_msg(strstr(said, expected[i].said) != NULL,
			    "%s said: %s", expected[i].command, said);
	}
	ck_assert_ptr_nonnull(
	    hop_wait_for(hop, "service@vendor.example", WAIT_MS));
	ck_assert_ptr_nonnull(hop_wait_for(hop, "staff@campus.test", WAIT_MS));
}
END_TEST

static Suite *
readme_suite(void)
{
	Suite *suite = suite_create("readme");
	TCase *tcase = tcase_create("readme");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, the_tour_of_the_readme_is_true);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(readme_suite)
