/*
 * test_relayctl_offline - relayctl --spool on what a relayd has left: whole,
 * damaged, and still in use.
 */
#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/asked.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

#define SENDER "printer@campus.test"
#define MARK   "a text that stands in no other place"

static const struct hop_rule later[] = {
	{ HOP_RCPT, "slow", "450 4.2.0 the mailbox is being moved", 0 },
	HOP_RULES_END,
};

static struct scene scene;
static struct buf out;
static char spool[512];
static char id[32];

/* A message that waits, in a spool that nobody serves any more. */
static void
make(void)
{
	static const char *const recipients[] = { "slow1@lab.test",
		"quick@lab.test", NULL };
	struct scene_setup setup = { .lab = later };
	json_t *row;

	scene_open(&scene, &setup);
	buf_init(&out, 1 << 20);
	snprintf(spool, sizeof(spool), "%s/spool", daemon_folder(scene.daemon));
	ck_assert_int_eq(scene_send(&scene, SENDER, recipients,
			     SPAN("Subject: red \x1b[31m ink\r\n\r\n" MARK
				  "\r\n")),
	    250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow1", NULL);
	daemon_wait_log(scene.daemon, "event=delivered", "quick", NULL);
	daemon_stop(scene.daemon);
	ASKED(0, scene.daemon, &out, "--spool", spool, "--json", "list");
	row = json_loadb(out.data, out.len, JSON_DISABLE_EOF_CHECK, NULL);
	ck_assert_msg(row != NULL, "%s", buf_text(&out));
	snprintf(id, sizeof(id), "%s",
	    json_string_value(json_object_get(row, "id")));
	json_decref(row);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

/* Overwrites the first byte of text, wherever in the journal it stands. */
static void
damage(const char *text)
{
	static char bytes[1 << 20];
	char pattern[600];
	const char *at;
	glob_t found;
	ssize_t len;
	int fd, hits = 0;
	size_t i;

	snprintf(pattern, sizeof(pattern), "%s/journal/*", spool);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		fd = open(found.gl_pathv[i], O_RDWR);
		ck_assert_int_ge(fd, 0);
		len = pread(fd, bytes, sizeof(bytes), 0);
		ck_assert_int_gt(len, 0);
		at = memmem(bytes, (size_t)len, text, strlen(text));
		if (at != NULL) {
			ck_assert_int_eq(pwrite(fd, "?", 1, at - bytes), 1);
			hits++;
		}
		close(fd);
	}
	globfree(&found);
	ck_assert_int_eq(hits, 1);
}

START_TEST(list_names_what_waits)
{
	ASKED(0, scene.daemon, &out, "--spool", spool, "list");
	HEARD(&out, id);
	HEARD(&out, SENDER);
	HEARD(&out, "slow1@lab.test");
	NOT_HEARD(&out, "quick@lab.test");
	HEARD(&out, "1 messages wait");
}
END_TEST

START_TEST(show_tells_the_envelope_and_escapes_the_header)
{
	ASKED(0, scene.daemon, &out, "--spool", spool, "show", id);
	HEARD(&out, SENDER);
	HEARD(&out, "slow1@lab.test");
	HEARD(&out, "1 of 2 are settled");
	HEARD(&out, "Received: from");
	HEARD(&out, "Subject: red");
	NOT_HEARD(&out, "\x1b");
	NOT_HEARD(&out, MARK);
}
END_TEST

START_TEST(export_gives_the_content_byte_for_byte)
{
	ASKED(0, scene.daemon, &out, "--spool", spool, "export", id);
	HEARD(&out, "\r\nSubject: red \x1b[31m ink\r\n\r\n" MARK "\r\n");
	ck_assert(span_starts(buf_span(&out), SPAN("Received: from")));
}
END_TEST

START_TEST(check_finds_a_sound_spool_sound)
{
	char path[600];

	/* What relayd and relayctl keep there besides is no damage. */
	snprintf(path, sizeof(path), "%s/held", spool);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/uses", spool);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ASKED(0, scene.daemon, &out, "--spool", spool, "check");
	HEARD(&out, "all is well");
	HEARD(&out, "1 messages, 1 of them waiting");
	HEARD(&out, "0 that no message names");
	ASKED(0, scene.daemon, &out, "--spool", spool, "check", "--json");
	HEARD(&out, "\"damage\":0");
}
END_TEST

START_TEST(a_changed_byte_of_content_is_found_by_check_and_by_export)
{
	damage(MARK);
	ASKED(1, scene.daemon, &out, "--spool", spool, "check");
	HEARD(&out, "damage: ");
	HEARD(&out, id);
	ASKED(1, scene.daemon, &out, "--spool", spool, "export", id);
	NOT_HEARD(&out, "Subject: red");
	/* The record is as it was: nothing was mended or set aside. */
	ASKED(1, scene.daemon, &out, "--spool", spool, "check");
	HEARD(&out, "0 set aside");
}
END_TEST

START_TEST(a_changed_byte_of_an_envelope_is_found)
{
	damage("slow1@lab.test");
	ASKED(1, scene.daemon, &out, "--spool", spool, "check");
	HEARD(&out, "damage: ");
}
END_TEST

START_TEST(a_spool_in_use_is_left_to_its_relayd)
{
	daemon_start(scene.daemon);
	ASKED(1, scene.daemon, &out, "--spool", spool, "list");
	HEARD(&out, "is served by a relayd");
	ASKED(1, scene.daemon, &out, "--spool", spool, "check");
	HEARD(&out, "is served by a relayd");
}
END_TEST

/* What cannot be answered: words after --spool DIR, and the status. */
static const struct row {
	const char *words[3];
	int status;
	const char *says;
} rows[] = {
	{ { "show", "001k0z9ty9x5g" }, 1, "no message of that ID" },
	{ { "export", "../../etc" }, 1, "no message of that ID" },
	{ { "show" }, 2, "expected show ID" },
	{ { "export" }, 2, "expected export ID" },
	{ { "list", "more" }, 2, "no argument" },
	{ { "check", "more" }, 2, "no argument" },
	{ { "queue" }, 2, "no command with --spool" },
};

START_TEST(what_cannot_be_answered_has_its_status)
{
	ASKED(rows[_i].status, scene.daemon, &out, "--spool", spool,
	    rows[_i].words[0], rows[_i].words[1]);
	HEARD(&out, rows[_i].says);
}
END_TEST

START_TEST(what_is_no_spool_is_said_to_be_none)
{
	ASKED(1, scene.daemon, &out, "--spool", "/proc/self", "list");
	HEARD(&out, "is no spool");
	ASKED(1, scene.daemon, &out, "--spool", "/nowhere/at/all", "check");
	HEARD(&out, "is no spool");
}
END_TEST

static Suite *
relayctl_offline_suite(void)
{
	Suite *suite = suite_create("relayctl_offline");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, make, clean);
	tcase_set_timeout(all, 60);
	tcase_add_test(all, list_names_what_waits);
	tcase_add_test(all, show_tells_the_envelope_and_escapes_the_header);
	tcase_add_test(all, export_gives_the_content_byte_for_byte);
	tcase_add_test(all, check_finds_a_sound_spool_sound);
	tcase_add_test(all,
	    a_changed_byte_of_content_is_found_by_check_and_by_export);
	tcase_add_test(all, a_changed_byte_of_an_envelope_is_found);
	tcase_add_test(all, a_spool_in_use_is_left_to_its_relayd);
	tcase_add_loop_test(all, what_cannot_be_answered_has_its_status, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(all, what_is_no_spool_is_said_to_be_none);
	suite_add_tcase(suite, all);
	return suite;
}

SUITE_MAIN(relayctl_offline_suite)
