/*
 * test_authenticate - user and password for a smarthost, over verified TLS.
 */
/* The real client, not the double of tests/support/far_side.c. */
#include <sys/stat.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "relayd/delivery/client.c"
#include "tests/support/certs.h"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

static struct certs *certs;
static struct tls_server *server;
static struct tls_client *client;
static struct buf why;

static void
setup(void)
{
	struct certs_wish wish = { .dns = "hop.test" };

	client_scene_open(&scene);
	buf_init(&why, 1000);
	certs = certs_new();
	certs_issue(certs, "hop", &wish);
	server = tls_server_new(certs_path(certs, "hop.pem"),
	    certs_path(certs, "hop.key"), NULL, &why);
	client = tls_client_new(certs_path(certs, "ca.pem"), NULL, &why);
	ck_assert(server != NULL && client != NULL);
	scene.needs.tls = client;
	scene.needs.tls_level = TLS_VERIFY;
	scene.hop->tls = server;
}

static void
teardown(void)
{
	login_free(scene.needs.login);
	client_scene_close(&scene);
	buf_clear(&why);
	tls_server_free(server);
	tls_client_free(client);
	certs_free(certs);
}

/* Its file, made with a mode. */
static struct login *
load(struct span text, mode_t mode)
{
	const char *file = certs_path(certs, "login");
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_eq(write(fd, text.data, text.len), (ssize_t)text.len);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	buf_empty(&why);
	return login_load(file, &why);
}

/* ---- the file ---- */

static const struct {
	struct span text;
	mode_t mode;
	const char *why; /* NULL: it is good */
} files[] = {
	/* clang-format off */
	{ { "user\npass word\n", 15 }, 0600, NULL },
	{ { "user\r\npass\r\n", 12 }, 0640, NULL },
	{ { "user\npass", 9 }, 0400, NULL },
	{ { "user\npass\n", 10 }, 0644, "others may use it (mode 0644)" },
	{ { "user\npass\n", 10 }, 0601, "others may use it" },
	{ { "user\n", 5 }, 0600, "expected two lines" },
	{ { "user\n\n", 6 }, 0600, "expected two lines" },
	{ { "", 0 }, 0600, "expected two lines" },
	{ { "user\npass\nmore\n", 15 }, 0600, "expected two lines" },
	{ { "us\0er\npass\n", 11 }, 0600, "expected two lines" },
	/* clang-format on */
};

START_TEST(file_has_two_lines_that_others_cannot_read)
{
	struct login *login = load(files[_i].text, files[_i].mode);

	ck_assert_int_eq(login != NULL, files[_i].why == NULL);
	if (login == NULL) {
		ck_assert_msg(strstr(buf_text(&why), files[_i].why) != NULL,
		    "%s", buf_text(&why));
		ck_assert_ptr_nonnull(
		    strstr(buf_text(&why), certs_path(certs, "login")));
		ck_assert_ptr_null(strstr(buf_text(&why), "pass\n"));
	} else {
		ck_assert_str_eq(login->user, "user");
		ck_assert(strncmp(login->password, "pass", 4) == 0);
	}
	login_free(login);
}
END_TEST

START_TEST(folder_or_missing_file_is_refused)
{
	ck_assert_ptr_null(login_load("/", &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "not a regular file"));
	buf_empty(&why);
	ck_assert_ptr_null(login_load(certs_path(certs, "none"), &why));
	ck_assert_ptr_nonnull(strstr(buf_text(&why), "No such file"));
}
END_TEST

/* ---- the dialogue ---- */

/* \0user\0secret, user and secret in base64 */
#define PLAIN_LINE "AUTH PLAIN AHVzZXIAc2VjcmV0\n"
#define USER       "dXNlcg=="
#define PASSWORD   "c2VjcmV0"

static const struct {
	const char *offers;
	struct script_rule rules[4];
	const char *story;
	const char *said; /* between the second EHLO and MAIL; NULL: no AUTH */
} dialogues[] = {
	/* clang-format off */
	{ "AUTH PLAIN LOGIN",
	  { SAY("AUTH PLAIN ", "235 2.7.0 in\r\n") }, FINE, PLAIN_LINE },
	{ "AUTH CRAM-MD5 login plain",
	  { SAY("AUTH PLAIN ", "235 2.7.0 in\r\n") }, FINE, PLAIN_LINE },
	{ "AUTH LOGIN",
	  { SAY("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
	    SAY(USER, "334 UGFzc3dvcmQ6\r\n"), SAY(PASSWORD, "235 in\r\n") },
	  FINE, "AUTH LOGIN\n" USER "\n" PASSWORD "\n" },
	/* its trouble or ours: the mail waits */
	{ "AUTH PLAIN",
	  { SAY("AUTH PLAIN ", "535 5.7.8 wrong\r\n") },
	  "closed L535/4.0.0", PLAIN_LINE },
	{ "AUTH PLAIN",
	  { SAY("AUTH PLAIN ", "454 4.7.0 later\r\n") },
	  "closed L454/4.7.0", PLAIN_LINE },
	{ "AUTH PLAIN",
	  { SAY("AUTH PLAIN ", "421 4.3.2 bye\r\n") },
	  "closed L421/4.3.2", PLAIN_LINE },
	{ "AUTH PLAIN",
	  { SAY("AUTH PLAIN ", "334 more\r\n") }, "closed L0/4.5.0", PLAIN_LINE },
	{ "AUTH PLAIN",
	  { SAY("AUTH PLAIN ", "250 fine\r\n") }, "closed L0/4.5.0", PLAIN_LINE },
	{ "AUTH PLAIN",
	  { ACT("AUTH PLAIN ", NULL, SCRIPT_CLOSE) }, "closed L0/4.4.2", PLAIN_LINE },
	{ "AUTH LOGIN",
	  { SAY("AUTH LOGIN", "235 already\r\n") },
	  "closed L0/4.5.0", "AUTH LOGIN\n" },
	{ "AUTH LOGIN",
	  { SAY("AUTH LOGIN", "334 x\r\n"), SAY(USER, "535 5.7.8 who\r\n") },
	  "closed L535/4.0.0", "AUTH LOGIN\n" USER "\n" },
	{ "AUTH CRAM-MD5", { { .on = NULL } }, "closed L0/4.7.0", "" },
	{ "PIPELINING", { { .on = NULL } }, "closed L0/4.7.0", "" },
	/* clang-format on */
};

/* What was said behind the second EHLO, as far as text goes. */
static bool
said(const char *text)
{
	const char *heard = buf_text(&scene.hop->heard);
	const char *ehlo = strstr(heard, "STARTTLS\nEHLO relay.test\n");

	return ehlo != NULL && strncmp(ehlo + 25, text, strlen(text)) == 0 &&
	    strstr(heard, "AUTH") >= (text[0] == '\0' ? NULL : ehlo);
}

START_TEST(password_goes_out_as_the_next_hop_wants_it)
{
	scene.hop->offers = dialogues[_i].offers;
	scene.hop->rules = dialogues[_i].rules;
	scene.needs.login = load(SPAN("user\nsecret\n"), 0600);
	ck_assert_str_eq(client_scene_run(&scene), dialogues[_i].story);
	ck_assert_msg(said(dialogues[_i].said), "%s",
	    buf_text(&scene.hop->heard));
	ck_assert_int_eq(scene.hop->message_count > 0,
	    strcmp(dialogues[_i].story, FINE) == 0);
	if (scene.why.text != NULL)
		ck_assert_ptr_null(strstr(scene.why.text, PASSWORD));
}
END_TEST

/* Below tls=verify, in the clear, to a stranger: not a word of it. */
START_TEST(password_goes_to_nobody_who_is_not_verified)
{
	struct certs_wish wish = { .dns = "evil.test" };

	scene.hop->offers = "AUTH PLAIN LOGIN";
	scene.needs.login = load(SPAN("user\nsecret\n"), 0600);
	switch (_i) {
	case 0:
		scene.needs.tls_level = TLS_OFF;
		break;
	case 1:
		scene.needs.tls_level = TLS_MAY;
		break;
	case 2:
		scene.needs.tls_level = TLS_REQUIRE;
		break;
	case 3:
		tls_server_free(server);
		certs_issue(certs, "evil", &wish);
		server = tls_server_new(certs_path(certs, "evil.pem"),
		    certs_path(certs, "evil.key"), NULL, &why);
		scene.hop->tls = server;
		break;
	case 4:
		scene.hop->tls = NULL;
		break;
	}
	ck_assert(strncmp(client_scene_run(&scene), "closed L0/4.7.", 14) == 0);
	ck_assert_ptr_null(strstr(buf_text(&scene.hop->heard), "AUTH"));
	ck_assert_uint_eq(scene.hop->message_count, 0);
}
END_TEST

static Suite *
authenticate_suite(void)
{
	Suite *suite = suite_create("authenticate");
	TCase *tests = tcase_create("authenticate");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, file_has_two_lines_that_others_cannot_read,
	    0, sizeof(files) / sizeof(files[0]));
	tcase_add_test(tests, folder_or_missing_file_is_refused);
	tcase_add_loop_test(tests, password_goes_out_as_the_next_hop_wants_it,
	    0, sizeof(dialogues) / sizeof(dialogues[0]));
	tcase_add_loop_test(tests, password_goes_to_nobody_who_is_not_verified,
	    0, 5);
	suite_add_tcase(suite, tests);
	return suite;
}

SUITE_MAIN(authenticate_suite)
