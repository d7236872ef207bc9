/*
 * test_dialogs - every dialogue of tests/dialogs, in memory: as it is written, a
 * byte at a time, cut at every byte, and all that the client says in one go.
 * The replies must be the same each time.
 *
 * Options that a dialogue may set: client ADDRESS, bare_lf, starttls, tls,
 * disk_full, disk_fails, limits by name, and
 *   paced    what the client sends depends on what it heard: no burst
 *   coarse   long: not cut at every byte
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/desk.h"
#include "tests/support/dialog.h"
#include "tests/support/suite.h"

enum {
	HEARD_MAX = 4 << 20,
	COARSE = 97, /* cuts of a long dialogue */
};

static glob_t files;

static void
set_limits(const struct dialog *dialog, struct conf_limits *limits)
{
	const struct {
		const char *name;
		size_t *limit;
	} known[] = {
		{ "recipients_per_message", &limits->recipients_per_message },
		{ "errors_per_session", &limits->errors_per_session },
		{ "commands_per_session", &limits->commands_per_session },
		{ "unknown_recipients_per_session",
		    &limits->unknown_recipients_per_session },
		{ "messages_per_client_hour",
		    &limits->messages_per_client_hour },
		{ "recipients_per_client_hour",
		    &limits->recipients_per_client_hour },
	};
	const char *value = dialog_option(dialog, "message_size");
	size_t i;

	if (value != NULL)
		limits->message_size = strtoull(value, NULL, 10);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		value = dialog_option(dialog, known[i].name);
		if (value != NULL)
			*known[i].limit = strtoull(value, NULL, 10);
	}
}

static struct desk *
set_up(const struct dialog *dialog)
{
	struct desk_options options = {
		.client = dialog_option(dialog, "client"),
		.accept_bare_lf = dialog_option(dialog, "bare_lf") != NULL,
		.starttls = dialog_option(dialog, "starttls") != NULL,
		.tls = dialog_option(dialog, "tls") != NULL,
		.disk_full = dialog_option(dialog, "disk_full") != NULL,
		.disk_fails = dialog_option(dialog, "disk_fails") != NULL,
	};
	struct desk *desk = desk_new(&options);

	set_limits(dialog, &desk_conf(desk)->limits);
	return desk;
}

static void
exchange_send(void *owner, struct span bytes)
{
	desk_send(owner, bytes);
}

static bool
exchange_receive(void *owner, struct buf *out)
{
	return desk_receive(owner, out);
}

static size_t
exchange_queued(void *owner)
{
	return desk_queued(owner);
}

static struct span
exchange_message(void *owner)
{
	return desk_last_message(owner);
}

/* A disk that has failed stays so for a while: another one for each run. */
static struct desk *
fresh_desk(const struct dialog *dialog, struct desk **place)
{
	if (*place != NULL && dialog_option(dialog, "disk_fails") == NULL)
		return *place;
	if (*place != NULL)
		desk_free(*place);
	*place = set_up(dialog);
	return *place;
}

/* One run; the caller clears heard. */
static void
run_once(const struct dialog *dialog, struct desk **place,
    enum dialog_pace pace, size_t cut, struct buf *heard)
{
	struct desk *desk = fresh_desk(dialog, place);
	const struct dialog_exchange exchange = { desk, exchange_send,
		exchange_receive, exchange_queued, exchange_message };
	struct buf why;
	bool fine;

	buf_init(&why, HEARD_MAX);
	buf_init(heard, HEARD_MAX);
	desk_connect(desk);
	fine = dialog_run(dialog, pace, cut, &exchange, heard, &why);
	ck_assert_msg(fine, "pace %d cut %zu: %s", (int)pace, cut,
	    buf_text(&why));
	desk_mask_ids(heard);
	buf_clear(&why);
}

static void
run_again(const struct dialog *dialog, struct desk **desk,
    enum dialog_pace pace, size_t cut, const struct buf *first)
{
	struct buf heard;

	run_once(dialog, desk, pace, cut, &heard);
	ck_assert_msg(span_equal(buf_span(&heard), buf_span(first)),
	    "pace %d cut %zu: other replies: %s", (int)pace, cut,
	    buf_text(&heard));
	buf_clear(&heard);
}

START_TEST(every_dialogue_goes_as_written_however_it_is_cut)
{
	struct buf first, why;
	struct dialog *dialog;
	struct desk *desk = NULL;
	size_t cut, step;

	buf_init(&why, HEARD_MAX);
	dialog = dialog_read(files.gl_pathv[_i], &why);
	ck_assert_msg(dialog != NULL, "%s", buf_text(&why));
	run_once(dialog, &desk, DIALOG_TURNS, 0, &first);
	run_again(dialog, &desk, DIALOG_BYTES, 0, &first);
	if (dialog_option(dialog, "paced") == NULL)
		run_again(dialog, &desk, DIALOG_BURST, 0, &first);
	step = dialog_option(dialog, "coarse") == NULL ?
	    1 :
	    1 + dialog_longest(dialog) / COARSE;
	for (cut = 1; cut < dialog_longest(dialog); cut += step)
		run_again(dialog, &desk, DIALOG_CUT, cut, &first);
	desk_free(desk);
	dialog_free(dialog);
	buf_clear(&first);
	buf_clear(&why);
}
END_TEST

static Suite *
dialogs_suite(void)
{
	Suite *suite = suite_create("dialogs");
	TCase *tcase = tcase_create("dialogs");

	if (glob("tests/dialogs/*.smtp", 0, NULL, &files) != 0)
		abort();
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
	    every_dialogue_goes_as_written_however_it_is_cut, 0,
	    (int)files.gl_pathc);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(dialogs_suite)
