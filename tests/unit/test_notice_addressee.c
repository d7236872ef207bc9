/*
 * test_notice_addressee - who is told of a delivery, and who never is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/delivery/notice.h"
#include "tests/support/suite.h"

static char hosted_file[64], known_file[64];
static struct rules *rules;
static char postmaster[] = "postmaster@campus.test";
static struct conf conf = { .postmaster = postmaster };

static void
set_up(void)
{
	struct rules_sources sources = {
		.hosted = hosted_file,
		.postmaster = postmaster,
		.outside = { .mx = true },
	};
	struct complaints complaints;
	FILE *file;

	strcpy(known_file, "/tmp/relayd-test-XXXXXX");
	file = fdopen(mkstemp(known_file), "w");
	ck_assert_ptr_nonnull(file);
	fputs("alice\n", file);
	fclose(file);
	strcpy(hosted_file, "/tmp/relayd-test-XXXXXX");
	file = fdopen(mkstemp(hosted_file), "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file,
	    "campus.test via=mx1.campus.test\n"
	    "known.test via=mx1.campus.test recipients=%s\n"
	    "gone.test refuse=\"moved\"\n",
	    known_file);
	fclose(file);
	complaints_init(&complaints);
	rules = rules_load(&sources, &complaints);
	ck_assert_str_eq(complaints_text(&complaints), "");
	complaints_clear(&complaints);
}

static void
tear_down(void)
{
	unlink(hosted_file);
	unlink(known_file);
	rules_free(rules);
}

#define G ENVELOPE_GRANTED
#define N ENVELOPE_NOTICE

static const struct {
	const char *sender;
	unsigned flags;
	const char *owner;
	unsigned notify;
	enum notice_kind kind;
	enum conf_bounce bounce;
	enum notice_addressee whom;
	const char *to;
} tellings[] = {
	/* clang-format off */
	/* a hosted sender, from any client */
	{ "a@campus.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", 0, NOTICE_DELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	/* somebody else's address: only from a client that holds a grant */
	{ "a@outside.test", G, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@outside.test" },
	{ "a@outside.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@outside.test", 0, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@sub.campus.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@gone.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@outside.test", 0, "", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SENDER, "a@outside.test" },
	/* senders that cannot take mail */
	{ "root", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@localhost", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@host.localdomain", G, "o@campus.test", 0, NOTICE_DELAYED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@printer3", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root@192.0.2.1", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "root", G, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "root", 0, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "root@localhost", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	{ "a@[192.0.2.1]", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@[192.0.2.1]" },
	/* and those of which our own table says so */
	{ "Alice@known.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "Alice@known.test" },
	{ "postmaster@known.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SENDER, "postmaster@known.test" },
	{ "scanner@known.test", 0, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "scanner@known.test", 0, "", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "scanner@known.test", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	{ "scanner@known.test", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "scanner@known.test", G, "", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "a@gone.test", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_OWNER, "o@campus.test" },
	{ "a@gone.test", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	/* the null sender is never answered */
	{ "", G, "o@campus.test", 0, NOTICE_FAILED, 0, NOTIFY_SUMMARY, "" },
	{ "", 0, "", 0, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_SUMMARY, "" },
	{ "", G, "o@campus.test", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "", G, "", NOTIFY_SUCCESS, NOTICE_RELAYED, BOUNCE_ALL, NOTIFY_NOBODY, "" },
	/* NOTIFY= */
	{ "a@campus.test", 0, "", NOTIFY_NEVER, NOTICE_FAILED, BOUNCE_ALL, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_NEVER | NOTIFY_FAILURE, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", NOTIFY_NEVER, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_SUCCESS, NOTICE_FAILED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_FAILURE, NOTICE_FAILED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", NOTIFY_FAILURE, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_DELAY, NOTICE_DELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", 0, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	{ "a@campus.test", 0, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", NOTIFY_SUCCESS, NOTICE_DELIVERED, 0, NOTIFY_SENDER, "a@campus.test" },
	{ "a@campus.test", 0, "", 0, NOTICE_DELIVERED, 0, NOTIFY_NOBODY, "" },
	{ "a@outside.test", 0, "", NOTIFY_SUCCESS, NOTICE_DELIVERED, 0, NOTIFY_NOBODY, "" },
	/* a notice of ours that failed: once to the postmaster, no loop */
	{ "", N, "", 0, NOTICE_FAILED, 0, NOTIFY_POSTMASTER, "postmaster@campus.test" },
	{ "", N, "", 0, NOTICE_DELAYED, 0, NOTIFY_NOBODY, "" },
	{ "", N, "", NOTIFY_SUCCESS, NOTICE_RELAYED, 0, NOTIFY_NOBODY, "" },
	/* clang-format on */
};

START_TEST(notice_goes_only_to_those_we_may_rely_on)
{
	struct envelope envelope = {
		.sender = span_of(tellings[_i].sender),
		.owner = span_of(tellings[_i].owner),
		.flags = tellings[_i].flags,
	};
	struct recipient recipient = {
		.address = SPAN("bob@example.org"),
		.notify = tellings[_i].notify,
	};
	struct buf to;

	buf_init(&to, 1000);
	buf_add(&to, SPAN("what was there before"));
	conf.delivery.bounce = tellings[_i].bounce;
	ck_assert_int_eq(notice_addressee(&envelope, &recipient,
			     tellings[_i].kind, &conf, rules, &to),
	    tellings[_i].whom);
	ck_assert_str_eq(buf_text(&to), tellings[_i].to);
	ck_assert_int_eq(notice_addressee(&envelope, &recipient,
			     tellings[_i].kind, &conf, rules, NULL),
	    tellings[_i].whom);
	buf_clear(&to);
}
END_TEST

START_TEST(failed_notice_to_the_postmaster_ends_there)
{
	struct envelope envelope = { .flags = ENVELOPE_NOTICE };
	struct recipient recipient = { .address = span_of(postmaster) };

	ck_assert_int_eq(notice_addressee(&envelope, &recipient, NOTICE_FAILED,
			     &conf, rules, NULL),
	    NOTIFY_NOBODY);
}
END_TEST

static Suite *
notice_addressee_suite(void)
{
	Suite *suite = suite_create("notice_addressee");
	TCase *tcase = tcase_create("notice_addressee");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, notice_goes_only_to_those_we_may_rely_on, 0,
	    sizeof(tellings) / sizeof(tellings[0]));
	tcase_add_test(tcase, failed_notice_to_the_postmaster_ends_there);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(notice_addressee_suite)
