/*
 * test_lmtp - the client speaks LMTP (RFC 2033): LHLO, and after the dot a
 * reply for each recipient that was taken.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
/* The real one, not the double of tests/support/far_side.c. */
#include "relayd/delivery/client.c"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

static void
setup(void)
{
	client_scene_open(&scene);
	scene.hop->lmtp = true;
	scene.host.lmtp = true;
}

static void
teardown(void)
{
	client_scene_close(&scene);
}

static const char *const manners[] = { "SIZE 1000000,8BITMIME",
	"PIPELINING,SIZE 1000000,8BITMIME" };

#define TOOK    SAY(". RCPT TO:<a", "250 2.0.0 stored\r\n")
#define WHO     "550 5.1.1 who?\r\n"
#define FULL    "452 4.2.2 full\r\n"
#define CLOSING "421 4.3.2 closing\r\n"

static const struct {
	struct script_rule rules[5];
	const char *story;
} cases[] = {
	/* clang-format off */
	{ { { .on = NULL } }, FINE },
	/* each recipient has the reply that is about it, and no other */
	{ { SAY(". RCPT TO:<b", WHO) }, "D250/2.0.0 F550/5.1.1 D250/2.0.0 usable" },
	{ { SAY(". RCPT TO:<a", FULL), SAY(". RCPT TO:<c", WHO) }, "L452/4.2.2 D250/2.0.0 F550/5.1.1 usable" },
	/* those refused before the dot have none */
	{ { SAY("RCPT TO:<a", WHO), SAY(". RCPT TO:<c", FULL) }, "F550/5.1.1 D250/2.0.0 L452/4.2.2 usable" },
	{ { SAY("RCPT TO:<b", FULL), SAY(". RCPT TO:<c", WHO) }, "D250/2.0.0 L452/4.2.2 F550/5.1.1 usable" },
	/* lost between two: what was heard is true, the others wait */
	{ { TOOK, ACT(". RCPT TO:<b", NULL, SCRIPT_CLOSE) }, "D250/2.0.0 L0/4.4.2 L0/4.4.2 closed L0/4.4.2" },
	{ { TOOK, ACT(". RCPT TO:<b", NULL, SCRIPT_RESET) }, "D250/2.0.0 L0/4.4.2 L0/4.4.2 closed L0/4.4.2" },
	{ { TOOK, ACT(". RCPT TO:<b", NULL, SCRIPT_DEAF) }, "D250/2.0.0 L0/4.4.2 L0/4.4.2 closed L0/4.4.2" },
	{ { TOOK, ACT(". RCPT TO:<b", CLOSING, SCRIPT_CLOSE) }, "D250/2.0.0 L421/4.3.2 L421/4.3.2 closed L421/4.3.2" },
	{ { TOOK, SAY(". RCPT TO:<b", "hello\r\n") }, "D250/2.0.0 L0/4.5.0 L0/4.5.0 closed L0/4.5.0" },
	{ { TOOK, SAY(". RCPT TO:<b", "354 more?\r\n") }, "D250/2.0.0 L0/4.5.0 L0/4.5.0 closed L0/4.5.0" },
	/* a server of SMTP: one reply is one recipient's */
	{ { TOOK, SAY(". RCPT", NULL) }, "D250/2.0.0 L0/4.4.2 L0/4.4.2 closed L0/4.4.2" },
	/* one reply too many */
	{ { SAY(". RCPT TO:<c", "250 a\r\n250 b\r\n") }, ALL("D250/2.0.0") "closed N0/" },
	/* who was refused at RCPT is answered for again: whose is the no? */
	{ { SAY("RCPT TO:<a", WHO), SAY(". RCPT TO:<b", WHO "250 b\r\n") }, "L0/4.5.0 L0/4.5.0 D250/2.0.0 closed L0/4.5.0" },
	{ { SAY("RCPT TO:<c", WHO), SAY(". RCPT TO:<b", "250 b\r\n" WHO) }, "D250/2.0.0 D250/2.0.0 F550/5.1.1 closed N0/" },
	/* nobody is left: DATA should be 503, and is 354 from some */
	{ { SAY("RCPT", WHO), SAY("DATA", "503 5.5.1 no recipients\r\n") }, ALL("F550/5.1.1") "usable" },
	/* before the dot: the first recipient's */
	{ { ACT("body", "552 5.3.4 too big\r\n", SCRIPT_DEAF) }, "F552/5.3.4 L0/4.4.2 L0/4.4.2 closed L0/4.4.2" },
	/* LMTP has no HELO */
	{ { SAY("LHLO", "500 5.5.2 what?\r\n") }, "closed L500/4.0.0" },
	/* clang-format on */
};

START_TEST(each_recipient_has_its_own_reply_after_the_dot)
{
	const char *story;
	int manner;

	for (manner = 0; manner < 2; manner++) {
		if (manner > 0) {
			teardown();
			setup();
		}
		scene.hop->rules = cases[_i].rules;
		scene.hop->offers = manners[manner];
		story = client_scene_run(&scene);
		ck_assert_str_eq(story, cases[_i].story);
	}
}
END_TEST

START_TEST(greeting_is_lhlo_and_never_ehlo_or_helo)
{
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert(span_starts(buf_span(&scene.hop->heard),
	    SPAN("LHLO relay.test\nMAIL FROM:<s@lab.test>")));
	ck_assert_ptr_null(strstr(buf_text(&scene.hop->heard), "HELO"));
	ck_assert_ptr_null(strstr(buf_text(&scene.hop->heard), "EHLO"));
}
END_TEST

/* So NOTIFY=SUCCESS hears "delivered". */
START_TEST(what_was_taken_is_in_the_mailbox)
{
	struct script_rule rules[] = {
		SAY(". RCPT TO:<b", "452 4.2.2 full\r\n"), { .on = NULL }
	};

	scene.hop->rules = rules;
	scene.hop->offers = manners[0];
	client_scene_run(&scene);
	ck_assert(scene.outcomes[0][0].final);
	ck_assert(!scene.outcomes[0][1].final);
	ck_assert(scene.outcomes[0][2].final);
}
END_TEST

START_TEST(next_message_goes_over_the_same_connection)
{
	struct script_rule rules[] = {
		{ .on = ". RCPT TO:<c", .reply = WHO, .times = 1 },
		{ .on = NULL }
	};

	scene.jobs = 3;
	scene.hop->rules = rules;
	scene.hop->offers = manners[_i];
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_uint_eq(scene.hop->connections, 1);
	ck_assert_uint_eq(scene.hop->message_count, 3);
}
END_TEST

START_TEST(hop_that_takes_data_for_nobody_is_left)
{
	struct script_rule rules[] = { SAY("RCPT", WHO), { .on = NULL } };

	scene.hop->rules = rules;
	scene.hop->offers = manners[1];
	ck_assert_str_eq(client_scene_run(&scene),
	    ALL("F550/5.1.1") "closed N0/");
	ck_assert_uint_eq(scene.hop->message_count, 0);
}
END_TEST

/* The hop listens on a socket of the file system. */
static void
move_to_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_ne(fd, -1);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
	    0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_ne(dup2(fd, scene.hop->watch.fd), -1);
	close(fd);
}

static const struct {
	bool listens;
	enum tls_level tls; /* means nothing there */
	const char *story;
} sockets[] = {
	{ true, TLS_OFF, FINE },
	{ true, TLS_VERIFY, FINE },
	{ false, TLS_OFF, "closed L0/4.4.1" },
};

START_TEST(unix_socket_is_as_good_as_an_address)
{
	char folder[] = "/tmp/relayd-lmtp-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(scene.host.path, sizeof(scene.host.path), "%s/lmtp", folder);
	if (sockets[_i].listens)
		move_to_unix(scene.host.path);
	scene.needs.tls_level = sockets[_i].tls;
	client_scene_run(&scene);
	unlink(scene.host.path);
	rmdir(folder);
	ck_assert_str_eq(buf_text(&scene.story), sockets[_i].story);
	if (sockets[_i].listens) {
		ck_assert(span_starts(span_of(scene.outcomes[0][0].remote),
		    SPAN("unix:/tmp/relayd-lmtp-")));
		ck_assert_uint_eq(scene.hop->message_count, 1);
	}
}
END_TEST

static Suite *
lmtp_suite(void)
{
	Suite *suite = suite_create("lmtp");
	TCase *tcase = tcase_create("lmtp");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase,
	    each_recipient_has_its_own_reply_after_the_dot, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, greeting_is_lhlo_and_never_ehlo_or_helo);
	tcase_add_test(tcase, what_was_taken_is_in_the_mailbox);
	tcase_add_loop_test(tcase, next_message_goes_over_the_same_connection,
	    0, 2);
	tcase_add_test(tcase, hop_that_takes_data_for_nobody_is_left);
	tcase_add_loop_test(tcase, unix_socket_is_as_good_as_an_address, 0, 3);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(lmtp_suite)
