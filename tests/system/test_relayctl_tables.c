/*
 * test_relayctl_tables - explain, grants, allow, revoke, edit and check, with a
 * running relayd and without one.
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
#include "tests/support/talk.h"
#include "tests/support/zone.h"

#define SENDER  "printer@campus.test"
#define HOST    "127.0.0.2"
#define OUTSIDE "a@outside.example"
#define MAIL    "x: y\r\n\r\nz\r\n"

#define ALLOWLIST                                                      \
	"# hosts of the campus\n"                                      \
	"10.1.0.0/16   owner=lab@campus.test until=2099-12-31 # all\n" \
	"\n"                                                           \
	"10.2.0.1 to=partner.example owner=web@campus.test until=2020-01-01\n"

static struct scene scene;
static struct buf out;

static void
make(void)
{
	scene_open(&scene,
	    &(struct scene_setup){ .allowlist = ALLOWLIST,
		.more = "control = \"control\";" });
	buf_init(&out, 1 << 20);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

static int
send_as(const char *host)
{
	return talk_once(host, daemon_port(scene.daemon), SENDER, OUTSIDE,
	    MAIL);
}

static void
assert_table(const char *text)
{
	char path[4096], got[65536];
	FILE *in;

	snprintf(path, sizeof(path), "%s/allowlist",
	    daemon_folder(scene.daemon));
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	got[fread(got, 1, sizeof(got) - 1, in)] = '\0';
	fclose(in);
	ck_assert_str_eq(got, text);
}

/* The output as one JSON object a line; the first of this kind. */
static json_t *
json_of(const char *kind)
{
	struct span rest = buf_span(&out), line;
	json_t *row, *found = NULL;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		row = json_loadb(line.data, line.len, 0, NULL);
		ck_assert_msg(json_is_object(row), "%s", buf_text(&out));
		if (found == NULL &&
		    strcmp(json_string_value(json_object_get(row, "kind")),
			kind) == 0)
			found = json_incref(row);
		json_decref(row);
	}
	return found;
}

/* With the server (0) and without it (1): the same answer. */
START_TEST(a_refusal_is_explained_with_what_would_allow_it)
{
	if (_i == 1)
		daemon_stop(scene.daemon);
	ASKED(1, scene.daemon, &out, "explain", HOST, SENDER, OUTSIDE);
	HEARD(&out, "refused");
	HEARD(&out, "550 5.7.1 <" OUTSIDE ">: only hosted domains");
	HEARD(&out, "no line speaks of the client");
	HEARD(&out, "allowlist\n        " HOST " from=" SENDER " to=" OUTSIDE);
	ck_assert_int_eq(strstr(buf_text(&out), "relayd is not running") !=
		NULL,
	    _i == 1);
	ASKED(0, scene.daemon, &out, "explain", "10.1.2.3", "<>", OUTSIDE);
	HEARD(&out,
	    "allowlist:2: 10.1.0.0/16   owner=lab@campus.test "
	    "until=2099-12-31 # all\nroute: [127.0.0.1]:");
	ASKED(1, scene.daemon, &out, "explain", "10.2.0.1", SENDER,
	    "a@partner.example");
	HEARD(&out, "ended on 2020-01-01, ask web@campus.test");
	HEARD(&out, "make line 4 of ");
}
END_TEST

static const struct usage {
	const char *words[5];
	const char *told;
} usages[] = {
	{ { "explain" }, "expected explain CLIENT SENDER RECIPIENT" },
	{ { "explain", "printer", "a@b", "c@d" }, "CLIENT is not an address" },
	{ { "explain", "10.1.0.1", "a@b", "c@d e" }, "text behind" },
	{ { "explain", "10.1.0.1", "a@b..", "c@d" }, "expected" },
	{ { "allow" }, "expected allow ADDRESS" },
	{ { "allow", "printer" }, "not a full name" },
	{ { "allow", "!10.3.0.1" }, "revoke it" },
	{ { "allow", "10.3.0.1", "forever" }, "expected options" },
	{ { "allow", "10.3.0.1", "note=a\nb" }, "expected options" },
	{ { "revoke" }, "expected revoke ADDRESS" },
	{ { "revoke", "10.0.0.0/33" }, "10.0.0.0/33" },
	{ { "edit", "passwd" }, "expected edit hosted or edit allowlist" },
	{ { "grants", "--expiring", "soon" }, "expected grants" },
	{ { "check", "a", "b" }, "expected check [FILE]" },
	{ { "dance" }, "\"dance\" is no command" },
};

START_TEST(wrong_words_are_two_and_say_what_was_expected)
{
	const char *const *w = usages[_i].words;

	ck_assert_int_eq(asked(scene.daemon, &out, w[0], w[1], w[2], w[3], w[4],
			     NULL),
	    2);
	HEARD(&out, usages[_i].told);
	assert_table(ALLOWLIST);
}
END_TEST

START_TEST(what_is_allowed_is_in_force_and_what_is_revoked_is_not)
{
	ck_assert_int_eq(send_as(HOST), 550);
	ASKED(0, scene.daemon, &out, "allow", HOST, "owner=lab@campus.test",
	    "note=mass spectrometer, \"old\"");
	HEARD(&out, "+ allowlist:5: " HOST " owner=lab@campus.test");
	HEARD(&out, "reloaded: 2 hosted domains, 3 grants");
	assert_table(
	    ALLOWLIST HOST " owner=lab@campus.test "
			   "note=\"mass spectrometer, \\\"old\\\"\"\n");
	ck_assert_int_eq(send_as(HOST), 250);
	ASKED(0, scene.daemon, &out, "allow", HOST, "owner=lab@campus.test",
	    "note=mass spectrometer, \"old\"");
	HEARD(&out, "nothing was changed");
	ASKED(0, scene.daemon, &out, "revoke", HOST);
	HEARD(&out, "- allowlist:5: " HOST);
	assert_table(ALLOWLIST);
	ck_assert_int_eq(send_as(HOST), 550);
	ASKED(1, scene.daemon, &out, "revoke", HOST);
	HEARD(&out, HOST " is on no line of ");
}
END_TEST

START_TEST(a_host_of_a_granted_network_is_revoked_by_an_exclusion)
{
	ASKED(0, scene.daemon, &out, "allow", "127.0.0.0/29");
	ck_assert_int_eq(send_as(HOST), 250);
	ASKED(0, scene.daemon, &out, "revoke", HOST);
	assert_table(ALLOWLIST "127.0.0.0/29\n!" HOST "\n");
	ck_assert_int_eq(send_as(HOST), 550);
	ck_assert_int_eq(send_as("127.0.0.3"), 250);
	ASKED(0, scene.daemon, &out, "allow", HOST, "to=outside.example");
	HEARD(&out, "- allowlist:6: !" HOST);
	assert_table(ALLOWLIST "127.0.0.0/29\n" HOST " to=outside.example\n");
	ck_assert_int_eq(send_as(HOST), 250);
}
END_TEST

static const struct refused {
	const char *address, *option, *told;
} not_taken[] = {
	{ "10.3.0.1", "until=2020-02-30", "allowlist:5:16: \"2020-02-30\"" },
	{ "10.3.0.1", "until=soon", "expected one as 2027-06-30" },
	{ "10.3.0.1", "colour=red", "\"colour=\" is not known" },
	{ "10.3.0.1", "to=<>", "<> is no recipient" },
};

START_TEST(what_does_not_load_is_not_installed)
{
	const struct refused *row = &not_taken[_i];

	ASKED(1, scene.daemon, &out, "allow", row->address, row->option);
	HEARD(&out, row->told);
	HEARD(&out, "nothing was changed");
	NOT_HEARD(&out, "/.allowlist.");
	assert_table(ALLOWLIST);
}
END_TEST

START_TEST(a_table_of_an_open_relay_is_not_installed)
{
	ASKED(0, scene.daemon, &out, "allow", "128.0.0.0/1");
	ASKED(1, scene.daemon, &out, "allow", "0.0.0.0/1");
	HEARD(&out, "open relay");
	ASKED(2, scene.daemon, &out, "allow", "0.0.0.0/0");
	assert_table(ALLOWLIST "128.0.0.0/1\n");
}
END_TEST

START_TEST(without_a_server_a_change_waits_for_its_start)
{
	daemon_stop(scene.daemon);
	ASKED(0, scene.daemon, &out, "allow", HOST);
	HEARD(&out, "in force when it starts");
	ASKED(3, scene.daemon, &out, "reload");
	HEARD(&out, "relayd is not running");
	daemon_start(scene.daemon);
	ck_assert_int_eq(send_as(HOST), 250);
}
END_TEST

START_TEST(a_message_is_seen_in_grants_also_after_a_restart)
{
	json_t *row;

	ASKED(0, scene.daemon, &out, "allow", HOST, "owner=lab@campus.test");
	ASKED(0, scene.daemon, &out, "grants", "--unused", "30d");
	HEARD(&out, HOST);
	ck_assert_int_eq(send_as(HOST), 250);
	ck_assert_int_eq(send_as(HOST), 250);
	ASKED(0, scene.daemon, &out, "grants", "--unused", "30d");
	NOT_HEARD(&out, HOST);
	if (_i >= 1)
		daemon_stop(scene.daemon);
	if (_i >= 2)
		daemon_start(scene.daemon);
	ASKED(0, scene.daemon, &out, "grants", "--owner", "LAB@campus.test");
	HEARD(&out, "10.1.0.0/16");
	NOT_HEARD(&out, "10.2.0.1");
	ASKED(0, scene.daemon, &out, "grants", "--expiring", "30d");
	HEARD(&out, "10.2.0.1");
	HEARD(&out, "ended");
	NOT_HEARD(&out, "10.1.0.0/16");
	ASKED(0, scene.daemon, &out, "grants", "--owner", "x@campus.test");
	HEARD(&out, "no grants\n");
	if (_i == 1)
		return; /* a note on standard error is no JSON */
	ASKED(0, scene.daemon, &out, "--json", "grants", "--owner",
	    "lab@campus.test", "--expiring", "100000");
	row = json_of("grant");
	ck_assert_int_eq(json_integer_value(json_object_get(row, "line")), 2);
	json_decref(row);
	ASKED(0, scene.daemon, &out, "grants");
	HEARD(&out, "      2  lab@campus.test");
}
END_TEST

/* An editor that does this to the file; NULL: it fails. */
static const struct editing {
	const char *editor;
	int status;
	const char *told;
	const char *table; /* NULL: as it was */
} editings[] = {
	{ "true", 0, "nothing was changed", NULL },
	{ "false", 1, "the editor false failed", NULL },
	{ "sed -i s/10.1.0.0.16/10.9.0.0\\\\/16/", 0,
	    "- allowlist:2: 10.1.0.0/16 until=2099-12-31 "
	    "owner=lab@campus.test\n"
	    "+ allowlist:2: 10.9.0.0/16",
	    "# hosts of the campus\n"
	    "10.9.0.0/16   owner=lab@campus.test until=2099-12-31 # all\n\n"
	    "10.2.0.1 to=partner.example owner=web@campus.test "
	    "until=2020-01-01\n" },
	{ "sed -i s/2020-01-01/2020-31-01/", 1,
	    "allowlist:4:57: \"2020-31-01\"", NULL },
	{ "sed -i s/^#.*/#/", 0, "nobody may do more or less than before",
	    "#\n10.1.0.0/16   owner=lab@campus.test until=2099-12-31 # "
	    "all\n\n10.2.0.1 to=partner.example owner=web@campus.test "
	    "until=2020-01-01\n" },
};

START_TEST(an_edit_installs_only_what_is_right)
{
	const struct editing *row = &editings[_i];

	unsetenv("VISUAL");
	setenv("EDITOR", row->editor, 1);
	ASKED(row->status, scene.daemon, &out, "edit", "allowlist");
	HEARD(&out, row->told);
	assert_table(row->table == NULL ? ALLOWLIST : row->table);
}
END_TEST

START_TEST(two_who_edit_at_once_lose_nothing)
{
	char editor[8192];

	/* Inside the first's editor, somebody else edits and allows. */
	unsetenv("VISUAL");
	snprintf(editor, sizeof(editor),
	    "sh -c 'echo 10.9.0.9 >> %s/allowlist; echo 10.8.0.8 >> $0'",
	    daemon_folder(scene.daemon));
	setenv("EDITOR", editor, 1);
	ASKED(1, scene.daemon, &out, "edit", "allowlist");
	HEARD(&out, "was changed by somebody else meanwhile");
	assert_table(ALLOWLIST "10.9.0.9\n");
}
END_TEST

enum {
	ADMINISTRATORS = 8
};

START_TEST(many_who_allow_at_once_are_all_in_the_table_and_in_force)
{
	char program[4096], conf[4096], line[64];
	const char *const argv[] = { "sh", "-c",
		"for i in 1 2 3 4 5 6 7 8; do\n"
		"	\"$0\" -c \"$1\" allow 10.7.0.$i || echo lost $i &\n"
		"done; wait",
		program, conf, NULL };
	ssize_t len = readlink("/proc/self/exe", program, 4000);
	int i;

	ck_assert_int_gt((int)len, 0);
	program[len] = '\0';
	strcpy(strrchr(program, '/'), "/relayctl");
	snprintf(conf, sizeof(conf), "%s/relayd.conf",
	    daemon_folder(scene.daemon));
	buf_empty(&out);
	ck_assert_int_eq(program_run(argv, SPAN(""), &out), 0);
	NOT_HEARD(&out, "lost");
	ASKED(0, scene.daemon, &out, "grants");
	for (i = 1; i <= ADMINISTRATORS; i++) {
		snprintf(line, sizeof(line), " 10.7.0.%d ", i);
		HEARD(&out, line);
	}
	HEARD(&out, " 10.1.0.0/16 ");
	HEARD(&out, " 10.2.0.1 ");
}
END_TEST

START_TEST(a_broken_table_is_told_by_reload_and_check)
{
	daemon_write(scene.daemon, "allowlist", "10.1.0.0/16\n10.1.0.0/33\n");
	ASKED(1, scene.daemon, &out, "reload");
	HEARD(&out, "allowlist:2:1: \"10.1.0.0/33\"");
	ASKED(0, scene.daemon, &out, "explain", "10.1.0.9", SENDER, OUTSIDE);
	/* Of the table still in force, as it was understood. */
	HEARD(&out,
	    "allowlist:2: 10.1.0.0/16 until=2099-12-31 "
	    "owner=lab@campus.test\n");
	ASKED(1, scene.daemon, &out, "check");
	HEARD(&out, "allowlist:2:1: \"10.1.0.0/33\"");
	HEARD(&out, "1 errors, 0 warnings");
	ASKED(1, scene.daemon, &out, "allow", HOST);
	HEARD(&out, "the tables have errors now");
}
END_TEST

START_TEST(what_is_probably_not_meant_is_told_by_check)
{
	json_t *row;

	daemon_write(scene.daemon, "allowlist",
	    "10.0.0.0/15\n127.0.0.1\nno.such.test\n");
	ASKED(0, scene.daemon, &out, "check");
	HEARD(&out, "allowlist:1:1: warning: 10.0.0.0/15 is a wide network");
	HEARD(&out, "allowlist:2:1: warning: 127.0.0.1 is loopback");
	HEARD(&out, "allowlist:3:1: warning: no.such.test does not resolve");
	HEARD(&out, "allowlist:3:1: warning: no.such.test has neither");
	ASKED(0, scene.daemon, &out, "--json", "check");
	row = json_of("complaint");
	ck_assert_str_eq(json_string_value(json_object_get(row, "severity")),
	    "warning");
	json_decref(row);
}
END_TEST

static const struct zone_record records[] = {
	{ ZONE_A, "scanner.campus.test", "192.0.2.17", 0 },
	{ ZONE_END, NULL, NULL, 0 },
};

/* An own scene: with a DNS server, which then dies. */
START_TEST(names_keep_their_addresses_over_a_reload)
{
	struct zone *zone = zone_new(records);
	struct scene named;
	int tries = 0;

	scene_open(&named,
	    &(struct scene_setup){ .allowlist = "scanner.campus.test\n",
		.dns_port = zone_port(zone),
		.more = "control = \"control\";" });
	while (asked(named.daemon, &out, "explain", "192.0.2.17", SENDER,
		   OUTSIDE, NULL) != 0) {
		ck_assert_int_lt(tries++, 200);
		usleep(20000);
	}
	zone_free(zone);
	daemon_write(named.daemon, "allowlist",
	    "10.1.0.0/16\nother.campus.test\nscanner.campus.test\n");
	ASKED(0, named.daemon, &out, "reload");
	ASKED(0, named.daemon, &out, "explain", "192.0.2.17", SENDER, OUTSIDE);
	HEARD(&out, "allowlist:3: scanner.campus.test");
	scene_close(&named);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

static Suite *
relayctl_tables_suite(void)
{
	Suite *suite = suite_create("relayctl_tables");
	TCase *tcase = tcase_create("relayctl");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_loop_test(tcase,
	    a_refusal_is_explained_with_what_would_allow_it, 0, 2);
	tcase_add_loop_test(tcase,
	    wrong_words_are_two_and_say_what_was_expected, 0, ROWS(usages));
	tcase_add_test(tcase,
	    what_is_allowed_is_in_force_and_what_is_revoked_is_not);
	tcase_add_test(tcase,
	    a_host_of_a_granted_network_is_revoked_by_an_exclusion);
	tcase_add_loop_test(tcase, what_does_not_load_is_not_installed, 0,
	    ROWS(not_taken));
	tcase_add_test(tcase, a_table_of_an_open_relay_is_not_installed);
	tcase_add_test(tcase, without_a_server_a_change_waits_for_its_start);
	tcase_add_loop_test(tcase,
	    a_message_is_seen_in_grants_also_after_a_restart, 0, 3);
	tcase_add_loop_test(tcase, an_edit_installs_only_what_is_right, 0,
	    ROWS(editings));
	tcase_add_test(tcase, two_who_edit_at_once_lose_nothing);
	tcase_add_test(tcase,
	    many_who_allow_at_once_are_all_in_the_table_and_in_force);
	tcase_add_test(tcase, a_broken_table_is_told_by_reload_and_check);
	tcase_add_test(tcase, what_is_probably_not_meant_is_told_by_check);
	tcase_add_test(tcase, names_keep_their_addresses_over_a_reload);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(relayctl_tables_suite)
