/*
 * test_daemon_dialogs - the dialogues of tests/dialogs over a socket: those
 * that need nothing but tables and limits, against the daemon.
 */
#include <sys/socket.h>

#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/daemon.h"
#include "tests/support/dialog.h"
#include "tests/support/hop.h"
#include "tests/support/suite.h"
#include "tests/support/talk.h"

#define FOLDER "tests/dialogs/"

enum {
	HEARD_MAX = 4 << 20,
	FILE_MAX = 1 << 16,
	GRACE_MS = 30, /* for what may still come when nothing new was sent */
};

static glob_t files;

/* Options of a dialogue that are settings of limits = { }. */
static const char *const limits[] = { "recipients_per_message",
	"errors_per_session", "unknown_recipients_per_session",
	"messages_per_client_hour", "recipients_per_client_hour" };

/* Options that are none, or less than relayd.conf takes. */
static const char *const others[] = { "message_size", "commands_per_session",
	"client", "bare_lf", "starttls", "tls", "disk_full", "disk_fails" };

enum {
	LIMITS = sizeof(limits) / sizeof(limits[0]),
	OTHERS = sizeof(others) / sizeof(others[0])
};

/* ---- the daemon behind a struct dialog_exchange ---- */

struct wire {
	struct talk talk;
	bool sent; /* something, since it was last heard */
};

static void
wire_send(void *owner, struct span bytes)
{
	struct wire *wire = owner;

	talk_send(&wire->talk, bytes);
	wire->sent = true;
}

/* In the dialogues the client is 192.0.2.1. */
static void
rename_client(struct buf *out, size_t from)
{
	char *found = memmem(out->data + from, out->len - from, "127.0.0.1", 9);
	struct buf rest;

	if (found == NULL)
		return;
	buf_init(&rest, HEARD_MAX);
	buf_add(&rest,
	    span_skip(buf_span(out), (size_t)(found - out->data) + 9));
	buf_cut(out, (size_t)(found - out->data));
	buf_add(out, SPAN("192.0.2.1"));
	buf_add(out, buf_span(&rest));
	buf_clear(&rest);
}

/* Waits for the first byte only when something was said. */
static bool
wire_receive(void *owner, struct buf *out)
{
	struct wire *wire = owner;
	struct pollfd wait = { wire->talk.fd, POLLIN, 0 };
	int patience = wire->sent ? TALK_WAIT_MS : GRACE_MS;
	size_t room, before = out->len;
	char *start;
	ssize_t got;

	wire->sent = false;
	while (poll(&wait, 1, patience) == 1) {
		start = buf_room(out, 4096, &room);
		if (start == NULL)
			return false;
		got = recv(wire->talk.fd, start, room, 0);
		if (got <= 0)
			return false;
		buf_grew(out, (size_t)got);
		patience = 0;
	}
	if (out->len > before)
		rename_client(out, before);
	return true;
}

/* ---- the dialogues' tables, before a hop of our own ---- */

static void
read_file(const char *name, struct buf *out)
{
	FILE *file = fopen(name, "r");
	size_t room;
	char *start;

	ck_assert_msg(file != NULL, "no %s: run from the project's folder",
	    name);
	start = buf_room(out, FILE_MAX - 1, &room);
	buf_grew(out, fread(start, 1, room, file));
	fclose(file);
}

/* In the tables the next hop is 127.0.0.1:2525; here it is a hop of ours. */
static void
point_to(struct buf *table, uint16_t port, struct buf *out)
{
	struct span rest = buf_span(table);
	const char *found;

	while ((found = memmem(rest.data, rest.len, ":2525", 5)) != NULL) {
		buf_add(out, span_head(rest, (size_t)(found - rest.data)));
		buf_addf(out, ":%u", port);
		rest = span_skip(rest, (size_t)(found - rest.data) + 5);
	}
	buf_add(out, rest);
}

static void
copy_table(struct daemon *daemon, const char *name, uint16_t port)
{
	struct buf table, ours;
	char path[128];

	snprintf(path, sizeof(path), FOLDER "tables/%s", name);
	buf_init(&table, FILE_MAX);
	buf_init(&ours, FILE_MAX * 2);
	read_file(path, &table);
	point_to(&table, port, &ours);
	daemon_write(daemon, name, buf_text(&ours));
	buf_clear(&ours);
	buf_clear(&table);
}

static struct daemon *
daemon_for(const struct dialog *dialog, uint16_t port)
{
	struct daemon_setup setup = { .allowlist = "" };
	struct daemon *daemon;
	struct buf settings;
	const char *value;
	size_t i;

	buf_init(&settings, 4096);
	/* As the dialogues in memory have it. */
	buf_add(&settings, SPAN("message_size = 1000000; "));
	for (i = 0; i < LIMITS; i++) {
		value = dialog_option(dialog, limits[i]);
		if (value != NULL)
			buf_addf(&settings, "%s = %s; ", limits[i], value);
	}
	setup.limits = buf_text(&settings);
	daemon = daemon_new(&setup);
	buf_clear(&settings);
	copy_table(daemon, "hosted", port);
	copy_table(daemon, "allowlist", port);
	copy_table(daemon, "lab-recipients", port);
	daemon_start(daemon);
	return daemon;
}

static bool
needs_more(const struct dialog *dialog)
{
	size_t i;

	for (i = 0; i < OTHERS; i++)
		if (dialog_option(dialog, others[i]) != NULL)
			return true;
	return false;
}

static void
run(const struct dialog *dialog, struct daemon *daemon)
{
	struct wire wire = { .sent = true }; /* a banner is due */
	const struct dialog_exchange exchange = { .owner = &wire,
		.send = wire_send,
		.receive = wire_receive };
	struct buf heard, why;
	bool fine;

	buf_init(&heard, HEARD_MAX);
	buf_init(&why, HEARD_MAX);
	ck_assert(talk_open(&wire.talk, NULL, daemon_port(daemon)));
	fine = dialog_run(dialog, DIALOG_TURNS, 0, &exchange, &heard, &why);
	ck_assert_msg(fine, "%s", buf_text(&why));
	talk_close(&wire.talk);
	buf_clear(&why);
	buf_clear(&heard);
}

START_TEST(the_daemon_answers_as_the_dialogue_says)
{
	struct dialog *dialog;
	struct daemon *daemon;
	struct hop *hop;
	struct buf why;

	buf_init(&why, HEARD_MAX);
	dialog = dialog_read(files.gl_pathv[_i], &why);
	ck_assert_msg(dialog != NULL, "%s", buf_text(&why));
	if (!needs_more(dialog)) {
		hop = hop_new(NULL);
		daemon = daemon_for(dialog, hop_port(hop));
		run(dialog, daemon);
		daemon_free(daemon);
		hop_free(hop);
	}
	dialog_free(dialog);
	buf_clear(&why);
}
END_TEST

static Suite *
daemon_dialogs_suite(void)
{
	Suite *suite = suite_create("dialogues with the daemon");
	TCase *tcase = tcase_create("dialogues with the daemon");

	/* None at all would be a mistake: the program runs somewhere else. */
	if (glob(FOLDER "*.smtp", 0, NULL, &files) != 0) {
		perror(FOLDER);
		exit(EXIT_FAILURE);
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, the_daemon_answers_as_the_dialogue_says, 0,
	    (int)files.gl_pathc);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(daemon_dialogs_suite)
