/*
 * test_relayctl_reload - reload says what it changed: keys, lines, certificate;
 * and what waits for a start changes nothing before.
 */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/asked.h"
#include "tests/support/certs.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

#define SENDER "printer@campus.test"

enum {
	CONF_MAX = 65536
};

static const struct hop_rule later[] = {
	{ HOP_RCPT, "slow", "450 4.2.0 the mailbox is being moved", 0 },
	HOP_RULES_END,
};

static struct scene scene;
static struct certs *certs;
static struct buf out;

static void
make(void)
{
	char more[1024];

	certs = certs_new();
	certs_issue(certs, "relay", &(struct certs_wish){ .expired = true });
	snprintf(more, sizeof(more),
	    "control = \"control\";\n"
	    "tls = { certificate = \"%s\"; key = \"%s\"; };",
	    certs_path(certs, "relay.pem"), certs_path(certs, "relay.key"));
	scene_open(&scene, &(struct scene_setup){ .lab = later, .more = more });
	buf_init(&out, 1 << 20);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
	certs_free(certs);
}

/* The file `name` in the daemon's folder, with this in the place of that. */
static void
change(const char *name, const char *that, const char *this)
{
	static char text[CONF_MAX], path[4096];
	struct buf changed;
	char *at;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", daemon_folder(scene.daemon),
	    name);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	at = strstr(text, that);
	ck_assert_msg(at != NULL, "no %s in %s", that, text);
	buf_init(&changed, CONF_MAX);
	buf_addf(&changed, "%.*s%s%s", (int)(at - text), text, this,
	    at + strlen(that));
	daemon_write(scene.daemon, name, buf_text(&changed));
	buf_clear(&changed);
}

START_TEST(keys_and_lines_that_changed_are_listed_and_others_are_not)
{
	change("relayd.conf", "contact = \"Ask helpdesk@campus.test\"",
	    "contact = \"phone 4711\"");
	change("hosted", "lab.test", "new.test via=[127.0.0.1]:1\nlab.test");
	ASKED(0, scene.daemon, &out, "reload");
	HEARD(&out, "+ relayd.conf: contact = \"phone 4711\"\n");
	HEARD(&out, "+ hosted:2: new.test via=[127.0.0.1]:1\n");
	HEARD(&out, "reloaded: 3 hosted domains");
	HEARD(&out, "- relayd.conf: contact = \"Ask helpdesk@campus.test\"\n");
	NOT_HEARD(&out, "- hosted");
	ASKED(0, scene.daemon, &out, "reload");
	NOT_HEARD(&out, "+ ");
}
END_TEST

START_TEST(another_certificate_is_told_by_the_day_with_which_it_ends)
{
	ASKED(1, scene.daemon, &out, "status");
	HEARD(&out, "the certificate has expired");
	certs_issue(certs, "relay", &(struct certs_wish){ .dns = NULL });
	ASKED(0, scene.daemon, &out, "reload");
	HEARD(&out, "- certificate: ends on ");
	HEARD(&out, "+ certificate: ends on ");
	asked(scene.daemon, &out, "status", NULL);
	NOT_HEARD(&out, "has expired");
}
END_TEST

/* One of them is wrong: a good change of hosted beside it is not taken. */
static const struct broken_row {
	const char *file; /* relayd.conf, or a file of certs */
	const char *that, *this;
	const char *told;
} broken[] = {
	{ "relayd.conf", "control =",
	    "log = { target = \"nowhere/log\"; }; control =", "nowhere/log" },
	{ "relayd.conf", "relay.key", "missing.key", "missing.key" },
	{ "relay.pem", NULL, "no certificate", "relay.pem" },
	{ "relayd.conf", "127.0.0.1", "192.0.2.77", "192.0.2.77" },
	{ "relayd.conf",
	    "control =", "user = \"no-such-user\"; control =", "no-such-user" },
};

static void
break_it(const struct broken_row *row)
{
	FILE *file;

	if (row->that != NULL) {
		change(row->file, row->that, row->this);
		return;
	}
	file = fopen(certs_path(certs, row->file), "w");
	ck_assert_ptr_nonnull(file);
	fputs(row->this, file);
	fclose(file);
}

START_TEST(one_thing_that_is_wrong_keeps_everything_as_it_was)
{
	change("hosted", "lab.test", "new.test via=[127.0.0.1]:1\nlab.test");
	break_it(&broken[_i]);
	ASKED(1, scene.daemon, &out, "reload");
	HEARD(&out, broken[_i].told);
	HEARD(&out, "nothing was changed");
	daemon_wait_log(scene.daemon, "event=reload-failed", broken[_i].told,
	    NULL);
	ASKED(1, scene.daemon, &out, "status", "--json");
	HEARD(&out, "\"hosted\":2,");
	HEARD(&out, "\"certificate_days\":");
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@new.test"), 550);
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "a@lab.test"), 250);
}
END_TEST

/* Exists or not, in a folder of the daemon's. */
static bool
has(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", daemon_folder(scene.daemon),
	    name);
	return access(path, F_OK) == 0;
}

START_TEST(what_waits_for_a_start_is_said_so_and_changes_nothing)
{
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "slow@lab.test"), 250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow", NULL);
	change("relayd.conf", "directory = \"spool\"", "directory = \"other\"");
	ASKED(0, scene.daemon, &out, "reload");
	HEARD(&out, "/other\" (at the next start)\n");
	daemon_wait_log(scene.daemon, "level=warning", "event=reload ",
	    "at the next start", NULL);
	/* What is held is kept with the spool that it lies in. */
	ASKED(0, scene.daemon, &out, "hold", "--all", "--yes");
	ck_assert(has("spool/held"));
	ck_assert(!has("other/held"));
	ASKED(1, scene.daemon, &out, "status", "--json");
	HEARD(&out, "/spool\"");
	/* It still waits, and is said again. */
	ASKED(0, scene.daemon, &out, "reload");
	HEARD(&out, "/other\" (at the next start)\n");
}
END_TEST

START_TEST(status_tells_the_size_and_age_of_the_tables)
{
	struct stat status;
	char path[4096], text[64];

	snprintf(path, sizeof(path), "%s/hosted", daemon_folder(scene.daemon));
	ck_assert_int_eq(stat(path, &status), 0);
	snprintf(text, sizeof(text), "\"hosted_bytes\":%lld,",
	    (long long)status.st_size);
	ASKED(1, scene.daemon, &out, "status", "--json");
	HEARD(&out, text);
	snprintf(text, sizeof(text), "\"hosted_changed\":%lld",
	    (long long)status.st_mtim.tv_sec);
	HEARD(&out, text);
	ASKED(1, scene.daemon, &out, "status");
	HEARD(&out, "2 hosted domains in ");
	HEARD(&out, "0 grants\n"); /* no such file */
	/* Until it is taken, the old one is in force. */
	daemon_write(scene.daemon, "hosted", "campus.test\n");
	ASKED(1, scene.daemon, &out, "status", "--json");
	HEARD(&out, text);
}
END_TEST

static Suite *
relayctl_reload_suite(void)
{
	Suite *suite = suite_create("relayctl_reload");
	TCase *tcase = tcase_create("relayctl");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase,
	    keys_and_lines_that_changed_are_listed_and_others_are_not);
	tcase_add_test(tcase,
	    another_certificate_is_told_by_the_day_with_which_it_ends);
	tcase_add_loop_test(tcase,
	    one_thing_that_is_wrong_keeps_everything_as_it_was, 0,
	    sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(tcase,
	    what_waits_for_a_start_is_said_so_and_changes_nothing);
	tcase_add_test(tcase, status_tells_the_size_and_age_of_the_tables);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(relayctl_reload_suite)
