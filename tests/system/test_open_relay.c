/*
 * test_open_relay - a client without a grant reaches hosted domains and
 * nothing else, however it writes the address; seen from the receiving end.
 */
#include <stdio.h>

#include "tests/support/relay_tricks.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define TEXT "Subject: x\r\n\r\nx\r\n"

/* A relay that hosts what relay_tricks.h says, before one hop for all. */
struct stage {
	struct daemon *daemon;
	struct hop *hop;
};

static void
stage_open(struct stage *stage)
{
	char hosted[256], delivery[128];
	struct daemon_setup setup = { .hosted = hosted,
		.delivery = delivery,
		.allowlist = "127.0.0.2 owner=lab@campus.test\n"
			     "127.0.0.3 to=partner.example\n"
			     "127.0.0.4 from=*@lims.campus.test\n"
			     "127.0.0.5 until=2020-01-01\n"
			     "127.0.1.0/24\n!127.0.1.9\n" };

	stage->hop = hop_new(NULL);
	snprintf(hosted, sizeof(hosted),
	    "campus.test via=[127.0.0.1]:%u\n"
	    ".sub.campus.test via=[127.0.0.1]:%u\n"
	    "[192.0.2.25] via=[127.0.0.1]:%u\n",
	    hop_port(stage->hop), hop_port(stage->hop), hop_port(stage->hop));
	snprintf(delivery, sizeof(delivery), "outside = \"[127.0.0.1]:%u\";",
	    hop_port(stage->hop));
	stage->daemon = daemon_new(&setup);
	daemon_start(stage->daemon);
}

static void
stage_close(struct stage *stage)
{
	daemon_free(stage->daemon);
	hop_free(stage->hop);
}

static void
begin(struct stage *stage, struct talk *talk)
{
	ck_assert(talk_open(talk, NULL, daemon_port(stage->daemon)));
	ck_assert_int_eq(talk_reply(talk), 220);
	ck_assert_int_eq(talk_say(talk, "EHLO campus.test"), 250);
	ck_assert_int_eq(talk_say(talk, "MAIL FROM:<boss@campus.test>"), 250);
}

/*
 * Sends the trick and hears every reply up to the one to a VRFY behind it
 * (some tricks hold line ends, and so are several commands).  False when one
 * of them is a yes.
 */
static bool
refused(struct talk *talk, const struct relay_trick *trick)
{
	struct buf wire;
	int code, replies = 0;
	bool good;

	buf_init(&wire, 4096);
	buf_add(&wire, SPAN("RCPT TO:"));
	buf_add(&wire, span_make(trick->rcpt, trick->len));
	buf_add(&wire, SPAN("\r\nVRFY end\r\n"));
	good = talk_send(talk, buf_span(&wire));
	buf_clear(&wire);
	while (good && (code = talk_reply(talk)) != 252) {
		good = code >= 400;
		replies++;
	}
	return good && replies > 0;
}

START_TEST(no_way_of_writing_an_address_opens_the_relay)
{
	struct stage stage;
	struct talk talk;
	struct buf text;
	size_t i;

	buf_init(&text, 1 << 16);
	stage_open(&stage);
	for (i = 0; i < RELAY_TRICKS; i++) {
		begin(&stage, &talk);
		if (!refused(&talk, &relay_tricks[i]) ||
		    talk_say(&talk, "DATA") == 354)
			buf_addf(&text, "\nrow %zu, %s: %.*s", i,
			    relay_tricks[i].name,
			    SPAN_ARG(buf_span(&talk.text)));
		talk_close(&talk);
	}
	ck_assert_msg(text.len == 0, "not refused:%s", buf_text(&text));
	buf_clear(&text);
	/* One that may pass does, and nothing came before it. */
	ck_assert_int_eq(talk_once(NULL, daemon_port(stage.daemon),
			     "a@campus.test", "b@campus.test", TEXT),
	    250);
	ck_assert(hop_wait(stage.hop, 1, SCENE_WAIT_MS));
	ck_assert_uint_eq(hop_count(stage.hop), 1);
	stage_close(&stage);
}
END_TEST

/* Who, from whom, to whom, and the answer. */
static const struct row {
	const char *client;
	const char *sender;
	const char *recipient;
	int code;
} rows[] = {
	/* clang-format off */
	/* no grant: the sender opens nothing */
	{ "127.0.0.1", "",                      "a@outside.example", 550 },
	{ "127.0.0.1", "postmaster@campus.test", "a@outside.example", 550 },
	{ "127.0.0.1", "a@outside.example",     "a@outside.example", 550 },
	{ "127.0.0.1", "root",                  "a@outside.example", 550 },
	{ "127.0.0.1", "a@outside.example",     "a@campus.test",     250 },
	{ "127.0.0.1", "",                      "a@x.sub.campus.test", 250 },
	{ "127.0.0.1", "a@campus.test",         "PostMaster",        250 },
	{ "127.0.0.1", "a@campus.test",         "a@[192.0.2.25]",    250 },
	/* a grant of everything */
	{ "127.0.0.2", "anybody@anywhere.example", "a@outside.example", 250 },
	{ "127.0.0.2", "",                      "a@outside.example", 250 },
	/* grants of something */
	{ "127.0.0.3", "a@campus.test",         "a@partner.example", 250 },
	{ "127.0.0.3", "a@campus.test",         "a@outside.example", 550 },
	{ "127.0.0.3", "a@campus.test",         "a@x.partner.example", 550 },
	{ "127.0.0.4", "a@lims.campus.test",    "a@outside.example", 250 },
	{ "127.0.0.4", "a@campus.test",         "a@outside.example", 550 },
	{ "127.0.0.5", "a@campus.test",         "a@outside.example", 550 },
	/* a network and the host carved out of it */
	{ "127.0.1.8", "a@campus.test",         "a@outside.example", 250 },
	{ "127.0.1.9", "a@campus.test",         "a@outside.example", 550 },
	{ "127.0.2.1", "a@campus.test",         "a@outside.example", 550 },
	/* clang-format on */
};

enum {
	ROWS = sizeof(rows) / sizeof(rows[0])
};

START_TEST(grants_open_just_what_they_say)
{
	struct stage stage;
	size_t i, arrive = 0;
	int code;

	stage_open(&stage);
	for (i = 0; i < ROWS; i++) {
		code = talk_once(rows[i].client, daemon_port(stage.daemon),
		    rows[i].sender, rows[i].recipient, TEXT);
		ck_assert_msg(code == rows[i].code, "row %zu: %d", i, code);
		arrive += code == 250;
	}
	ck_assert(hop_wait(stage.hop, arrive, SCENE_WAIT_MS));
	ck_assert_uint_eq(hop_count(stage.hop), arrive);
	ck_assert_ptr_nonnull(
	    hop_mail_for(stage.hop, "postmaster@campus.test", 0));
	stage_close(&stage);
}
END_TEST

START_TEST(a_refusal_says_why_and_carries_a_reference_to_the_log)
{
	struct stage stage;
	struct talk talk;
	char reference[64];
	struct span text;

	stage_open(&stage);
	begin(&stage, &talk);
	ck_assert_int_eq(talk_say(&talk, "RCPT TO:<a@outside.example>"), 550);
	text = buf_span(&talk.text);
	ck_assert(scene_holds(text, "5.7.1"));
	ck_assert(scene_holds(text, "a@outside.example"));
	ck_assert(scene_holds(text, "Ask helpdesk@campus.test"));
	text = span_skip(text, span_find_last(text, '[') + 1);
	ck_assert(span_starts(text, SPAN("ref ")));
	text = span_skip(text, 4);
	snprintf(reference, sizeof(reference), "%.*s",
	    SPAN_ARG(span_head(text, span_find(text, ']'))));
	talk_close(&talk);
	daemon_wait_log(stage.daemon, "event=refused", "code=550",
	    "a@outside.example", "client=127.0.0.1", reference, NULL);
	stage_close(&stage);
}
END_TEST

static Suite *
open_relay_suite(void)
{
	Suite *suite = suite_create("open relay");
	TCase *tcase = tcase_create("open relay");

	tcase_set_timeout(tcase, 90);
	tcase_add_test(tcase, no_way_of_writing_an_address_opens_the_relay);
	tcase_add_test(tcase, grants_open_just_what_they_say);
	tcase_add_test(tcase,
	    a_refusal_says_why_and_carries_a_reference_to_the_log);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(open_relay_suite)
