/*
 * test_expiry - the end of a grant is logged and mailed ahead, each once.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "domains/day.h"
#include "tests/support/asked.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

static struct scene scene;
static struct buf out;

static void
make(void)
{
	scene_open(&scene,
	    &(struct scene_setup){ .allowlist = "# nobody\n",
		.more = "control = \"control\";" });
	buf_init(&out, 1 << 20);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

/* The day that is over so many days from now. */
static const char *
in_days(int days, char text[DAY_TEXT_MAX])
{
	int64_t now = (int64_t)time(NULL);

	return day_text((now / 86400 + days) * 86400, text);
}

START_TEST(an_end_is_logged_and_mailed_once_ahead)
{
	const struct hop_mail *mail;
	char table[512], near[DAY_TEXT_MAX], far[DAY_TEXT_MAX];

	snprintf(table, sizeof(table),
	    "10.3.0.1 until=%s owner=lab@lab.test note=laser\n"
	    "10.3.0.2 until=%s owner=far@lab.test\n",
	    in_days(10, near), in_days(20, far));
	daemon_write(scene.daemon, "allowlist", table);
	ASKED(0, scene.daemon, &out, "reload");
	mail = hop_wait_for(scene.lab, "lab@lab.test", SCENE_WAIT_MS);
	ck_assert_ptr_nonnull(mail);
	ck_assert(scene_holds(buf_span(&mail->content), near));
	ck_assert(scene_holds(buf_span(&mail->content), "laser"));
	ck_assert(scene_holds(buf_span(&mail->content),
	    "Auto-Submitted: auto-generated"));
	mail =
	    hop_wait_for(scene.campus, "postmaster@campus.test", SCENE_WAIT_MS);
	ck_assert_ptr_nonnull(mail);
	ck_assert(scene_holds(buf_span(&mail->content), "lab@lab.test"));
	ck_assert(!scene_holds(buf_span(&mail->content), "10.3.0.2"));
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=grant-expires",
			     "grant=10.3.0.1", "owner=lab@lab.test", NULL),
	    1);
	/* Neither a reload nor a restart tells it again. */
	ASKED(0, scene.daemon, &out, "reload");
	daemon_stop(scene.daemon);
	daemon_log_forget(scene.daemon);
	daemon_start(scene.daemon);
	scene_settle(&scene);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=grant-expires",
			     NULL),
	    0);
	ck_assert_ptr_null(hop_mail_for(scene.lab, "lab@lab.test", 1));
}
END_TEST

/* What was told before; days left; what is logged and mailed now. */
static const struct ending {
	int days, warned; /* warned 0: nothing was told */
	int logged, mailed;
} endings[] = {
	{ 15, 0, 0, 0 }, { 14, 0, 1, 1 }, { 13, 14, 0, 0 }, { 4, 14, 0, 0 },
	{ 3, 14, 1, 0 }, { 2, 3, 0, 0 }, { 1, 3, 1, 0 }, { 1, 1, 0, 0 },
	{ 0, 0, 0, 0 }, /* it has ended */
};

START_TEST(an_end_is_told_again_as_it_comes_nearer)
{
	const struct ending *row = &endings[_i];
	int64_t until = ((int64_t)time(NULL) / 86400 + row->days) * 86400;
	char text[256], day[DAY_TEXT_MAX];

	daemon_stop(scene.daemon);
	daemon_log_forget(scene.daemon);
	snprintf(text, sizeof(text), "10.3.0.1 until=%s owner=lab@lab.test\n",
	    day_text(until, day));
	daemon_write(scene.daemon, "allowlist", text);
	snprintf(text, sizeof(text), "10.3.0.1@1 last=0 until=%lld warned=%d\n",
	    (long long)until, row->warned);
	if (row->warned != 0)
		daemon_write(scene.daemon, "spool/uses", text);
	daemon_start(scene.daemon);
	scene_settle(&scene);
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=grant-expires",
			     NULL),
	    row->logged);
	if (row->mailed > 0)
		ck_assert_ptr_nonnull(
		    hop_wait_for(scene.lab, "lab@lab.test", SCENE_WAIT_MS));
	else
		ck_assert_ptr_null(hop_mail_for(scene.lab, "lab@lab.test", 0));
}
END_TEST

static Suite *
expiry_suite(void)
{
	Suite *suite = suite_create("expiry");
	TCase *tcase = tcase_create("expiry");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, an_end_is_logged_and_mailed_once_ahead);
	tcase_add_loop_test(tcase, an_end_is_told_again_as_it_comes_nearer, 0,
	    (int)(sizeof(endings) / sizeof(endings[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(expiry_suite)
