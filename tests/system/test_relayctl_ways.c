/*
 * test_relayctl_ways - every command of relayctl, with a running relayd and
 * without one, for people and as JSON that relayctl(8) describes.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/asked.h"
#include "tests/support/program.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

#define SENDER "printer@campus.test"
#define ID     "(ID)" /* stands for that of the message that waits */

enum {
	MANUAL_MAX = 1 << 16,
	WORDS = 6
};

static const struct hop_rule later[] = {
	{ HOP_RCPT, "slow", "450 4.2.0 the mailbox is being moved", 0 },
	HOP_RULES_END,
};

static struct scene scene;
static struct buf out;
static char id[32], manual[MANUAL_MAX];

static void
make(void)
{
	scene_open(&scene,
	    &(struct scene_setup){ .lab = later,
		.allowlist =
		    "10.0.0.0/15 owner=lab@campus.test from=*@lab.test "
		    "to=partner.example rate=9/h until=2099-12-31 "
		    "note=all\n!10.1.0.1\n",
		.more = "control = \"control\";" });
	buf_init(&out, 1 << 20);
	unsetenv("VISUAL");
	setenv("EDITOR", "true", 1);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

static void
let_one_wait(void)
{
	char *at;

	ck_assert_int_eq(scene_send_one(&scene, SENDER, "slow@lab.test"), 250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow", NULL);
	ASKED(0, scene.daemon, &out, "queue", "--json");
	at = strstr(buf_text(&out), "\"id\":\"");
	ck_assert_ptr_nonnull(at);
	snprintf(id, sizeof(id), "%.13s", at + 6);
}

/* ---- JSON as the manual has it ---- */

static void
read_manual(void)
{
	static char text[1 << 18];
	const char *begin, *end;
	FILE *in = fopen("man/relayctl.8", "r");

	ck_assert_ptr_nonnull(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	begin = strstr(text, "\n.Ss JSON\n");
	end = strstr(text, "\n.Sh ENVIRONMENT\n");
	ck_assert(begin != NULL && end != NULL && begin < end &&
	    end - begin < MANUAL_MAX);
	snprintf(manual, sizeof(manual), "%.*s", (int)(end - begin), begin);
}

/* Is the word one of those behind this macro? */
static bool
is_in_manual(const char *macro, const char *word)
{
	struct span rest = span_of(manual), line, one;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		if (!span_starts(line, span_of(macro)))
			continue;
		line = span_skip(line, strlen(macro));
		while (line.len > 0) {
			one = span_trim(span_cut(&line, ' '));
			if (span_equal(one, span_of(word)))
				return true;
		}
	}
	return false;
}

static void
assert_described(const json_t *value)
{
	const json_t *member;
	const char *name;
	size_t i;

	json_array_foreach(value, i, member)
	{
		assert_described(member);
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		ck_assert_msg(strcmp(name, "kind") == 0 ||
			is_in_manual(".Va ", name),
		    "relayctl(8) does not describe %s", name);
		if (strcmp(name, "kind") == 0)
			ck_assert_msg(is_in_manual(".Li ",
					  json_string_value(member)),
			    "relayctl(8) does not describe the kind %s",
			    json_string_value(member));
		assert_described(member);
	}
}

/* Every line is an object of the manual's; is one of them of this kind? */
static bool
look_at_json(const char *kind)
{
	struct span rest = buf_span(&out), line;
	bool found = false;
	json_t *row;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		row = json_loadb(line.data, line.len, 0, NULL);
		ck_assert_msg(json_is_object(row), "no JSON: %s",
		    buf_text(&out));
		assert_described(row);
		found = found ||
		    strcmp(json_string_value(json_object_get(row, "kind")),
			kind) == 0;
		json_decref(row);
	}
	return found;
}

/* ---- the table ---- */

/* In an order in which each has something to do. */
static const struct way {
	const char *words[WORDS];
	int running, stopped; /* exit status */
	const char *kind;     /* of a row of the running one's answer */
	const char *stopped_kind;
} ways[] = {
	{ { "status" }, 0, 3, "status", NULL },
	{ { "queue" }, 0, 3, "queue", NULL },
	{ { "queue", "--all", "--domain", "lab.test" }, 0, 3, "message", NULL },
	{ { "queue", "--sender", "@lab.test" }, 0, 3, "queue", NULL },
	{ { "show", ID }, 0, 3, "message", NULL },
	{ { "show", ID, "--body" }, 0, 3, "content", NULL },
	{ { "show", "001k0z9ty9x5g" }, 1, 3, NULL, NULL },
	{ { "retry", ID, "--yes" }, 0, 3, "handled", NULL },
	{ { "hold", ID, "-y" }, 0, 3, "handled", NULL },
	{ { "hold", ID }, 1, 3, NULL, NULL }, /* nobody there to ask */
	{ { "release", "--all", "--yes" }, 0, 3, "handled", NULL },
	{ { "release", "001k0z9ty9x5g", "--yes" }, 1, 3, "handled", NULL },
	{ { "drop", ID, "--yes", "--notice" }, 0, 3, "handled", NULL },
	{ { "explain", "10.1.2.3", SENDER, "a@lab.test" }, 0, 0, "explain",
	    "explain" },
	{ { "explain", "192.0.2.1", "<>", "a@outside.example" }, 1, 1,
	    "explain", "explain" },
	{ { "explain", "10.0.0.1", "a@lab.test", "b@partner.example" }, 0, 0,
	    "explain", "explain" },
	{ { "grants" }, 0, 0, "grant", "grant" },
	{ { "grants", "--owner", "nobody@campus.test" }, 0, 0, NULL, NULL },
	{ { "check" }, 0, 0, "complaint", "complaint" },
	{ { "check", "/nowhere" }, 1, 1, "complaint", "complaint" },
	{ { "allow", "10.9.9.9", "note=x" }, 0, 0, "reload", NULL },
	{ { "allow", "10.9.9.9", "note=x" }, 0, 0, NULL, NULL },
	{ { "allow", "10.9.9.9", "until=never" }, 1, 1, NULL, NULL },
	{ { "revoke", "10.9.9.9" }, 0, 0, "reload", NULL },
	{ { "revoke", "10.9.9.9" }, 1, 1, NULL, NULL },
	{ { "edit", "hosted" }, 0, 0, NULL, NULL },
	{ { "reload" }, 0, 3, "reload", NULL },
};

enum {
	WAYS = sizeof(ways) / sizeof(ways[0])
};

/* Its exit status; out is what it says, on standard output alone for JSON. */
static int
run(const struct way *way, bool json)
{
	const char *argv[WORDS + 8] = { "sh", "-c",
		json ? "exec \"$@\" 2>/dev/null" : "exec \"$@\" 2>&1", "sh" };
	char program[4096], conf[4096];
	size_t count = 4, i;
	ssize_t len = readlink("/proc/self/exe", program, 4000);

	ck_assert_int_gt((int)len, 0);
	program[len] = '\0';
	strcpy(strrchr(program, '/'), "/relayctl");
	snprintf(conf, sizeof(conf), "%s/relayd.conf",
	    daemon_folder(scene.daemon));
	argv[count++] = program;
	argv[count++] = "-c";
	argv[count++] = conf;
	if (json)
		argv[count++] = "--json";
	for (i = 0; i < WORDS && way->words[i] != NULL; i++)
		argv[count++] =
		    strcmp(way->words[i], ID) == 0 ? id : way->words[i];
	buf_empty(&out);
	return program_run(argv, SPAN(""), &out);
}

static void
check_way(const struct way *way, bool running, bool json)
{
	const char *kind = running ? way->kind : way->stopped_kind;
	int status = run(way, json);

	ck_assert_msg(status == (running ? way->running : way->stopped),
	    "%s %s: %d, %s", way->words[0],
	    way->words[1] == NULL ? "" : way->words[1], status, buf_text(&out));
	if (!json && status != 0)
		ck_assert_uint_gt(out.len, 0);
	if (!json && status == 3)
		HEARD(&out, "relayd is not running");
	if (json)
		ck_assert_msg(look_at_json(kind == NULL ? "" : kind) ==
			(kind != NULL),
		    "%s %s: %s", way->words[0],
		    way->words[1] == NULL ? "" : way->words[1], buf_text(&out));
}

/* Bit 0: as JSON; bit 1: no relayd runs. */
START_TEST(every_command_has_its_status_and_its_json)
{
	bool json = (_i & 1) != 0, running = (_i & 2) == 0;
	size_t i;

	read_manual();
	let_one_wait();
	if (!running)
		daemon_stop(scene.daemon);
	for (i = 0; i < WAYS; i++)
		check_way(&ways[i], running, json);
}
END_TEST

/* ---- words ---- */

static const struct usage {
	const char *words[WORDS];
	int status;
	const char *told;
} usages[] = {
	/* what would touch more than was meant */
	{ { "drop", "--all", "--limit", "1", "--yes" }, 2, "--limit is no" },
	{ { "drop", "--all", "--yes=no" }, 2, "--yes takes no value" },
	{ { "drop", "--all=none", "--yes" }, 2, "--all takes no value" },
	{ { "drop", "--all", "--yes", "--notice=no" }, 2, "takes no value" },
	{ { "drop", "--sender", "a", "--sender=b", "-y" }, 2, "given twice" },
	{ { "drop", "--yes" }, 2, "say which messages" },
	{ { "drop", "-y", "\xff" }, 2, "not UTF-8" },
	{ { "drop", "-y", "--sender", "\xff" }, 2, "not UTF-8" },
	{ { "queue", "--yes" }, 2, "--yes is no option" },
	{ { "queue", "-y" }, 2, "message ID" },
	/* what is no text */
	{ { "explain", "10.0.0.1", "\xff@a.test", "b@c.test" }, 2, "UTF-8" },
	{ { "grants", "--owner", "\xff" }, 2, "UTF-8" },
	{ { "show", "\xff" }, 2, "UTF-8" },
};

START_TEST(words_that_could_be_misunderstood_are_not_guessed)
{
	const struct usage *row = &usages[_i];
	const char *const *w = row->words;

	ck_assert_int_eq(scene_send_one(&scene, SENDER, "slow@lab.test"), 250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow", NULL);
	ASKED(row->status, scene.daemon, &out, w[0], w[1], w[2], w[3], w[4]);
	HEARD(&out, row->told);
	ASKED(0, scene.daemon, &out, "queue");
	HEARD(&out, "slow@lab.test");
}
END_TEST

START_TEST(a_configuration_that_is_wrong_is_told_once_and_is_no_3)
{
	const char *first;

	daemon_write(scene.daemon, "relayd.conf", "hostname = ;\n");
	ASKED(1, scene.daemon, &out, _i == 0 ? "status" : "reload");
	first = strstr(buf_text(&out), "relayd.conf:1");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "relayd.conf:1"));
	NOT_HEARD(&out, "not running");
}
END_TEST

START_TEST(more_ids_than_a_request_holds_are_told)
{
	enum {
		IDS = 20000
	};
	const char **argv = calloc(IDS + 8, sizeof(*argv));
	char program[4096], conf[4096];
	size_t count = 0;
	ssize_t len = readlink("/proc/self/exe", program, 4000);

	ck_assert_int_gt((int)len, 0);
	program[len] = '\0';
	strcpy(strrchr(program, '/'), "/relayctl");
	snprintf(conf, sizeof(conf), "%s/relayd.conf",
	    daemon_folder(scene.daemon));
	argv[count++] = program;
	argv[count++] = "-c";
	argv[count++] = conf;
	argv[count++] = "hold";
	argv[count++] = "-y";
	while (count < IDS)
		argv[count++] = "001k0z9ty9x5g";
	ck_assert_int_eq(program_run(argv, SPAN(""), &out), 2);
	HEARD(&out, "a request has at most");
	free(argv);
}
END_TEST

START_TEST(the_help_has_every_command)
{
	size_t i;

	ASKED(0, scene.daemon, &out, "-h");
	for (i = 0; i < WAYS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s", ways[i].words[0]);
		HEARD(&out, line);
		NOT_HEARD(&out, " \n");
	}
	ASKED(2, scene.daemon, &out, "--colour");
	ck_assert_int_eq(asked(scene.daemon, &out, NULL, NULL), 2);
	HEARD(&out, "usage: relayctl");
	ASKED(0, scene.daemon, &out, "-V");
	HEARD(&out, "relayctl 0");
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
relayctl_ways_suite(void)
{
	Suite *suite = suite_create("relayctl_ways");
	TCase *tcase = tcase_create("relayctl");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_loop_test(tcase, every_command_has_its_status_and_its_json, 0,
	    4);
	tcase_add_loop_test(tcase,
	    words_that_could_be_misunderstood_are_not_guessed, 0, ROWS(usages));
	tcase_add_loop_test(tcase,
	    a_configuration_that_is_wrong_is_told_once_and_is_no_3, 0, 2);
	tcase_add_test(tcase, more_ids_than_a_request_holds_are_told);
	tcase_add_test(tcase, the_help_has_every_command);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(relayctl_ways_suite)
