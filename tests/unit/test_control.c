/*
 * test_control - requests of any bytes get an answer; a long queue is told in
 * small slices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/admin/control_job.h"
#include "relayd/delivery/holds.h"
#include "relayd/delivery/manage.h"
#include "relayd/net/helper.h"
#include "spool/look.h"
#include "tests/support/sending_scene.h"
#include "tests/support/suite.h"

enum {
	MANY = 5000,
	/* in one step: */
	LOOKS_MAX = 600, /* in memory */
	READS_MAX = 12,  /* from the disk */
	HOLDS_MAX = 50,
	DROPS_MAX = 8,
};

static size_t looks, reads, drops, holds;

void __real_manage_look(struct delivery *delivery, struct spool_entry *entry,
    void (*tell)(void *owner, const struct wait *wait), void *owner);
void __wrap_manage_look(struct delivery *delivery, struct spool_entry *entry,
    void (*tell)(void *owner, const struct wait *wait), void *owner);
bool __real_look_envelope(struct spool *spool, const struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope);
bool __wrap_look_envelope(struct spool *spool, const struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope);
bool __real_manage_drop(struct delivery *delivery, struct spool_entry *entry,
    bool notice);
bool __wrap_manage_drop(struct delivery *delivery, struct spool_entry *entry,
    bool notice);

void
__wrap_manage_look(struct delivery *delivery, struct spool_entry *entry,
    void (*tell)(void *owner, const struct wait *wait), void *owner)
{
	looks++;
	__real_manage_look(delivery, entry, tell, owner);
}

bool
__wrap_look_envelope(struct spool *spool, const struct spool_entry *entry,
    struct buf *bytes, struct envelope *envelope)
{
	reads++;
	return __real_look_envelope(spool, entry, bytes, envelope);
}

bool
__wrap_manage_drop(struct delivery *delivery, struct spool_entry *entry,
    bool notice)
{
	drops++;
	return __real_manage_drop(delivery, entry, notice);
}

bool __real_manage_hold(struct delivery *delivery, struct spool_entry *entry);
bool __wrap_manage_hold(struct delivery *delivery, struct spool_entry *entry);

bool
__wrap_manage_hold(struct delivery *delivery, struct spool_entry *entry)
{
	holds++;
	return __real_manage_hold(delivery, entry);
}

void __real_control_wake(struct control_job *job);
void __wrap_control_wake(struct control_job *job);

/* Here no connection is behind the job. */
void
__wrap_control_wake(struct control_job *woken)
{
	woken->waits = false;
}

static bool loading;
bool __real_look_loading(const struct spool *spool);
bool __wrap_look_loading(const struct spool *spool);

bool
__wrap_look_loading(const struct spool *spool)
{
	return loading || __real_look_loading(spool);
}

/* ---- one request ---- */

static struct control_rooms rooms;
static struct control_job job;
static struct buf out;

static void
set_up(void)
{
	sending_set_up();
	rooms = (struct control_rooms){
		.loop = sending.loop,
		.spool = sending.spool,
		.delivery = sending.delivery,
		.conf = &sending.conf,
		.rules = sending.rules,
	};
	buf_init(&out, 64 << 20);
	control_job_init(&job, &rooms, &out);
}

static void
tear_down(void)
{
	control_job_clear(&job);
	buf_clear(&out);
	sending_tear_down();
}

/* Runs it to its end; how many turns it took. */
static size_t
ask(struct span line)
{
	const struct control_command *command = control_read(&job, line);
	size_t turns = 0;

	if (command != NULL)
		command->begin(&job);
	while (job.step != NULL) {
		looks = reads = drops = holds = 0;
		turns++;
		if (!job.step(&job))
			break;
		if (job.waits)
			helper_wait(rooms.helper);
		ck_assert_uint_le(looks, LOOKS_MAX);
		ck_assert_uint_le(reads, READS_MAX);
		ck_assert_uint_le(drops, DROPS_MAX);
		ck_assert_uint_le(holds, HOLDS_MAX);
		ck_assert(!job.waits);
	}
	control_job_end(&job);
	return turns;
}

#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct span hostile[] = {
	BYTES(""),
	BYTES("\0"),
	BYTES("\xff\xfe"),
	BYTES("{"),
	BYTES("[]"),
	BYTES("\"status\""),
	BYTES("{}"),
	BYTES("{\"command\":null}"),
	BYTES("{\"command\":\"\"}"),
	BYTES("{\"command\":\"stat\\u0000us\"}"),
	BYTES("{\"command\":\"queue\",\"command\":\"queue\"}"),
	BYTES("{\"command\":\"queue\"} {}"),
	BYTES("{\"command\":\"queue\",\"ids\":\"x\"}"),
	BYTES("{\"command\":\"queue\",\"ids\":[]}"),
	BYTES("{\"command\":\"queue\",\"ids\":[1]}"),
	BYTES("{\"command\":\"queue\",\"ids\":[\"001k0z9ty9x5\"]}"),
	BYTES("{\"command\":\"queue\",\"older\":-1}"),
	BYTES("{\"command\":\"queue\",\"older\":99999999999999999999}"),
	BYTES("{\"command\":\"queue\",\"limit\":1.5}"),
	BYTES("{\"command\":\"queue\",\"domain\":\"\"}"),
	BYTES("{\"command\":\"queue\",\"client\":\"1.2.3.4/\"}"),
	BYTES("{\"command\":\"queue\",\"all\":\"yes\"}"),
	BYTES("{\"command\":\"drop\"}"),
	BYTES("{\"command\":\"drop\",\"all\":true,\"sender\":\"a@b\"}"),
	BYTES("{\"command\":\"show\"}"),
	BYTES("{\"command\":\"show\",\"id\":[]}"),
	BYTES("{\"command\":\"hold\",\"dry\":1,\"all\":true}"),
};

START_TEST(a_request_that_is_none_is_answered_with_status_2)
{
	ask(hostile[_i]);
	ck_assert_int_eq(job.status, CONTROL_USAGE);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"error\":"));
	ck_assert_uint_eq(span_find(buf_span(&out), '\n'), out.len - 1);
}
END_TEST

START_TEST(what_peers_sent_is_escaped_in_the_answer)
{
	json_t *text = control_text(SPAN("a\xff\x1b[31m\n\"b"));

	ck_assert_str_eq(json_string_value(text), "a\\xff\\x1b[31m\\x0a\\\"b");
	json_decref(text);
}
END_TEST

START_TEST(a_row_that_does_not_fit_is_told_to_be_missing)
{
	size_t filler = out.max - 2000;
	char *text = malloc(4001);

	memset(text, 'x', 4000);
	text[4000] = '\0';
	buf_grew(&out, 0);
	while (out.len < filler)
		buf_add_byte(&out, '\n');
	control_say(&job,
	    json_pack("{s:s, s:s}", "kind", "long", "text", text));
	ck_assert_uint_eq(out.len, filler);
	control_say(&job, json_pack("{s:s}", "kind", "short"));
	ck_assert_uint_gt(out.len, filler);
	control_job_end(&job);
	ck_assert_int_eq(job.status, CONTROL_NO);
	ck_assert_ptr_nonnull(strstr(buf_text(&out) + filler, "too long"));
	free(text);
}
END_TEST

/* ---- many messages ---- */

static const struct slices_row {
	const char *request;
	size_t turns; /* at least */
	size_t lines; /* of the answer, all told */
} slices[] = {
	/* the sum, a destination, 50 messages, the end */
	{ "{\"command\":\"queue\"}", 3, 53 },
	{ "{\"command\":\"queue\",\"limit\":0}", 2, 3 },
	{ "{\"command\":\"queue\",\"all\":true}", 100, MANY + 3 },
	{ "{\"command\":\"queue\",\"limit\":0,\"sender\":\"@x\"}", 100, 2 },
	{ "{\"command\":\"retry\",\"all\":true}", 5, 2 },
	{ "{\"command\":\"drop\",\"dry\":true,\"all\":true}", 50, 12 },
	{ "{\"command\":\"drop\",\"recipient\":\"b@x\"}", 100, 2 },
};

START_TEST(a_long_queue_is_worked_on_in_small_slices)
{
	size_t i, lines = 0;

	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", MANY);
	sending_run(&sending, 10 * SECOND);
	ck_assert_uint_ge(ask(span_of(slices[_i].request)), slices[_i].turns);
	for (i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	ck_assert_uint_eq(lines, slices[_i].lines);
	ck_assert_uint_eq(sending_owed(&sending), MANY);
}
END_TEST

START_TEST(the_oldest_are_listed_first)
{
	char first[SPOOL_ID_LEN + 1], second[SPOOL_ID_LEN + 1];
	char *one, *two;

	hosts[0].down = "connection refused";
	spool_id_text(sending_one(&sending, "a@campus.test"), first);
	spool_id_text(sending_one(&sending, "a@campus.test"), second);
	sending_many(&sending, "a@campus.test", 500);
	ask(SPAN("{\"command\":\"queue\",\"limit\":2}"));
	one = strstr(buf_text(&out), first);
	two = strstr(buf_text(&out), second);
	ck_assert_ptr_nonnull(one);
	ck_assert_ptr_nonnull(two);
	ck_assert(one < two);
}
END_TEST

START_TEST(what_came_after_the_question_is_not_touched)
{
	char request[200], newest[SPOOL_ID_LEN + 1];

	hosts[0].down = "connection refused";
	spool_id_text(sending_one(&sending, "a@campus.test"), newest);
	sending_one(&sending, "a@campus.test");
	snprintf(request, sizeof(request),
	    "{\"command\":\"retry\",\"all\":true,\"newest\":\"%s\"}", newest);
	ask(span_of(request));
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "\"matched\":1"));
}
END_TEST

static const char *const while_loading[] = {
	"{\"command\":\"show\",\"id\":\"001k0z9ty9x5g\"}",
	"{\"command\":\"drop\",\"ids\":[\"001k0z9ty9x5g\"]}",
};

START_TEST(what_is_not_there_may_still_come_while_the_spool_is_read)
{
	loading = true;
	ask(span_of(while_loading[_i]));
	loading = false;
	ck_assert_int_eq(job.status, CONTROL_NO);
	ck_assert_ptr_nonnull(strstr(buf_text(&out), "still being read"));
}
END_TEST

/* ---- holds, which are kept in a file ---- */

static char spool_folder[64], held[96];

static void
set_up_holds(void)
{
	set_up();
	strcpy(spool_folder, "/tmp/relayd-control.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(spool_folder));
	snprintf(held, sizeof(held), "%s/held", spool_folder);
	sending.conf.spool.directory = spool_folder;
	rooms.helper = helper_new(sending.loop);
	hosts[0].down = "connection refused";
	sending_many(&sending, "a@campus.test", MANY);
	sending_run(&sending, 10 * SECOND);
}

static void
tear_down_holds(void)
{
	helper_free(rooms.helper);
	loop_turn(sending.loop, false);
	sending.conf.spool.directory = NULL;
	unlink(held);
	rmdir(spool_folder);
	tear_down();
}

static size_t
count_kept(void)
{
	struct holds kept;
	struct buf why;
	size_t count;

	holds_init(&kept);
	buf_init(&why, 1000);
	ck_assert_msg(holds_read(&kept, held, &why), "%s", buf_text(&why));
	count = kept.count;
	holds_clear(&kept);
	buf_clear(&why);
	return count;
}

START_TEST(many_are_held_in_small_slices_and_kept)
{
	ck_assert_uint_ge(ask(SPAN("{\"command\":\"hold\",\"all\":true}")),
	    100);
	ck_assert_uint_eq(count_kept(), MANY);
}
END_TEST

START_TEST(whoever_leaves_in_the_middle_leaves_what_was_held_in_the_file)
{
	const struct control_command *command;
	size_t count;
	int i;

	command =
	    control_read(&job, SPAN("{\"command\":\"hold\",\"all\":true}"));
	command->begin(&job);
	for (i = 0; i < 3; i++)
		ck_assert(job.step(&job));
	control_job_clear(&job);
	helper_wait(rooms.helper);
	free(manage_held(sending.delivery, &count));
	ck_assert_uint_gt(count, 0);
	ck_assert_uint_lt(count, MANY);
	ck_assert_uint_eq(count_kept(), count);
}
END_TEST

static Suite *
control_suite(void)
{
	Suite *suite = suite_create("control");
	TCase *tcase = tcase_create("requests");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase,
	    a_request_that_is_none_is_answered_with_status_2, 0,
	    sizeof(hostile) / sizeof(hostile[0]));
	tcase_add_test(tcase, what_peers_sent_is_escaped_in_the_answer);
	tcase_add_test(tcase, a_row_that_does_not_fit_is_told_to_be_missing);
	tcase_add_loop_test(tcase, a_long_queue_is_worked_on_in_small_slices, 0,
	    sizeof(slices) / sizeof(slices[0]));
	tcase_add_test(tcase, the_oldest_are_listed_first);
	tcase_add_test(tcase, what_came_after_the_question_is_not_touched);
	tcase_add_loop_test(tcase,
	    what_is_not_there_may_still_come_while_the_spool_is_read, 0,
	    sizeof(while_loading) / sizeof(while_loading[0]));
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("holds");
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, set_up_holds, tear_down_holds);
	tcase_add_test(tcase, many_are_held_in_small_slices_and_kept);
	tcase_add_test(tcase,
	    whoever_leaves_in_the_middle_leaves_what_was_held_in_the_file);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(control_suite)
