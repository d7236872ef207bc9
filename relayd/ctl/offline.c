/*
 * offline - relayctl --spool: list, show, export.
 *
 * Job:     read a spool that no relayd serves and print its messages.
 * Called:  by relayctl.
 * Owns:    struct shelf: the spool and the messages that wait in it.
 * Never:   writes into the spool.
 */
#include "relayd/ctl/offline.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "relayd/admin/control_message.h"
#include "relayd/ctl/ctl_message.h"
#include "relayd/ctl/ctl_paper.h"
#include "relayd/ctl/ctl_patience.h"
#include "spool/look.h"

enum {
	WHY_MAX = 4096,
	LOAD_BUDGET = 10000,
	PIECE = 64 << 10,
	SENDER_COLUMNS = 26,
};

struct shelf {
	struct spool *spool;
	struct spool_entry **entries; /* owned; in the order of IDs */
	size_t count, size;
};

/* ---- opening ---- */

static void
add_entry(void *owner, struct spool_entry *entry, struct span domains)
{
	struct shelf *shelf = owner;

	(void)domains;
	if (shelf->count == shelf->size) {
		shelf->size = shelf->size == 0 ? 1024 : shelf->size * 2;
		shelf->entries = xrealloc(shelf->entries, shelf->size,
		    sizeof(struct spool_entry *));
	}
	shelf->entries[shelf->count++] = entry;
}

static void
spool_said(void *owner, enum spool_level level, const char *text)
{
	(void)owner;
	if (level != SPOOL_NOTE)
		fprintf(stderr, "relayctl: %s\n", text);
}

static int
by_id(const void *a, const void *b)
{
	uint64_t left = spool_entry_id(*(struct spool_entry *const *)a);
	uint64_t right = spool_entry_id(*(struct spool_entry *const *)b);

	return left < right ? -1 : left > right;
}

bool
offline_may_look(const struct ctl *ctl)
{
	char path[4096];
	int fd, length;
	bool free;

	length = snprintf(path, sizeof(path), "%s/lock", ctl->spool);
	if (length < 0 || (size_t)length >= sizeof(path)) {
		ctl_say(CTL_NO, "%s: the name is too long", ctl->spool);
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		ctl_say(CTL_NO, "%s is no spool: lock: %s", ctl->spool,
		    strerror(errno));
		return false;
	}
	/* Asked, not held: nobody must be kept from serving it. */
	free = flock(fd, LOCK_EX | LOCK_NB) == 0;
	if (!free)
		ctl_say(CTL_NO,
		    "%s is served by a relayd: ask it, without --spool",
		    ctl->spool);
	close(fd);
	return free;
}

static bool
shelf_open(const struct ctl *ctl, struct shelf *shelf)
{
	struct spool_options options = {
		.directory = ctl->spool,
		.no_thread = true,
		.read_only = true,
	};
	struct spool_events events = {
		.owner = shelf,
		.waiting = add_entry,
		.said = spool_said,
	};
	struct buf why;

	*shelf = (struct shelf){ NULL };
	if (!offline_may_look(ctl))
		return false;
	buf_init(&why, WHY_MAX);
	shelf->spool = spool_open(&options, &events, &why);
	if (shelf->spool == NULL)
		ctl_say(CTL_NO, "%s: %s", ctl->spool, buf_text(&why));
	buf_clear(&why);
	if (shelf->spool == NULL)
		return false;
	patience_begin();
	while (spool_load(shelf->spool, LOAD_BUDGET))
		continue;
	patience_end();
	if (shelf->count > 0)
		qsort(shelf->entries, shelf->count,
		    sizeof(struct spool_entry *), by_id);
	return true;
}

static void
shelf_close(struct shelf *shelf)
{
	spool_close(shelf->spool);
	free(shelf->entries);
}

/* ---- a message ---- */

/* A row as the running relayd gives it, without where it waits. */
static json_t *
row_of(const struct shelf *shelf, struct spool_entry *entry,
    size_t recipients_max, bool *whole)
{
	int64_t arrival = spool_entry_arrival(entry);
	struct envelope envelope;
	char id[SPOOL_ID_LEN + 1];
	struct buf bytes;
	uint64_t size;
	json_t *row;

	spool_id_text(spool_entry_id(entry), id);
	row = json_pack("{s:s, s:s, s:I, s:I}", "kind", "message", "id", id,
	    "arrival", (json_int_t)arrival, "age_seconds",
	    (json_int_t)(time(NULL) - arrival));
	if (look_size(shelf->spool, entry, &size))
		json_object_set_new(row, "size",
		    json_integer((json_int_t)size));
	buf_init(&bytes, LOOK_ENVELOPE_MAX);
	*whole = look_envelope(shelf->spool, entry, &bytes, &envelope);
	if (*whole) {
		message_add_envelope(row, shelf->spool, entry, &envelope,
		    recipients_max);
		envelope_clear(&envelope);
	} else {
		json_object_set_new(row, "error",
		    json_string("its envelope cannot be read"));
	}
	buf_clear(&bytes);
	return row;
}

static void
print_line(const json_t *row)
{
	const json_t *recipients = json_object_get(row, "recipients");
	const char *recipient =
	    json_string_value(json_array_get(recipients, 0));
	json_int_t owed = paper_number(row, "recipients_owed");
	const char *sender = ctl_text(row, "sender");
	char age[PAPER_SHORT], size[PAPER_SHORT], rest[400];

	printf("%-13s %7s %6s ", ctl_text(row, "id"),
	    paper_age(paper_number(row, "age_seconds"), age),
	    paper_size(paper_number(row, "size"), size));
	if (json_object_get(row, "error") != NULL) {
		printf("%s\n", ctl_text(row, "error"));
		return;
	}
	paper_cell(*sender == '\0' ? "<>" : sender, SENDER_COLUMNS,
	    SENDER_COLUMNS);
	snprintf(rest, sizeof(rest), owed > 1 ? " %.300s +%lld" : " %.300s",
	    recipient == NULL ? "" : recipient, (long long)owed - 1);
	paper_rest(rest, 29 + SENDER_COLUMNS);
}

enum ctl_status
offline_list(struct ctl *ctl, int argc, char *argv[])
{
	enum ctl_status status = CTL_YES;
	struct shelf shelf;
	json_t *row;
	bool whole;
	size_t i;

	(void)argv;
	if (argc > 1)
		return ctl_say(CTL_USAGE, "list takes no argument");
	if (!shelf_open(ctl, &shelf))
		return CTL_NO;
	if (!ctl->json && shelf.count > 0)
		printf("%-13s %7s %6s %-*s %s\n", "ID", "AGE", "SIZE",
		    SENDER_COLUMNS, "SENDER", "RECIPIENT");
	for (i = 0; i < shelf.count; i++) {
		row = row_of(&shelf, shelf.entries[i], 1, &whole);
		if (ctl->json)
			ctl_print_json(row);
		else
			print_line(row);
		json_decref(row);
		if (!whole)
			status = CTL_NO;
	}
	if (!ctl->json)
		printf("%zu messages wait\n", shelf.count);
	shelf_close(&shelf);
	return status;
}

/* NULL, with the reason printed: there is none of this ID. */
static struct spool_entry *
find(const struct shelf *shelf, const char *text)
{
	struct spool_entry *entry = NULL;
	uint64_t id;

	if (spool_id_parse(span_of(text), &id))
		entry = spool_find(shelf->spool, id);
	if (entry == NULL)
		ctl_say(CTL_NO, "no message of that ID waits");
	return entry;
}

static bool
add_header(struct shelf *shelf, struct spool_entry *entry, json_t *row)
{
	struct content content;
	ssize_t got = -1;
	char *data;

	if (!content_open(shelf->spool, entry, &content))
		return false;
	data = xcalloc(MESSAGE_HEADER_MAX, 1);
	got = content_read(shelf->spool, &content, 0, data,
	    content.size < MESSAGE_HEADER_MAX ? (size_t)content.size :
						MESSAGE_HEADER_MAX);
	if (got >= 0)
		json_object_set_new(row, "header",
		    message_header(data, (size_t)got));
	free(data);
	content_close(shelf->spool, &content);
	return got >= 0;
}

enum ctl_status
offline_show(struct ctl *ctl, int argc, char *argv[])
{
	struct spool_entry *entry;
	struct shelf shelf;
	json_t *row;
	bool whole = false;

	if (argc != 2)
		return ctl_say(CTL_USAGE, "expected show ID");
	if (!shelf_open(ctl, &shelf))
		return CTL_NO;
	entry = find(&shelf, argv[1]);
	if (entry != NULL) {
		row = row_of(&shelf, entry, ENVELOPE_RECIPIENTS_MAX, &whole);
		if (!add_header(&shelf, entry, row))
			whole = false;
		if (ctl->json)
			ctl_print_json(row);
		else
			ctl_message_print(row);
		json_decref(row);
		if (!whole)
			ctl_say(CTL_NO, "the message is not whole");
	}
	shelf_close(&shelf);
	return whole ? CTL_YES : CTL_NO;
}

/* False: the disk fails. */
static bool
print_content(struct shelf *shelf, const struct content *content)
{
	char *data = xcalloc(PIECE, 1);
	uint64_t at = 0;
	ssize_t got = 0;

	while (at < content->size) {
		got = content_read(shelf->spool, content, at, data, PIECE);
		if (got <= 0)
			break;
		ctl_message_content(data, (size_t)got);
		at += (uint64_t)got;
	}
	free(data);
	return at == content->size;
}

enum ctl_status
offline_export(struct ctl *ctl, int argc, char *argv[])
{
	struct spool_entry *entry;
	struct content content;
	struct shelf shelf;
	bool whole = false;

	if (argc != 2)
		return ctl_say(CTL_USAGE, "expected export ID");
	if (!shelf_open(ctl, &shelf))
		return CTL_NO;
	entry = find(&shelf, argv[1]);
	if (entry != NULL && content_open(shelf.spool, entry, &content)) {
		whole = print_content(&shelf, &content);
		content_close(shelf.spool, &content);
		if (!whole)
			ctl_say(CTL_NO,
			    "the content cannot be read to its end");
	} else if (entry != NULL) {
		ctl_say(CTL_NO, "the content of this message is not whole");
	}
	shelf_close(&shelf);
	return whole ? CTL_YES : CTL_NO;
}
