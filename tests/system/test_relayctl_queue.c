/*
 * test_relayctl_queue - status, queue, show, retry, hold, release and drop,
 * for people and as JSON, with a running relayd and without one.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/asked.h"
#include "tests/support/scene.h"
#include "tests/support/suite.h"

#define SENDER "printer@campus.test"
#define CONTROL                                                \
	&(struct scene_setup)                                  \
	{                                                      \
		.lab = later, .more = "control = \"control\";" \
	}

static const struct hop_rule later[] = {
	{ HOP_RCPT, "slow", "450 4.2.0 the mailbox is being moved", 0 },
	HOP_RULES_END,
};

static struct scene scene;
static struct buf out;

static void
make(void)
{
	scene_open(&scene, CONTROL);
	buf_init(&out, 1 << 20);
}

static void
clean(void)
{
	buf_clear(&out);
	scene_close(&scene);
}

/* The member of the first JSON row of this kind; its text is owned by row. */
static json_t *
row_of(const char *kind)
{
	struct span rest = buf_span(&out), line;
	json_t *row;

	while (rest.len > 0) {
		line = span_cut(&rest, '\n');
		row = json_loadb(line.data, line.len, 0, NULL);
		ck_assert_msg(json_is_object(row), "%s", buf_text(&out));
		if (strcmp(json_string_value(json_object_get(row, "kind")),
			kind) == 0)
			return row;
		json_decref(row);
	}
	ck_abort_msg("no row of kind %s in %s", kind, buf_text(&out));
}

static void
id_of(const char *recipient, char id[32])
{
	json_t *row;

	ASKED(0, scene.daemon, &out, "queue", "--json", "--recipient",
	    recipient);
	row = row_of("message");
	snprintf(id, 32, "%s", json_string_value(json_object_get(row, "id")));
	json_decref(row);
}

/* Two messages wait at the lab, each after its first attempt. */
static void
let_two_wait(void)
{
	ck_assert_int_eq(scene_send_one(&scene, SENDER, "slow1@lab.test"), 250);
	ck_assert_int_eq(scene_send_one(&scene, "x@lab.test", "slow2@lab.test"),
	    250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow1", NULL);
	daemon_wait_log(scene.daemon, "event=deferred", "slow2", NULL);
}

START_TEST(status_says_how_the_relay_does)
{
	json_t *row, *queue;

	let_two_wait();
	ASKED(0, scene.daemon, &out, "status");
	HEARD(&out, "healthy");
	HEARD(&out, "2 messages for 1 destinations");
	HEARD(&out, "hosted domains");
	ASKED(0, scene.daemon, &out, "--json", "status");
	row = row_of("status");
	queue = json_object_get(row, "queue");
	ck_assert_int_eq(json_integer_value(json_object_get(queue, "messages")),
	    2);
	ck_assert(json_is_true(json_object_get(row, "healthy")));
	json_decref(row);
}
END_TEST

/* Commands that need a running relayd; and what is no such command. */
static const struct row {
	const char *argv[6];
	int status;
} rows[] = {
	{ { "status" }, 3 },
	{ { "queue" }, 3 },
	{ { "queue", "--json" }, 3 },
	{ { "show", "001k0z9ty9x5g" }, 3 },
	{ { "retry", "--all", "--yes" }, 3 },
	{ { "hold", "001k0z9ty9x5g" }, 3 },
	{ { "release", "--older", "1h", "--yes" }, 3 },
	{ { "drop", "--all", "--yes", "--notice" }, 3 },
	{ { "status", "more" }, 2 },
	{ { "show" }, 2 },
	{ { "drop" }, 2 },
	{ { "retry", "--yes" }, 2 },
	{ { "queue", "--older", "soon" }, 2 },
	{ { "queue", "--older" }, 2 },
	{ { "queue", "--colour" }, 2 },
	{ { "hold", "--notice", "--all" }, 2 },
};

START_TEST(without_a_server_the_exit_status_says_so)
{
	const char *const *argv = rows[_i].argv;

	daemon_stop(scene.daemon);
	ASKED(rows[_i].status, scene.daemon, &out, argv[0], argv[1], argv[2],
	    argv[3], argv[4]);
	if (rows[_i].status == 3)
		HEARD(&out, "not running");
}
END_TEST

static const struct wrong {
	const char *argv[6];
	int status;
	const char *says;
} wrongs[] = {
	{ { "show", "001k0z9ty9x5g" }, 1, "no message" },
	{ { "show", "x" }, 2, "message ID" },
	{ { "hold", "001k0z9ty9x5g", "--yes" }, 1, "no such message" },
	{ { "hold", "x", "--yes" }, 2, "message ID" },
	{ { "queue", "--client", "lab" }, 2, "address or a network" },
	{ { "queue", "--client", "10.0.0.0/33" }, 2, "too many bits" },
	{ { "drop", "--all", "slow", "--yes" }, 2, "" },
};

START_TEST(with_a_server_the_exit_status_says_so)
{
	const struct wrong *wrong = &wrongs[_i];

	ASKED(wrong->status, scene.daemon, &out, wrong->argv[0], wrong->argv[1],
	    wrong->argv[2], wrong->argv[3]);
	HEARD(&out, wrong->says);
}
END_TEST

static const struct filter_row {
	const char *option, *value;
	int messages;
} filters[] = {
	{ "--domain", "lab.test", 2 },
	{ "--domain", "LAB.test", 2 },
	{ "--domain",
	    "l\xc3\xa4"
	    "b.test",
	    0 }, /* another one */
	{ "--domain",
	    "\xef\xbd\x8c"
	    "ab.test",
	    2 }, /* a wide l, as typed */
	{ "--domain", "test", 0 },
	{ "--sender", SENDER, 1 },
	{ "--sender", "PRINTER@campus.test", 1 },
	{ "--sender", "@lab.test", 1 },
	{ "--sender", "<>", 0 },
	{ "--recipient", "slow2@lab.test", 1 },
	{ "--recipient", "@lab.test", 2 },
	{ "--client", "127.0.0.1", 2 },
	{ "--client", "127.0.0.0/8", 2 },
	{ "--client", "192.0.2.1", 0 },
	{ "--client", "::1", 0 },
	{ "--older", "1h", 0 },
	{ "--younger", "1h", 2 },
	{ "--limit", "1", 2 },
};

START_TEST(a_filter_says_which_messages_are_meant)
{
	size_t i;
	json_t *row;

	let_two_wait();
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		ASKED(0, scene.daemon, &out, "queue", "--json",
		    filters[i].option, filters[i].value);
		row = row_of("queue");
		ck_assert_msg(json_integer_value(json_object_get(row,
				  "messages")) == filters[i].messages,
		    "%s %s: %s", filters[i].option, filters[i].value,
		    buf_text(&out));
		json_decref(row);
	}
}
END_TEST

START_TEST(queue_lists_destinations_and_then_messages)
{
	char *destination, *message;

	let_two_wait();
	ASKED(0, scene.daemon, &out, "queue");
	destination = strstr(buf_text(&out), "[127.0.0.1]:");
	message = strstr(buf_text(&out), "slow1@lab.test");
	ck_assert_ptr_nonnull(destination);
	ck_assert_ptr_nonnull(message);
	ck_assert(destination < message);
	ASKED(0, scene.daemon, &out, "queue", "--all");
	HEARD(&out, "slow1@lab.test");
	HEARD(&out, "slow2@lab.test");
	ASKED(0, scene.daemon, &out, "queue", "--limit", "1");
	HEARD(&out, "1 more");
}
END_TEST

START_TEST(show_has_the_envelope_the_answers_and_the_header)
{
	char id[32];

	let_two_wait();
	id_of("slow1@lab.test", id);
	ASKED(0, scene.daemon, &out, "show", id);
	HEARD(&out, SENDER);
	HEARD(&out, "450 4.2.0 the mailbox is being moved");
	HEARD(&out, "Received: from");
	ASKED(0, scene.daemon, &out, "show", id, "--body");
	HEARD(&out, "Received: from");
	HEARD(&out, "\r\n\r\n");
	ASKED(0, scene.daemon, &out, "show", id, "--json");
	HEARD(&out, "\"attempts\":[{");
}
END_TEST

enum {
	OWED = 700
};

START_TEST(show_has_every_recipient_however_many)
{
	const char *to[OWED + 1] = { NULL };
	static char names[OWED][32];
	json_t *row;
	char id[32];
	int i;

	for (i = 0; i < OWED; i++) {
		snprintf(names[i], sizeof(names[i]), "slow%d@lab.test", i);
		to[i] = names[i];
	}
	ck_assert_int_eq(scene_send(&scene, SENDER, to, SPAN("x: y\r\n\r\n")),
	    250);
	daemon_wait_log(scene.daemon, "event=deferred", "slow", NULL);
	id_of("slow1@lab.test", id);
	ASKED(0, scene.daemon, &out, "show", id, "--json");
	row = row_of("message");
	ck_assert_int_eq(json_integer_value(
			     json_object_get(row, "recipients_owed")),
	    OWED);
	i = (int)json_array_size(json_object_get(row, "recipients"));
	json_decref(row);
	row = row_of("recipients");
	i += (int)json_array_size(json_object_get(row, "recipients"));
	json_decref(row);
	ck_assert_int_eq(i, OWED);
	ASKED(0, scene.daemon, &out, "show", id);
	HEARD(&out, "slow0@lab.test\n");
	HEARD(&out, "slow699@lab.test\n");
}
END_TEST

/* It is killed, and starts: it greets before all is in the queue again. */
static void
start_again(void)
{
	daemon_kill(scene.daemon);
	daemon_log_forget(scene.daemon);
	daemon_start(scene.daemon);
	daemon_wait_log(scene.daemon, "event=spool-loaded", NULL);
}

START_TEST(a_held_message_stays_held_after_a_kill_until_it_is_released)
{
	char id[32];

	let_two_wait();
	id_of("slow1@lab.test", id);
	/* there is nobody to ask */
	ASKED(1, scene.daemon, &out, "hold", id);
	HEARD(&out, "--yes");
	ASKED(0, scene.daemon, &out, "hold", id, "--yes");
	HEARD(&out, "1 of 1 messages are held now");
	ck_assert_int_eq(daemon_logged(scene.daemon, "event=control",
			     "command=hold", "uid=", "pid=", id, NULL),
	    1);
	start_again();
	ASKED(0, scene.daemon, &out, "queue", "--recipient", "slow1@lab.test");
	HEARD(&out, " held ");
	ASKED(0, scene.daemon, &out, "release", "--all", "--yes");
	HEARD(&out, "1 of 2 messages are released");
	ASKED(0, scene.daemon, &out, "queue", "--recipient", "slow1@lab.test",
	    "--json");
	HEARD(&out, "\"held\":false");
}
END_TEST

START_TEST(retry_tries_now)
{
	size_t before;
	char id[32];

	let_two_wait();
	id_of("slow1@lab.test", id);
	before = hop_heard(scene.lab, HOP_RCPT);
	ASKED(0, scene.daemon, &out, "retry", id, "--yes");
	ck_assert(
	    hop_wait_heard(scene.lab, HOP_RCPT, before + 1, SCENE_WAIT_MS));
}
END_TEST

START_TEST(drop_gives_up_and_tells_the_sender_when_asked_to)
{
	let_two_wait();
	ASKED(0, scene.daemon, &out, "drop", "--sender", "x@lab.test", "--yes");
	HEARD(&out, "1 of 1 messages are dropped");
	ASKED(0, scene.daemon, &out, "drop", "--sender", SENDER, "--yes",
	    "--notice");
	ck_assert_ptr_nonnull(
	    hop_wait_for(scene.campus, SENDER, SCENE_WAIT_MS));
	daemon_wait_log(scene.daemon, "event=dropped", "notice=no", NULL);
	daemon_wait_log(scene.daemon, "event=dropped", "notice=yes", NULL);
	/* nobody heard of the other, and neither comes back */
	ck_assert_uint_eq(hop_accepted(scene.lab), 0);
	start_again();
	ASKED(0, scene.daemon, &out, "queue");
	HEARD(&out, "nothing waits");
}
END_TEST

static Suite *
relayctl_queue_suite(void)
{
	Suite *suite = suite_create("relayctl_queue");
	TCase *tcase = tcase_create("relayctl_queue");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make, clean);
	tcase_add_test(tcase, status_says_how_the_relay_does);
	tcase_add_loop_test(tcase, without_a_server_the_exit_status_says_so, 0,
	    sizeof(rows) / sizeof(rows[0]));
	tcase_add_loop_test(tcase, with_a_server_the_exit_status_says_so, 0,
	    sizeof(wrongs) / sizeof(wrongs[0]));
	tcase_add_test(tcase, a_filter_says_which_messages_are_meant);
	tcase_add_test(tcase, queue_lists_destinations_and_then_messages);
	tcase_add_test(tcase, show_has_every_recipient_however_many);
	tcase_add_test(tcase, show_has_the_envelope_the_answers_and_the_header);
	tcase_add_test(tcase,
	    a_held_message_stays_held_after_a_kill_until_it_is_released);
	tcase_add_test(tcase, retry_tries_now);
	tcase_add_test(tcase, drop_gives_up_and_tells_the_sender_when_asked_to);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(relayctl_queue_suite)
