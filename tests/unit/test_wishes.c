/*
 * test_wishes - what a sender wants to be told of, as a next hop hears it.
 */
#include <stdio.h>
#include <string.h>

/* The real client, not the double of tests/support/far_side.c. */
#include "relayd/delivery/client.c"
#include "tests/support/client_fixture.h"
#include "tests/support/suite.h"

static const char *
heard(void)
{
	return buf_text(&scene.hop->heard);
}

static const struct {
	unsigned notify;
	const char *orcpt;
	const char *line;
} rcpts[] = {
	/* clang-format off */
	{ 0, "", "RCPT TO:<a@campus.test>\n" },
	{ NOTIFY_NEVER, "", "RCPT TO:<a@campus.test> NOTIFY=NEVER\n" },
	{ NOTIFY_SUCCESS, "", "RCPT TO:<a@campus.test> NOTIFY=SUCCESS\n" },
	{ NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY, "", "RCPT TO:<a@campus.test> NOTIFY=SUCCESS,FAILURE,DELAY\n" },
	{ NOTIFY_DELAY, "rfc822;a+2Bb@x.test", "RCPT TO:<a@campus.test> NOTIFY=DELAY ORCPT=rfc822;a+2Bb@x.test\n" },
	{ 0, "rfc822;root", "RCPT TO:<a@campus.test> ORCPT=rfc822;root\n" },
	{ 0, "rfc822;x\r\nDATA", "RCPT TO:<a@campus.test>\n" },
	/* clang-format on */
};

START_TEST(rcpt_passes_on_what_the_sender_asked_for)
{
	scene.recipients[0].notify = rcpts[_i].notify;
	scene.recipients[0].orcpt = span_of(rcpts[_i].orcpt);
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_ptr_nonnull(strstr(heard(), rcpts[_i].line));
	client_scene_close(&scene);
	client_scene_open(&scene);
	scene.recipients[0].notify = rcpts[_i].notify;
	scene.recipients[0].orcpt = span_of(rcpts[_i].orcpt);
	scene.hop->offers = "PIPELINING";
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_ptr_nonnull(strstr(heard(), RCPTS));
}
END_TEST

/* RFC 6533 3: what is UTF-8 in it is none without SMTPUTF8. */
START_TEST(orcpt_in_utf8_is_written_in_ascii_without_smtputf8)
{
	static const struct {
		const char *orcpt, *ascii, *utf8; /* behind the address */
	} rows[] = {
		{ "utf-8;\303\244\\x{E4}@x.test",
		    " ORCPT=utf-8;\\x{E4}\\x{E4}@x.test\n",
		    " ORCPT=utf-8;\303\244\\x{E4}@x.test\n" },
		{ "UTF-8;\342\202\254@x.test",
		    " ORCPT=UTF-8;\\x{20AC}@x.test\n",
		    " ORCPT=UTF-8;\342\202\254@x.test\n" },
		{ "rfc822;\303\244@x.test", "\n",
		    " ORCPT=rfc822;\303\244@x.test\n" },
		{ "utf-8;a+2Bb@x.test", " ORCPT=utf-8;a+2Bb@x.test\n",
		    " ORCPT=utf-8;a+2Bb@x.test\n" },
	};
	char line[200];
	int utf8;

	for (utf8 = 0; utf8 < 2; utf8++) {
		if (utf8 > 0) {
			client_scene_close(&scene);
			client_scene_open(&scene);
		}
		scene.hop->offers = utf8 > 0 ? "DSN,SMTPUTF8" : "DSN";
		scene.envelope.flags = ENVELOPE_SMTPUTF8;
		scene.recipients[0].orcpt = span_of(rows[_i].orcpt);
		ck_assert_str_eq(client_scene_run(&scene), FINE);
		snprintf(line, sizeof(line), "RCPT TO:<a@campus.test>%s",
		    utf8 > 0 ? rows[_i].utf8 : rows[_i].ascii);
		ck_assert_msg(strstr(heard(), line) != NULL, "%s", heard());
	}
}
END_TEST

START_TEST(orcpt_that_grows_too_long_in_ascii_is_left_out)
{
	struct buf orcpt;

	buf_init(&orcpt, 1000);
	buf_add(&orcpt, SPAN("utf-8;"));
	while (orcpt.len < 200)
		buf_add(&orcpt, SPAN("\303\244"));
	scene.hop->offers = "DSN";
	scene.envelope.flags = ENVELOPE_SMTPUTF8;
	scene.recipients[0].orcpt = buf_span(&orcpt);
	ck_assert_str_eq(client_scene_run(&scene), FINE);
	ck_assert_ptr_nonnull(strstr(heard(), RCPTS));
	buf_clear(&orcpt);
}
END_TEST

static Suite *
wishes_suite(void)
{
	Suite *suite = suite_create("wishes");
	TCase *tcase = tcase_create("wishes");

	tcase_add_checked_fixture(tcase, client_fixture_set_up,
	    client_fixture_tear_down);
	tcase_add_loop_test(tcase, rcpt_passes_on_what_the_sender_asked_for, 0,
	    sizeof(rcpts) / sizeof(rcpts[0]));
	tcase_add_loop_test(tcase,
	    orcpt_in_utf8_is_written_in_ascii_without_smtputf8, 0, 4);
	tcase_add_test(tcase, orcpt_that_grows_too_long_in_ascii_is_left_out);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(wishes_suite)
