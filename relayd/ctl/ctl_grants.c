/*
 * ctl_grants - relayctl grants.
 *
 * Job:     list the allowlist with owners, ends and uses.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   counts: relayd does, and keeps the counts beside its spool.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relayd/admin/table_rows.h"
#include "relayd/admin/units.h"
#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_paper.h"

enum {
	SECONDS_A_DAY = 86400,
	WHO = 22,          /* columns of whom a grant is for */
	BEFORE_OWNER = 68, /* columns */
};

struct table {
	bool json;
	size_t rows;
};

static void
print_when(const json_t *last)
{
	time_t when = (time_t)json_integer_value(last);
	char text[32] = "never";
	struct tm tm;

	if (last != NULL && gmtime_r(&when, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	printf(" %-10s", text);
}

static void
print_days(const json_t *row)
{
	if (json_is_true(json_object_get(row, "ended")))
		printf(" %5s", "ended");
	else if (json_object_get(row, "days_left") != NULL)
		printf(" %5lld",
		    (long long)json_integer_value(
			json_object_get(row, "days_left")));
	else
		printf(" %5s", "-");
}

static const char *
or_dash(const char *text)
{
	return *text == '\0' ? "-" : text;
}

static void
take_row(void *owner, const json_t *row)
{
	struct table *table = owner;

	if (table->json) {
		ctl_print_json(row);
		return;
	}
	if (table->rows++ == 0) {
		paper_colour(PAPER_BOLD);
		printf("%6s  %-*s %-10s %5s %-10s %7s  %s\n", "LINE", WHO,
		    "GRANT", "UNTIL", "DAYS", "LAST USED", "MSG/30D", "OWNER");
		paper_colour(PAPER_PLAIN);
	}
	printf("%6lld  ", (long long)paper_number(row, "line"));
	paper_cell(ctl_text(row, "subject"), paper_width() == 0 ? 0 : WHO, WHO);
	printf(" %-10s", or_dash(ctl_text(row, "until")));
	print_days(row);
	print_when(json_object_get(row, "last_used"));
	printf(" %7lld  ", (long long)paper_number(row, "messages_30d"));
	paper_rest(or_dash(ctl_text(row, "owner")), BEFORE_OWNER);
}

static enum ctl_status
list_files(struct ctl *ctl, const struct grants_wanted *wanted,
    struct table *table)
{
	int64_t now = (int64_t)time(NULL);
	struct complaints complaints;
	struct settings settings;
	struct uses *uses;
	char *path;
	size_t i;
	json_t *row;

	if (!ctl_settings(ctl, &settings))
		return CTL_NO;
	complaints_init(&complaints);
	path = uses_path(settings.conf->spool.directory);
	uses = uses_new(path, &complaints);
	ctl_say(CTL_NO, "relayd is not running: this is by %s and %s",
	    ctl->conf, path);
	fputs(complaints_text(&complaints), stderr);
	for (i = 0; i < rules_grant_count(settings.rules); i++) {
		row = grant_row(settings.rules, uses, i, wanted, now);
		if (row != NULL)
			take_row(table, row);
		json_decref(row);
	}
	uses_free(uses);
	free(path);
	complaints_clear(&complaints);
	settings_clear(&settings);
	return CTL_YES;
}

/* "30d" or a bare number of days. */
static bool
read_days(const char *text, int64_t *days)
{
	uint64_t number;

	if (span_number(span_of(text), 100000, &number))
		*days = (int64_t)number;
	else if (units_seconds(span_of(text), &number))
		*days = (int64_t)(number / SECONDS_A_DAY);
	else
		return false;
	return *days <= 100000;
}

static bool
read_options(int argc, char *argv[], struct grants_wanted *wanted)
{
	static const struct option options[] = {
		{ "expiring", required_argument, NULL, 'e' },
		{ "unused", required_argument, NULL, 'u' },
		{ "owner", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	*wanted =
	    (struct grants_wanted){ .expiring_days = -1, .unused_days = -1 };
	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'e':
			if (!read_days(optarg, &wanted->expiring_days))
				return false;
			break;
		case 'u':
			if (!read_days(optarg, &wanted->unused_days))
				return false;
			break;
		case 'o':
			wanted->owner = optarg;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

enum ctl_status
ctl_grants(struct ctl *ctl, int argc, char *argv[])
{
	struct table table = { .json = ctl->json };
	struct grants_wanted wanted;
	enum ctl_status status;
	json_t *request;
	bool good = true;

	if (!read_options(argc, argv, &wanted))
		return ctl_say(CTL_USAGE,
		    "expected grants [--expiring DAYS] [--unused DAYS] "
		    "[--owner ADDRESS]");
	request = json_pack("{s:s}", "command", "grants");
	if (wanted.expiring_days >= 0)
		json_object_set_new(request, "expiring",
		    json_integer(wanted.expiring_days));
	if (wanted.unused_days >= 0)
		json_object_set_new(request, "unused",
		    json_integer(wanted.unused_days));
	if (wanted.owner != NULL)
		good = json_object_set_new(request, "owner",
			   json_string(wanted.owner)) == 0;
	if (!good) {
		json_decref(request);
		request = NULL;
	}
	status = ctl_ask(ctl, request, take_row, &table);
	if (status == CTL_NOT_RUNNING)
		status = list_files(ctl, &wanted, &table);
	if (status == CTL_YES && !ctl->json && table.rows == 0)
		printf("no grants\n");
	return status;
}
