/*
 * test_mail_stores - relayd hands mail to Dovecot over LMTP, by TCP and by a
 * Unix socket.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/folder.h"
#include "tests/support/port.h"
#include "tests/support/program.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	PATIENCE_MS = 20000,
	NAP_MS = 20,
	TEXT_BYTES = 8192,
};

/* Two people have a mailbox; all files lie in its folder. */
static const char conf[] =
    "base_dir = %s/run\n"
    "state_dir = %s/state\n"
    "log_path = %s/log\n"
    "ssl = no\n"
    "protocols = lmtp\n"
    "hostname = store.test\n"
    "first_valid_uid = 1\n"
    "mail_location = maildir:%s/mail/%%u\n"
    "passdb {\n driver = passwd-file\n args = %s/users\n}\n"
    "userdb {\n driver = static\n"
    " args = uid=nobody gid=nogroup home=%s/mail/%%u\n}\n"
    "service lmtp {\n"
    " inet_listener lmtp {\n  address = 127.0.0.1\n  port = %u\n }\n"
    " unix_listener %s/lmtp {\n  mode = 0666\n }\n}\n";

static char folder[FOLDER_MAX];
static struct daemon *daemon_;
static pid_t store;
static int reserved;

static void
start_store(uint16_t port)
{
	char path[256], log[256], text[TEXT_BYTES];
	const char *const argv[] = { "dovecot", "-F", "-c", path, NULL };

	snprintf(path, sizeof(path), "%s/dovecot.conf", folder);
	snprintf(log, sizeof(log), "%s/output", folder);
	snprintf(text, sizeof(text), conf, folder, folder, folder, folder,
	    folder, folder, (unsigned)port, folder);
	folder_write(folder, "dovecot.conf", text);
	folder_write(folder, "users",
	    "ann@tcp.test:{PLAIN}x\nann@unix.test:{PLAIN}x\n");
	snprintf(text, sizeof(text), "%s/mail", folder);
	ck_assert_int_eq(mkdir(text, 0777), 0);
	ck_assert_int_eq(chmod(text, 0777), 0);
	store = program_serve(argv, port, log);
	ck_assert_msg(store != 0, "Dovecot does not answer");
}

static void
setup(void)
{
	struct daemon_setup daemon_setup = { .hosted = NULL };
	uint16_t port;
	char hosted[512];

	folder_new(folder, "store");
	port = port_reserve(&reserved);
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:1\n"
	    "tcp.test via=lmtp:[127.0.0.1]:%u\n"
	    "unix.test via=lmtp:unix:%s/lmtp\n",
	    (unsigned)port, folder);
	daemon_setup.hosted = hosted;
	start_store(port);
	daemon_ = daemon_new(&daemon_setup);
	daemon_start(daemon_);
}

static void
teardown(void)
{
	daemon_free(daemon_);
	program_end(store);
	close(reserved);
	folder_remove(folder);
}

/* The one message of a mailbox, once it is there. */
static const char *
mailbox(const char *user)
{
	static char text[TEXT_BYTES];
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };
	char path[256], file[600];
	struct dirent *entry;
	size_t got = 0;
	DIR *dir;
	FILE *in;
	int i;

	snprintf(path, sizeof(path), "%s/mail/%s/new", folder, user);
	for (i = 0; i < PATIENCE_MS / NAP_MS && got == 0; i++) {
		nanosleep(&nap, NULL);
		dir = opendir(path);
		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(file, sizeof(file), "%s/%s", path,
			    entry->d_name);
			in = fopen(file, "r");
			ck_assert_ptr_nonnull(in);
			got = fread(text, 1, sizeof(text) - 1, in);
			fclose(in);
		}
		if (dir != NULL)
			closedir(dir);
	}
	text[got] = '\0';
	return text;
}

START_TEST(dovecot_keeps_the_mail_of_whom_it_knows_and_refuses_others)
{
	const char *domain = _i == 0 ? "tcp.test" : "unix.test";
	char known[64], unknown[64];
	const char *const to[] = { known, unknown, NULL };
	const char *text;
	struct talk talk;

	snprintf(known, sizeof(known), "ann@%s", domain);
	snprintf(unknown, sizeof(unknown), "bob@%s", domain);
	ck_assert(talk_open(&talk, NULL, daemon_port(daemon_)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO lab.test"), 250);
	ck_assert_int_eq(
	    talk_mail(&talk, "lab@campus.test", to,
		SPAN("Subject: results\r\n\r\n.dot\r\nw\xc3\xbcrzburg\r\n")),
	    250);
	talk_close(&talk);
	text = mailbox(known);
	ck_assert_ptr_nonnull(strstr(text, "Subject: results\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\n.dot\nw\xc3\xbcrzburg\n"));
	ck_assert_ptr_nonnull(strstr(text, "Return-Path: <lab@campus.test>"));
	daemon_wait_log(daemon_, "event=delivered", known, NULL);
	daemon_wait_log(daemon_, "event=failed", unknown, "code=550", NULL);
}
END_TEST

static Suite *
mail_stores_suite(void)
{
	Suite *suite = suite_create("mail_stores");
	TCase *tcase = tcase_create("dovecot");

	if (geteuid() != 0) {
		puts("skipped: Dovecot is started by root");
		return suite;
	}
	tcase_set_timeout(tcase, 90);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    dovecot_keeps_the_mail_of_whom_it_knows_and_refuses_others, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(mail_stores_suite)
