/*
 * test_loops - mail that would go round in circles, or to ourselves, or to a
 * domain that takes none, ends with a reason; what DNS cannot tell waits.
 */
#include <stdio.h>

#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"
#include "tests/support/zone.h"

#define TEXT "Subject: x\r\n\r\nx\r\n"

static const struct zone_record records[] = {
	/* clang-format off */
	{ ZONE_MX,   "nullmx.example",    ".",                 0 },
	{ ZONE_MX,   "self.example",      "mx.self.example",   10 },
	{ ZONE_A,    "mx.self.example",   "127.0.0.1",         0 },
	{ ZONE_MX,   "self6.example",     "mx.self6.example",  10 },
	{ ZONE_AAAA, "mx.self6.example",  "::1",               0 },
	{ ZONE_MX,   "mapped.example",    "mx.mapped.example", 10 },
	{ ZONE_AAAA, "mx.mapped.example", "::ffff:127.0.0.1",  0 },
	{ ZONE_MX,   "zero.example",      "mx.zero.example",   10 },
	{ ZONE_A,    "mx.zero.example",   "0.0.0.0",           0 },
	{ ZONE_MX,   "named.example",     "mail.campus.test",  10 },
	{ ZONE_A,    "mail.campus.test",  "192.0.2.1",         0 },
	/* All that is not better than ourselves is cut off with us. */
	{ ZONE_MX,   "backup.example",    "mx.self.example",   10 },
	{ ZONE_MX,   "backup.example",    "mx.else.example",   20 },
	{ ZONE_A,    "mx.else.example",   "192.0.2.1",         0 },
	{ ZONE_A,    "implicit.example",  "127.0.0.1",         0 },
	{ ZONE_SERVFAIL, "fails.example", NULL,                0 },
	{ ZONE_MX,   "halfdead.example",  "mx.fails.example",  10 },
	{ ZONE_SERVFAIL, "mx.fails.example", NULL,             0 },
	{ ZONE_END,  NULL,                NULL,                0 },
	/* clang-format on */
};

/* A recipient's domain; the status of the notice, or NULL: it waits. */
static const struct row {
	const char *domain;
	const char *status;
} rows[] = {
	{ "nullmx.example", "5.1.10" }, /* RFC 7505 */
	{ "self.example", "5.4.6" },    /* RFC 5321 5.1 */
	{ "self6.example", "5.4.6" }, { "mapped.example", "5.4.6" },
	{ "zero.example", "5.4.6" }, { "named.example", "5.4.6" },
	{ "backup.example", "5.4.6" }, { "implicit.example", "5.4.6" },
	{ "missing.example", "5.1.2" }, /* NXDOMAIN, and not ours */
	{ "fails.example", NULL }, { "halfdead.example", NULL },
	{ "gone.campus.test", NULL }, /* NXDOMAIN, but the campus owns it */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

static const char *
wrong_with(struct scene *scene, size_t i)
{
	char sender[64], status[32];
	const struct hop_mail *notice;

	snprintf(sender, sizeof(sender), "row%zu@campus.test", i);
	if (rows[i].status == NULL) {
		daemon_wait_log(scene->daemon, "event=deferred", rows[i].domain,
		    NULL);
		return NULL;
	}
	notice = hop_wait_for(scene->campus, sender, SCENE_WAIT_MS);
	if (notice == NULL)
		return "no notice came";
	snprintf(status, sizeof(status), "Status: %s\r\n", rows[i].status);
	if (!scene_holds(buf_span(&notice->content), status))
		return "the notice has another status";
	if (daemon_logged(scene->daemon, "event=deferred", rows[i].domain,
		NULL) > 0)
		return "it was tried again";
	return NULL;
}

START_TEST(exchangers_that_cannot_be_are_told_from_those_that_wait)
{
	struct zone *zone = zone_new(records);
	char sender[64], recipient[80], hosted[256];
	const char *wrong;
	struct scene scene;
	struct buf text;
	size_t i;

	buf_init(&text, 1 << 16);
	scene_open(&scene,
	    &(struct scene_setup){ .dns_port = zone_port(zone),
		.outside_by_mx = true,
		.allowlist = "127.0.0.2\n" });
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\ngone.campus.test via=mx\n",
	    hop_port(scene.campus));
	daemon_write(scene.daemon, "hosted", hosted);
	daemon_reload(scene.daemon);
	for (i = 0; i < ROWS; i++) {
		snprintf(sender, sizeof(sender), "row%zu@campus.test", i);
		snprintf(recipient, sizeof(recipient), "user@%s",
		    rows[i].domain);
		ck_assert_int_eq(talk_once("127.0.0.2",
				     daemon_port(scene.daemon), sender,
				     recipient, TEXT),
		    250);
	}
	for (i = 0; i < ROWS; i++) {
		wrong = wrong_with(&scene, i);
		if (wrong != NULL)
			buf_addf(&text, "\nrow %zu, %s: %s", i, rows[i].domain,
			    wrong);
	}
	ck_assert_msg(text.len == 0, "%s", buf_text(&text));
	buf_clear(&text);
	scene_close(&scene);
	zone_free(zone);
}
END_TEST

/* Sends a message with so many Received fields; the reply to its dot. */
static int
send_received(struct scene *scene, unsigned count)
{
	static const char *const recipients[] = { "a@campus.test", NULL };
	struct buf content;
	unsigned i;
	int code;

	buf_init(&content, 1 << 20);
	for (i = 0; i < count; i++)
		buf_addf(&content,
		    "%s: from a.example by b.example with SMTP;\r\n"
		    "\tThu, 1 Jan 2026 00:00:00 +0000\r\n",
		    i % 2 == 0 ? "Received" : "RECEIVED");
	/* What stands below the header section is no trace of a loop. */
	buf_add(&content, SPAN("Subject: x\r\n\r\nReceived: no\r\n"));
	code =
	    scene_send(scene, "b@campus.test", recipients, buf_span(&content));
	buf_clear(&content);
	return code;
}

START_TEST(more_than_fifty_received_fields_are_a_loop)
{
	struct scene scene;

	scene_open(&scene, NULL);
	ck_assert_int_eq(send_received(&scene, 50), 250);
	ck_assert_int_eq(send_received(&scene, 51), 554);
	ck_assert(hop_wait(scene.campus, 1, SCENE_WAIT_MS));
	scene_settle(&scene);
	ck_assert_uint_eq(hop_count(scene.campus), 2);
	ck_assert_int_gt(daemon_logged(scene.daemon, "event=refused", "5.4.6",
			     NULL) +
		daemon_logged(scene.daemon, "event=refused", "code=554", NULL),
	    0);
	scene_close(&scene);
}
END_TEST

/* A hosted domain whose hop is this very relay: the trace grows and ends. */
START_TEST(a_route_back_to_ourselves_ends_as_a_loop)
{
	struct scene scene;
	char hosted[256];

	scene_open(&scene, NULL);
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\nround.test via=[127.0.0.1]:%u\n",
	    hop_port(scene.campus), daemon_port(scene.daemon));
	daemon_write(scene.daemon, "hosted", hosted);
	daemon_reload(scene.daemon);
	ck_assert_int_eq(scene_send_one(&scene, "printer@campus.test",
			     "a@round.test"),
	    250);
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.campus, "printer@campus.test", SCENE_WAIT_MS));
	scene_settle(&scene);
	ck_assert_ptr_null(
	    hop_mail_for(scene.campus, "printer@campus.test", 1));
	scene_close(&scene);
}
END_TEST

static Suite *
loops_suite(void)
{
	Suite *suite = suite_create("loops");
	TCase *tcase = tcase_create("loops");

	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase,
	    exchangers_that_cannot_be_are_told_from_those_that_wait);
	tcase_add_test(tcase, more_than_fifty_received_fields_are_a_loop);
	tcase_add_test(tcase, a_route_back_to_ourselves_ends_as_a_loop);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(loops_suite)
