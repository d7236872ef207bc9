/*
 * test_relayctl_terminal - what relayctl shows to somebody who sits there: lines
 * that fit, colour, progress, questions, and what bash completes.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/asked.h"
#include "tests/support/program.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/terminal.h"

#define LONG_NAME "a-name-that-is-so-long-that-it-cannot-fit-into-a-column"
#define SENDER    LONG_NAME "@campus.test"
#define SLOW      "slow-" LONG_NAME "@lab.test"
#define CONF      "(CONF)" /* stands for the daemon's relayd.conf */
#define ID        "(ID)"   /* and this for the message that waits */

enum {
	COLUMNS = 80,
	WORDS = 8
};

static const struct hop_rule later[] = {
	{ HOP_RCPT, "slow", "450 4.2.0 " LONG_NAME " is being moved", 0 },
	HOP_RULES_END,
};

static struct scene scene;
static struct buf out;
static char relayctl[4096], conf[4096], id[16];

static void
find_relayctl(void)
{
	ssize_t len = readlink("/proc/self/exe", relayctl, 4000);

	ck_assert_int_gt((int)len, 0);
	relayctl[len] = '\0';
	strcpy(strrchr(relayctl, '/'), "/relayctl");
	buf_init(&out, 1 << 20);
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	unsetenv("VISUAL");
}

static void
make(void)
{
	char *at;

	find_relayctl();
	scene_open(&scene,
	    &(struct scene_setup){ .lab = later,
		.allowlist = "2001:db8:1234:5678::/64 owner=" LONG_NAME
			     "@campus.test until=2099-12-31\n" LONG_NAME
			     ".campus.test\n",
		.more = "control = \"control\";" });
	snprintf(conf, sizeof(conf), "%s/relayd.conf",
	    daemon_folder(scene.daemon));
	ck_assert_int_eq(scene_send_one(&scene, SENDER, SLOW), 250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow", NULL);
	ASKED(0, scene.daemon, &out, "queue", "--json");
	at = strstr(buf_text(&out), "\"id\":\"");
	ck_assert_ptr_nonnull(at);
	snprintf(id, sizeof(id), "%.13s", at + 6);
	buf_empty(&out);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

/* On a terminal. */
static int
shown(const char *word, const char *second, const char *typed)
{
	const char *const argv[] = { relayctl, "-c", conf, word, second, NULL };

	buf_empty(&out);
	return terminal_run(argv, COLUMNS, span_of(typed), &out);
}

/* Columns of a line, without what only colours. */
static size_t
columns_of(struct span line)
{
	size_t columns = 0, i;

	for (i = 0; i < line.len; i++) {
		if (line.data[i] == '\033') {
			while (i < line.len && line.data[i] != 'm')
				i++;
			continue;
		}
		columns += line.data[i] != '\r' &&
		    ((unsigned char)line.data[i] & 0xc0) != 0x80;
	}
	return columns;
}

static const char *const listings[] = { "status", "queue", "grants" };

START_TEST(listings_fit_the_terminal_and_are_coloured_there_only)
{
	struct span rest, line;

	shown(listings[_i], NULL, "");
	rest = buf_span(&out);
	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		ck_assert_msg(columns_of(line) <= COLUMNS, "%zu columns: %.*s",
		    columns_of(line), SPAN_ARG(line));
	}
	HEARD(&out, "\033[");
	setenv("NO_COLOR", "1", 1);
	shown(listings[_i], NULL, "");
	NOT_HEARD(&out, "\033[");
	unsetenv("NO_COLOR");
	asked(scene.daemon, &out, listings[_i], NULL);
	NOT_HEARD(&out, "\033[");
	if (_i > 0)
		HEARD(&out, LONG_NAME);
	setenv("COLUMNS", "80", 1);
	asked(scene.daemon, &out, listings[_i], NULL);
	NOT_HEARD(&out, LONG_NAME "@campus.test\n");
}
END_TEST

START_TEST(a_question_that_is_not_answered_with_yes_changes_nothing)
{
	ck_assert_int_eq(shown("hold", "--all", "n\n"), 1);
	HEARD(&out, "from <" SENDER "> to <" SLOW ">");
	HEARD(&out, "hold these 1 messages? [y/N]");
	ck_assert_int_eq(shown("hold", "--all", "\n"), 1);
	ck_assert_int_eq(shown("queue", NULL, ""), 0);
	NOT_HEARD(&out, " held ");
	ck_assert_int_eq(shown("hold", "--all", "y\n"), 0);
	HEARD(&out, "1 of 1 messages are held now");
	ck_assert_int_eq(shown("queue", NULL, ""), 0);
	HEARD(&out, " held ");
}
END_TEST

START_TEST(an_edit_asks_and_an_interrupt_is_for_the_editor)
{
	setenv("EDITOR", "sed -i s/2099-12-31/2098-12-31/", 1);
	ck_assert_int_eq(shown("edit", "allowlist", "n\n"), 1);
	HEARD(&out, "until=2098-12-31");
	HEARD(&out, "install this?");
	HEARD(&out, "nothing was changed");
	setenv("EDITOR",
	    "kill -INT $PPID; kill -QUIT $PPID; "
	    "sed -i s/2099-12-31/2098-12-31/",
	    1);
	ck_assert_int_eq(shown("edit", "allowlist", "y\n"), 0);
	HEARD(&out, "reloaded:");
	/* What is wrong can go back to the editor, or away. */
	setenv("EDITOR", "sed -i s/2098-12-31/2098-31-31/", 1);
	ck_assert_int_eq(shown("edit", "allowlist", "e\nq\n"), 1);
	HEARD(&out, "\"2098-31-31\"");
	HEARD(&out, "what now?");
}
END_TEST

/* ---- bash ---- */

static const struct completion {
	const char *words[WORDS]; /* the last one is being typed */
	const char *has, *has_not;
} completions[] = {
	{ { "st" }, "<status>", "<queue>" },
	{ { "re" }, "<retry><release><revoke><reload>", "<status>" },
	{ { "--sp" }, "<--spool>", "<status>" },
	{ { "queue", "--s" }, "<--sender>", "<queue>" },
	{ { "queue", "--y" }, "", "--yes" },
	{ { "hold", "--y" }, "<--yes>", "--younger=" },
	{ { "hold", "--n" }, "", "--notice" },
	{ { "drop", "--n" }, "<--notice>", "<--yes>" },
	{ { "edit", "" }, "<hosted><allowlist>", "<status>" },
	{ { "allow", "10.0.0.1", "o" }, "<owner=>", "<to=>" },
	{ { "status", "-" }, "<--json>", "<--all>" },
	{ { "-c", CONF, "show", "" }, "<" ID ">", "<status>" },
	{ { "-c", CONF, "hold", "0" }, "<" ID ">", "<status>" },
	{ { "--spool", "/nowhere", "ex" }, "<export>", "<explain>" },
	{ { "-c", "READ" }, "<README>", "<status>" },
	{ { "check", "READ" }, "<README>", "<status>" },
};

/* What stands for something else, put in its place. */
static const char *
real_word(const char *word)
{
	static char text[64];

	if (word != NULL && strcmp(word, CONF) == 0)
		return conf;
	if (word == NULL || strcmp(word, "<" ID ">") != 0)
		return word;
	snprintf(text, sizeof(text), "<%s>", id);
	return text;
}

START_TEST(bash_completes_what_the_command_takes)
{
	const struct completion *row = &completions[_i];
	const char *argv[WORDS + 8] = { "bash", "--norc", "-c",
		". relayd/systemd/relayctl.completion\n"
		"complete -p relayctl\n"
		"COMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))\n"
		"_relayctl\n"
		"printf '<%s>' \"${COMPREPLY[@]}\"",
		"bash", relayctl };
	size_t i;

	for (i = 0; row->words[i] != NULL; i++)
		argv[6 + i] = real_word(row->words[i]);
	ck_assert_int_eq(program_run(argv, SPAN(""), &out), 0);
	HEARD(&out, "complete -F _relayctl relayctl\n");
	HEARD(&out, real_word(row->has));
	NOT_HEARD(&out, row->has_not);
}
END_TEST

/* ---- a relayd that is played ---- */

static char folder[64], path[96];
static int listener;

static void
make_listener(void)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	find_relayctl();
	strcpy(folder, "/tmp/relayd-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/control", folder);
	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&where,
			     sizeof(where)),
	    0);
	ck_assert_int_eq(listen(listener, 1), 0);
}

static void
remove_listener(void)
{
	close(listener);
	unlink(path);
	rmdir(folder);
	buf_clear(&out);
}

/* Answers one request with this, and hangs up. */
static pid_t
play_after(const char *answer, useconds_t pause)
{
	char request[4096];
	pid_t pid = fork();
	int fd;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = accept(listener, NULL, NULL);
	if (read(fd, request, sizeof(request)) > 0 && usleep(pause) == 0 &&
	    write(fd, answer, strlen(answer)) >= 0)
		_exit(0);
	_exit(1);
}

static pid_t
play(const char *answer)
{
	return play_after(answer, 0);
}

static void
end_play(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

#define PROGRESS "{\"kind\":\"progress\",\"done\":5,\"total\":10}\n"
#define QUEUE                                                   \
	"{\"kind\":\"queue\",\"loading\":false,\"messages\":0," \
	"\"destinations\":0}\n"
#define END "{\"kind\":\"end\",\"status\":0}\n"

START_TEST(progress_is_shown_on_a_terminal_and_wiped)
{
	const char *const argv[] = { relayctl, "-s", path, "queue", NULL };
	pid_t pid = play(PROGRESS QUEUE END);

	ck_assert_int_eq(terminal_run(argv, COLUMNS, SPAN(""), &out), 0);
	HEARD(&out, "\r5 of 10 \r\033[Knothing waits\r\n");
	end_play(pid);
	buf_empty(&out);
	pid = play(PROGRESS QUEUE END);
	ck_assert_int_eq(program_run(argv, SPAN(""), &out), 0);
	ck_assert_str_eq(buf_text(&out), "nothing waits\n");
	end_play(pid);
}
END_TEST

START_TEST(whoever_waits_for_more_than_a_second_sees_that)
{
	const char *const argv[] = { relayctl, "-s", path, "reload", NULL };
	pid_t pid = play_after("{\"kind\":\"reload\",\"good\":true,"
			       "\"hosted\":1,\"grants\":2}\n" END,
	    1200000);

	ck_assert_int_eq(terminal_run(argv, COLUMNS, SPAN(""), &out), 0);
	HEARD(&out, "\rworking:     1 s \r\033[Kreloaded: 1 hosted");
	end_play(pid);
}
END_TEST

static const char *const broken[] = {
	"\n",
	"hello\n",
	"[]\n",
	"{\"kind\":5}\n",
	QUEUE,
	PROGRESS,
	"{\"kind\":\"message\"}\n{\"kind\":\"destination\"}\n{\"kind\":",
	"{\"kind\":\"end\",\"status\":\"yes\"",
};

START_TEST(an_answer_that_is_none_or_breaks_off_is_told)
{
	const char *const argv[] = { relayctl, "-s", path, "queue", NULL };
	pid_t pid = play(broken[_i]);

	ck_assert_int_eq(program_run(argv, SPAN(""), &out), 1);
	HEARD(&out, "relayctl: the answer of relayd breaks off\n");
	end_play(pid);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
relayctl_terminal_suite(void)
{
	Suite *suite = suite_create("relayctl_terminal");
	TCase *tcase = tcase_create("relayd");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_loop_test(tcase,
	    listings_fit_the_terminal_and_are_coloured_there_only, 0,
	    ROWS(listings));
	tcase_add_test(tcase,
	    a_question_that_is_not_answered_with_yes_changes_nothing);
	tcase_add_test(tcase, an_edit_asks_and_an_interrupt_is_for_the_editor);
	tcase_add_loop_test(tcase, bash_completes_what_the_command_takes, 0,
	    ROWS(completions));
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("played");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make_listener, remove_listener);
	tcase_add_test(tcase, progress_is_shown_on_a_terminal_and_wiped);
	tcase_add_test(tcase, whoever_waits_for_more_than_a_second_sees_that);
	tcase_add_loop_test(tcase, an_answer_that_is_none_or_breaks_off_is_told,
	    0, ROWS(broken));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(relayctl_terminal_suite)
