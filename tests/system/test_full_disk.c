/*
 * test_full_disk - a real file system that fills up under load: clients get a
 * temporary answer, nothing acknowledged is lost, and when there is room again
 * mail is taken again, by itself.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/load.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PROBE_EVERY_MS = 20,
	MIB = 1 << 20,
};

static const struct row {
	const char *what;
	const char *mount; /* options of tmpfs */
	const char *spool; /* settings inside spool = { } */
	bool inodes;       /* the ballast takes these, and no room */
} rows[] = {
	{ "no room at all", "size=24m,mode=0755",
	    "segment_size = \"1M\"; minimum_free = 0; "
	    "minimum_free_inodes = 0;",
	    false },
	{ "less room than minimum_free", "size=48m,mode=0755",
	    "segment_size = \"1M\"; minimum_free = \"16M\"; "
	    "minimum_free_inodes = 0;",
	    false },
	{ "fewer inodes than minimum_free_inodes",
	    "size=48m,nr_inodes=2000,mode=0755",
	    "segment_size = \"1M\"; minimum_free = 0; "
	    "minimum_free_inodes = 500;",
	    true },
};

/* False, with the reason printed: this machine does not let us mount. */
static bool
mount_small_disk(const struct load *load, const char *options)
{
	char path[512];

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1) {
		printf("skipped: no mount namespace of our own: %s\n",
		    strerror(errno));
		return false;
	}
	snprintf(path, sizeof(path), "%s/spool", daemon_folder(load->daemon));
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		ck_abort_msg("%s: %s", path, strerror(errno));
	if (mount("relayd-test", path, "tmpfs", 0, options) == -1) {
		printf("skipped: no tmpfs: %s\n", strerror(errno));
		return false;
	}
	return true;
}

/* ---- ballast: what somebody else puts on the disk ---- */

static void
ballast_path(const struct load *load, int n, char path[512])
{
	snprintf(path, 512, "%s/spool/ballast.%d", daemon_folder(load->daemon),
	    n);
}

static void
look(const struct load *load, struct statvfs *facts)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/spool", daemon_folder(load->daemon));
	ck_assert_int_eq(statvfs(path, facts), 0);
}

/* All that is free but leave bytes. */
static void
take_room(const struct load *load, size_t leave)
{
	struct statvfs facts;
	char path[512];
	size_t room;
	int fd, error;

	ballast_path(load, 0, path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	/* The relay takes some, too: until what is seen is what is got. */
	do {
		look(load, &facts);
		room = (size_t)facts.f_bavail * facts.f_frsize;
		error = room <= leave ?
		    0 :
		    posix_fallocate(fd, 0, (off_t)(room - leave));
	} while (error == ENOSPC);
	ck_assert_int_eq(error, 0);
	close(fd);
}

/* The same with inodes, by empty files. */
static void
take_inodes(const struct load *load, size_t leave)
{
	struct statvfs facts;
	char path[512];
	int fd, n = 0;

	for (look(load, &facts); facts.f_favail > leave; look(load, &facts)) {
		ballast_path(load, n, path);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		ck_assert(fd != -1 || errno == ENOSPC);
		if (fd == -1)
			continue;
		close(fd);
		n++;
	}
}

static void
throw_ballast_off(const struct load *load)
{
	char path[512];
	int n = 0;

	do
		ballast_path(load, n++, path);
	while (unlink(path) == 0);
	ck_assert_int_gt(n, 1);
}

/* ---- the clients' view ---- */

/* One more message of the tally; the deciding code. */
static int
probe(const struct load *load)
{
	size_t n = tally_next(load->tally);
	struct buf content;
	int code;

	buf_init(&content, 1 << 20);
	tally_content(n, &content);
	code = talk_once(NULL, daemon_port(load->daemon), "probe@campus.test",
	    "staff@campus.test", buf_text(&content));
	buf_clear(&content);
	if (code == 250)
		tally_acknowledged(load->tally, n);
	return code;
}

/* What stands in allocated segments may still be filled first. */
static int
wait_for_refusal(const struct load *load)
{
	int waited, code = 0;

	for (waited = 0; waited < LOAD_PATIENCE_MS; waited += PROBE_EVERY_MS) {
		code = probe(load);
		if (code != 250)
			break;
		load_pause(PROBE_EVERY_MS);
	}
	return code;
}

START_TEST(mail_is_refused_for_now_and_taken_again_when_there_is_room)
{
	const struct row *row = &rows[_i];
	struct load load;
	int code;

	load_make(&load, row->spool);
	if (!mount_small_disk(&load, row->mount)) {
		daemon_free(load.daemon);
		hop_free(load.hop);
		return;
	}
	load_start(&load);
	load_wait(&load, 60);
	hop_sleep(load.hop);
	(row->inodes ? take_inodes : take_room)(&load, 0);
	code = wait_for_refusal(&load);
	ck_assert_msg(code == 451 || code == 452, "%s: %d", row->what, code);
	throw_ballast_off(&load);
	load_wait(&load, 100);
	hop_wake(load.hop);
	load_end(&load, row->what);
}
END_TEST

/* The code that MAIL itself is answered with. */
static int
mail_is_answered(const struct load *load)
{
	struct talk talk;
	int code = 0;

	if (talk_open(&talk, NULL, daemon_port(load->daemon)) &&
	    talk_reply(&talk) == 220 &&
	    talk_say(&talk, "EHLO probe.test") == 250)
		code = talk_say(&talk, "MAIL FROM:<probe@campus.test>");
	if (code == 452)
		ck_assert_ptr_nonnull(strstr(buf_text(&talk.text), "4.3.1"));
	talk_close(&talk);
	return code;
}

static void
wait_for_452(const struct load *load)
{
	int waited;

	for (waited = 0; waited < LOAD_PATIENCE_MS; waited += PROBE_EVERY_MS) {
		if (mail_is_answered(load) == 452)
			return;
		load_pause(PROBE_EVERY_MS);
	}
	ck_abort_msg("MAIL is not answered 452");
}

/* The disk stays full: room comes from what is delivered, and only that. */
START_TEST(a_queue_that_filled_the_disk_goes_out_over_kill_9)
{
	const struct row *row = &rows[0];
	struct load load;

	load_make(&load, row->spool);
	if (!mount_small_disk(&load, row->mount)) {
		daemon_free(load.daemon);
		hop_free(load.hop);
		return;
	}
	load_start(&load);
	load_wait(&load, 60);
	hop_sleep(load.hop);
	take_room(&load, 0);
	wait_for_452(&load);
	daemon_kill(load.daemon);
	daemon_start(load.daemon);
	wait_for_452(&load);
	hop_wake(load.hop);
	load_wait(&load, 100);
	load_end(&load, "full over kill -9");
}
END_TEST

/* So much is left of what rows[1] and rows[2] have a floor for. */
static const size_t below_floor[] = { 12 * MIB, 400 };

START_TEST(below_the_floor_mail_goes_out)
{
	const struct row *row = &rows[1 + _i];
	struct load load;
	size_t arrived;

	load_make(&load, row->spool);
	if (!mount_small_disk(&load, row->mount)) {
		daemon_free(load.daemon);
		hop_free(load.hop);
		return;
	}
	load_start(&load);
	load_wait(&load, 60);
	hop_sleep(load.hop);
	load_wait(&load, 60);
	(row->inodes ? take_inodes : take_room)(&load, below_floor[_i]);
	wait_for_452(&load);
	daemon_wait_log(load.daemon, "event=spool", "new mail is refused",
	    NULL);
	arrived = hop_accepted(load.hop);
	hop_wake(load.hop);
	ck_assert(hop_wait(load.hop, arrived + 30, LOAD_PATIENCE_MS));
	ck_assert_int_eq(mail_is_answered(&load), 452);
	throw_ballast_off(&load);
	load_wait(&load, 30);
	load_end(&load, row->what);
}
END_TEST

static Suite *
full_disk_suite(void)
{
	Suite *suite = suite_create("full_disk");
	TCase *full = tcase_create("full");

	tcase_set_timeout(full, 180);
	tcase_add_loop_test(full,
	    mail_is_refused_for_now_and_taken_again_when_there_is_room, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(full, a_queue_that_filled_the_disk_goes_out_over_kill_9);
	tcase_add_loop_test(full, below_the_floor_mail_goes_out, 0, 2);
	suite_add_tcase(suite, full);
	return suite;
}

SUITE_MAIN(full_disk_suite)
