/*
 * ctl_queue - relayctl queue.
 *
 * Job:     what waits: per destination, then the oldest messages.
 * Called:  by relayctl.
 * Owns:    struct table, the rows of destinations until all are there.
 * Never:   keeps messages: they are printed as they come.
 */
#include <stdlib.h>
#include <string.h>

#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_filter.h"
#include "relayd/ctl/ctl_paper.h"

enum {
	DESTINATION_COLUMNS = 36,
	SENDER_COLUMNS = 26,
};

struct table {
	struct ctl *ctl;
	json_t *destinations; /* owned array */
	json_int_t messages;
	json_int_t listed;
	bool loading;
};

static int
by_count(const void *a, const void *b)
{
	const json_t *left = *(const json_t *const *)a;
	const json_t *right = *(const json_t *const *)b;
	json_int_t more =
	    paper_number(right, "messages") - paper_number(left, "messages");

	return more > 0 ? 1 : more < 0 ? -1 : 0;
}

static void
print_destination(const json_t *row)
{
	char oldest[PAPER_SHORT], next[PAPER_SHORT];
	bool waits = json_object_get(row, "next_seconds") != NULL;

	paper_cell(ctl_text(row, "destination"), DESTINATION_COLUMNS,
	    DESTINATION_COLUMNS);
	printf(" %8lld %7lld %7s %6s  ",
	    (long long)paper_number(row, "messages"),
	    (long long)paper_number(row, "held"),
	    paper_age(paper_number(row, "oldest_seconds"), oldest),
	    waits ? paper_age(paper_number(row, "next_seconds"), next) : "-");
	paper_rest(ctl_text(row, "reason"), DESTINATION_COLUMNS + 34);
}

/* The largest first. */
static void
print_destinations(struct table *table)
{
	size_t count = json_array_size(table->destinations), i;
	const json_t **rows = calloc(count + 1, sizeof(*rows));

	if (rows == NULL || count == 0) {
		free(rows);
		return;
	}
	for (i = 0; i < count; i++)
		rows[i] = json_array_get(table->destinations, i);
	qsort(rows, count, sizeof(*rows), by_count);
	paper_colour(PAPER_BOLD);
	paper_cell("DESTINATION", 0, DESTINATION_COLUMNS);
	printf(" %8s %7s %7s %6s  %s\n", "MESSAGES", "HELD", "OLDEST", "NEXT",
	    "REASON");
	paper_colour(PAPER_PLAIN);
	for (i = 0; i < count; i++)
		print_destination(rows[i]);
	free(rows);
	json_array_clear(table->destinations);
}

static const char *
state_of(const json_t *row)
{
	const json_t *waits = json_object_get(row, "waits");

	if (json_is_true(json_object_get(row, "held")))
		return "held";
	return ctl_text(json_array_get(waits, 0), "state");
}

static void
print_message(const json_t *row)
{
	const json_t *recipients = json_object_get(row, "recipients");
	const char *sender = ctl_text(row, "sender");
	char age[PAPER_SHORT], size[PAPER_SHORT], first[400];
	json_int_t owed = paper_number(row, "recipients_owed");
	const char *recipient =
	    json_string_value(json_array_get(recipients, 0));

	printf("%-13s %7s %6s %-10s ", ctl_text(row, "id"),
	    paper_age(paper_number(row, "age_seconds"), age),
	    paper_size(paper_number(row, "size"), size), state_of(row));
	paper_cell(*sender == '\0' ? "<>" : sender, SENDER_COLUMNS,
	    SENDER_COLUMNS);
	snprintf(first, sizeof(first), owed > 1 ? " %.300s +%lld" : " %.300s",
	    recipient == NULL ? "" : recipient, (long long)owed - 1);
	paper_rest(first, 40 + SENDER_COLUMNS);
}

static void
take_message(struct table *table, const json_t *row)
{
	if (table->listed++ == 0) {
		print_destinations(table);
		paper_colour(PAPER_BOLD);
		printf("\n%-13s %7s %6s %-10s %-*s %s\n", "ID", "AGE", "SIZE",
		    "STATE", SENDER_COLUMNS, "SENDER", "RECIPIENT");
		paper_colour(PAPER_PLAIN);
	}
	print_message(row);
}

static void
take_row(void *owner, const json_t *row)
{
	struct table *table = owner;
	const char *kind = ctl_text(row, "kind");

	if (table->ctl->json)
		ctl_print_json(row);
	else if (strcmp(kind, "destination") == 0)
		json_array_append(table->destinations,
		    (json_t *)(uintptr_t)row);
	else if (strcmp(kind, "message") == 0)
		take_message(table, row);
	else {
		table->messages = paper_number(row, "messages");
		table->loading = json_is_true(json_object_get(row, "loading"));
	}
}

static void
print_sum(struct table *table)
{
	print_destinations(table);
	if (table->loading)
		printf("relayd still reads its spool: more may come\n");
	if (table->messages == 0)
		printf("nothing waits\n");
	else if (table->listed < table->messages)
		printf("%lld more; --limit N or --all lists them\n",
		    (long long)(table->messages - table->listed));
}

enum ctl_status
ctl_queue(struct ctl *ctl, int argc, char *argv[])
{
	struct ctl_filter filter = { .request = json_pack("{s:s}", "command",
					 "queue") };
	struct table table = { .ctl = ctl, .destinations = json_array() };
	enum ctl_status status = CTL_USAGE;

	if (ctl_filter_read(&filter, argc, argv, CTL_FILTER_LISTS)) {
		status = ctl_ask(ctl, filter.request, take_row, &table);
		if (status == CTL_YES && !ctl->json)
			print_sum(&table);
	} else {
		json_decref(filter.request);
	}
	json_decref(table.destinations);
	return status;
}
