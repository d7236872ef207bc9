/*
 * test_dialogs - every dialogue of tests/dialogs: as it is written, a byte at a
 * time, cut at every byte, and all that the client says in one go; in memory,
 * over a socket, and under TLS.  The replies must be the same each time.
 *
 * Options that a dialogue may set: client ADDRESS, bare_lf, starttls, tls,
 * disk_full, disk_fails, limits by name, and
 *   paced    what the client sends depends on what it heard: no burst
 *   coarse   long: not cut at every byte
 *   clear    what it says of the connection is not so under TLS
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "tests/support/desk.h"
#include "tests/support/desk_wire.h"
#include "tests/support/dialog.h"
#include "tests/support/suite.h"

enum {
	HEARD_MAX = 4 << 20,
	COARSE = 97,      /* cuts of a long dialogue */
	COARSE_WIRE = 11, /* ... and where it goes over a socket */
	BYTES_MAX = 8192, /* there, no more than this a byte at a time */
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

/* Where a dialogue takes place. */
struct place {
	const struct dialog *dialog;
	struct desk_options options;
	enum way {
		IN_MEMORY,
		IN_THE_CLEAR,
		UNDER_TLS
	} way;
	struct desk *desk;      /* NULL before the first run */
	struct desk_wire *wire; /* NULL in memory */
};

static void
place_init(struct place *place, const struct dialog *dialog, enum way way)
{
	*place = (struct place){
		.dialog = dialog,
		.options = {
		    .client = dialog_option(dialog, "client"),
		    .accept_bare_lf = dialog_option(dialog, "bare_lf") != NULL,
		    .starttls = dialog_option(dialog, "starttls") != NULL,
		    .tls = dialog_option(dialog, "tls") != NULL,
		    .disk_full = dialog_option(dialog, "disk_full") != NULL,
		    .disk_fails = dialog_option(dialog, "disk_fails") != NULL,
		},
		.way = way,
	};
}

static void
place_clear(struct place *place)
{
	desk_wire_free(place->wire);
	place->wire = NULL;
	if (place->desk != NULL)
		desk_free(place->desk);
	place->desk = NULL;
}

/* A dialogue about STARTTLS begins in the clear whichever way it goes. */
static enum listen_tls
listen_mode(const struct place *place)
{
	if (place->options.tls)
		return LISTEN_TLS_IMPLICIT;
	if (place->options.starttls)
		return LISTEN_TLS_STARTTLS;
	return place->way == UNDER_TLS ? LISTEN_TLS_IMPLICIT : LISTEN_TLS_OFF;
}

/* A disk that has failed stays so for a while: another one for each run. */
static void
come(struct place *place)
{
	if (place->options.disk_fails)
		place_clear(place);
	if (place->desk == NULL) {
		place->desk = desk_new(&place->options);
		set_limits(place->dialog, &desk_conf(place->desk)->limits);
		if (place->way != IN_MEMORY)
			place->wire = desk_wire_new(place->desk,
			    &place->options, listen_mode(place));
	}
	if (place->wire != NULL)
		desk_wire_connect(place->wire);
	else
		desk_connect(place->desk);
}

static void
exchange_send(void *owner, struct span bytes)
{
	struct place *place = owner;

	if (place->wire != NULL)
		desk_wire_send(place->wire, bytes);
	else
		desk_send(place->desk, bytes);
}

static bool
exchange_receive(void *owner, struct buf *out)
{
	struct place *place = owner;

	if (place->wire != NULL)
		return desk_wire_receive(place->wire, out);
	return desk_receive(place->desk, out);
}

static size_t
exchange_queued(void *owner)
{
	struct place *place = owner;

	return desk_queued(place->desk);
}

static struct span
exchange_message(void *owner)
{
	struct place *place = owner;

	return desk_last_message(place->desk);
}

/* One run; the caller clears heard. */
static void
run_once(struct place *place, enum dialog_pace pace, size_t cut,
    struct buf *heard)
{
	const struct dialog_exchange exchange = { place, exchange_send,
		exchange_receive, exchange_queued, exchange_message };
	struct buf why;
	bool fine;

	buf_init(&why, HEARD_MAX);
	buf_init(heard, HEARD_MAX);
	come(place);
	fine = dialog_run(place->dialog, pace, cut, &exchange, heard, &why);
	ck_assert_msg(fine, "way %d pace %d cut %zu: %s", (int)place->way,
	    (int)pace, cut, buf_text(&why));
	desk_mask_ids(heard);
	buf_clear(&why);
}

static void
run_again(struct place *place, enum dialog_pace pace, size_t cut,
    const struct buf *first)
{
	struct buf heard;

	run_once(place, pace, cut, &heard);
	ck_assert_msg(span_equal(buf_span(&heard), buf_span(first)),
	    "way %d pace %d cut %zu: other replies: %s", (int)place->way,
	    (int)pace, cut, buf_text(&heard));
	buf_clear(&heard);
}

static void
run_every_way(struct place *place, const struct buf *first)
{
	const struct dialog *dialog = place->dialog;
	bool wire = place->way != IN_MEMORY;
	size_t longest = dialog_longest(dialog), cut, step = 1;

	run_again(place, DIALOG_TURNS, 0, first);
	if (!wire || longest <= BYTES_MAX)
		run_again(place, DIALOG_BYTES, 0, first);
	if (dialog_option(dialog, "paced") == NULL)
		run_again(place, DIALOG_BURST, 0, first);
	if (dialog_option(dialog, "coarse") != NULL)
		step += longest / (wire ? COARSE_WIRE : COARSE);
	for (cut = 1; cut < longest; cut += step)
		run_again(place, DIALOG_CUT, cut, first);
	place_clear(place);
}

/* The first run, in memory, is what all others must equal. */
static void
run_file(const char *file, enum way way)
{
	struct buf first, why;
	struct dialog *dialog;
	struct place place;

	buf_init(&why, HEARD_MAX);
	dialog = dialog_read(file, &why);
	ck_assert_msg(dialog != NULL, "%s", buf_text(&why));
	place_init(&place, dialog, IN_MEMORY);
	if (way == UNDER_TLS && dialog_option(dialog, "clear") != NULL)
		way = IN_THE_CLEAR;
	run_once(&place, DIALOG_TURNS, 0, &first);
	if (way != IN_MEMORY) {
		place_clear(&place);
		place_init(&place, dialog, way);
	}
	run_every_way(&place, &first);
	dialog_free(dialog);
	buf_clear(&first);
	buf_clear(&why);
}

START_TEST(every_dialogue_goes_as_written_however_it_is_cut)
{
	run_file(files.gl_pathv[_i], IN_MEMORY);
}
END_TEST

START_TEST(every_dialogue_goes_the_same_over_a_socket)
{
	run_file(files.gl_pathv[_i], IN_THE_CLEAR);
}
END_TEST

START_TEST(every_dialogue_goes_the_same_under_tls)
{
	run_file(files.gl_pathv[_i], UNDER_TLS);
}
END_TEST

/* A dialogue that the README names; NULL at its end. */
static const char *
next_named(FILE *readme, char line[256])
{
	while (fgets(line, 256, readme) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\t')
			return line + 1;
	}
	return NULL;
}

START_TEST(the_readme_names_every_dialogue_and_no_other)
{
	FILE *readme = fopen("tests/dialogs/README", "r");
	bool *named = xcalloc(files.gl_pathc, sizeof(*named));
	char line[256], path[300];
	const char *name;
	size_t i;

	ck_assert_ptr_nonnull(readme);
	while ((name = next_named(readme, line)) != NULL) {
		snprintf(path, sizeof(path), "tests/dialogs/%s.smtp", name);
		for (i = 0; i < files.gl_pathc; i++)
			if (strcmp(files.gl_pathv[i], path) == 0)
				break;
		ck_assert_msg(i < files.gl_pathc, "there is no %s", path);
		named[i] = true;
	}
	for (i = 0; i < files.gl_pathc; i++)
		ck_assert_msg(named[i], "nothing is said of %s",
		    files.gl_pathv[i]);
	fclose(readme);
	free(named);
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
	tcase_add_test(tcase, the_readme_names_every_dialogue_and_no_other);
	tcase_add_loop_test(tcase,
	    every_dialogue_goes_as_written_however_it_is_cut, 0,
	    (int)files.gl_pathc);
	tcase_add_loop_test(tcase, every_dialogue_goes_the_same_over_a_socket,
	    0, (int)files.gl_pathc);
	tcase_add_loop_test(tcase, every_dialogue_goes_the_same_under_tls, 0,
	    (int)files.gl_pathc);
	suite_add_tcase(suite, tcase);
	return suite;
}

SUITE_MAIN(dialogs_suite)
