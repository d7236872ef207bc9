/*
 * test_lmtp_hop - relayd hands mail to a mail store over LMTP on a Unix
 * socket: who was taken is done with, who was not is tried again.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

enum {
	LINE_BYTES = 4096,
	RCPTS_MAX = 10
};

/* One connection at a time, which is all that the daemon is let make. */
struct store {
	char path[100];
	int listener;
	pthread_t thread;
	int kept_a, kept_full, asked_full; /* after the thread has ended */
};

static void
answer_one(struct store *store, FILE *out, const char *rcpt)
{
	bool full = strstr(rcpt, "full@") != NULL;

	if (full && store->asked_full++ == 0) {
		fputs("452 4.2.2 full\r\n", out);
		return;
	}
	store->kept_a += strstr(rcpt, "<a@") != NULL;
	store->kept_full += full;
	fputs("250 2.0.0 stored\r\n", out);
}

static void
take_content(FILE *in)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), in) != NULL)
		if (strcmp(line, ".\r\n") == 0)
			return;
}

static void
serve(struct store *store, FILE *in, FILE *out)
{
	char line[LINE_BYTES], rcpts[RCPTS_MAX][LINE_BYTES];
	size_t count = 0, i;

	fputs("220 store.test LMTP\r\n", out);
	while (fflush(out) == 0 && fgets(line, sizeof(line), in) != NULL) {
		if (strncmp(line, "DATA", 4) == 0) {
			fputs("354 go on\r\n", out);
			fflush(out);
			take_content(in);
			for (i = 0; i < count; i++)
				answer_one(store, out, rcpts[i]);
			count = 0;
		} else if (strncmp(line, "EHLO", 4) == 0 ||
		    strncmp(line, "HELO", 4) == 0) {
			fputs("500 5.5.1 this is LMTP\r\n", out);
		} else {
			if (strncmp(line, "RCPT", 4) == 0 && count < RCPTS_MAX)
				strcpy(rcpts[count++], line);
			fputs("250 2.0.0 ok\r\n", out);
		}
	}
}

static void *
run(void *owner)
{
	struct store *store = owner;
	FILE *in, *out;
	int fd;

	while ((fd = accept(store->listener, NULL, NULL)) != -1) {
		in = fdopen(fd, "r");
		out = fdopen(dup(fd), "w");
		if (in == NULL || out == NULL)
			abort();
		serve(store, in, out);
		fclose(in);
		fclose(out);
	}
	return NULL;
}

static void
store_open(struct store *store)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/relayd-store-XXXXXX";

	*store = (struct store){ .listener = -1 };
	signal(SIGPIPE, SIG_IGN); /* nobody waits for our answer to QUIT */
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(store->path, sizeof(store->path), "%s/lmtp", folder);
	strcpy(address.sun_path, store->path);
	store->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(store->listener, -1);
	ck_assert_int_eq(bind(store->listener, (struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	ck_assert_int_eq(listen(store->listener, 5), 0);
	ck_assert_int_eq(pthread_create(&store->thread, NULL, run, store), 0);
}

static void
store_close(struct store *store)
{
	shutdown(store->listener, SHUT_RDWR);
	pthread_join(store->thread, NULL);
	close(store->listener);
	unlink(store->path);
	*strrchr(store->path, '/') = '\0';
	rmdir(store->path);
}

START_TEST(only_those_who_were_not_taken_are_tried_again)
{
	static const char *const recipients[] = { "a@campus.test",
		"full@campus.test", NULL };
	struct daemon_setup setup = {
		.delivery = "retry_first = \"1s\"; retry_max = \"1s\"; "
			    "connections_per_destination = 1;"
	};
	struct daemon *daemon;
	struct store store;
	struct talk talk;
	char hosted[200];

	store_open(&store);
	snprintf(hosted, sizeof(hosted), "campus.test via=lmtp:unix:%s\n",
	    store.path);
	setup.hosted = hosted;
	daemon = daemon_new(&setup);
	daemon_start(daemon);
	ck_assert(talk_open(&talk, NULL, daemon_port(daemon)));
	ck_assert_int_eq(talk_reply(&talk), 220);
	ck_assert_int_eq(talk_say(&talk, "EHLO client.test"), 250);
	ck_assert_int_eq(talk_mail(&talk, "s@campus.test", recipients,
			     SPAN("Subject: x\r\n\r\nx\r\n")),
	    250);
	talk_close(&talk);
	daemon_wait_log(daemon, "event=deferred", "full@campus.test", "4.2.2",
	    NULL);
	daemon_wait_log(daemon, "event=delivered", "full@campus.test", NULL);
	ck_assert_int_eq(daemon_logged(daemon, "event=delivered",
			     "a@campus.test", store.path, NULL),
	    1);
	daemon_free(daemon);
	store_close(&store);
	ck_assert_int_eq(store.kept_a, 1);
	ck_assert_int_eq(store.kept_full, 1);
	ck_assert_int_eq(store.asked_full, 2);
}
END_TEST

static Suite *
lmtp_hop_suite(void)
{
	Suite *suite = suite_create("a mail store");
	TCase *tcase = tcase_create("a mail store");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, only_those_who_were_not_taken_are_tried_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(lmtp_hop_suite)
