/*
 * ctl_message - one message, as people read it.
 *
 * Job:     print who, where, why, and its header or content.
 * Called:  by the commands that show one.
 * Owns:    nothing.
 * Never:   puts raw bytes of a message on a terminal: there control characters
 *          are shown escaped.
 */
#include "relayd/ctl/ctl_message.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "relayd/ctl/ctl.h"
#include "relayd/ctl/ctl_paper.h"

static void
print_pair(const char *name, const char *value)
{
	if (*value != '\0')
		printf("%-11s %s\n", name, value);
}

static void
print_time(const char *name, json_int_t at)
{
	time_t when = (time_t)at;
	char text[40] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	print_pair(name, text);
}

static void
print_waits(const json_t *waits)
{
	const json_t *wait;
	char next[PAPER_SHORT];
	size_t i;

	json_array_foreach(waits, i, wait)
	{
		printf("%-11s %s: %s after %lld attempts", "waits for",
		    ctl_text(wait, "destination"), ctl_text(wait, "state"),
		    (long long)paper_number(wait, "attempts"));
		if (json_object_get(wait, "next_seconds") != NULL)
			printf(", next in %s",
			    paper_age(paper_number(wait, "next_seconds"),
				next));
		printf("\n");
		print_pair("", ctl_text(wait, "reason"));
	}
}

static void
print_attempts(const json_t *attempts)
{
	const json_t *attempt;
	size_t i;

	json_array_foreach(attempts, i, attempt)
	{
		print_time("attempt", paper_number(attempt, "at"));
		print_pair("", ctl_text(attempt, "recipient"));
		print_pair("  host", ctl_text(attempt, "host"));
		print_pair("  answer", ctl_text(attempt, "text"));
	}
}

static void
print_lines(const char *name, const json_t *lines)
{
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		printf("%-11s %s\n", i == 0 ? name : "",
		    json_string_value(line));
	}
}

void
ctl_message_print(const json_t *row)
{
	const char *sender = ctl_text(row, "sender");
	char size[PAPER_SHORT];

	print_pair("id", ctl_text(row, "id"));
	print_time("accepted", paper_number(row, "arrival"));
	print_pair("size", paper_size(paper_number(row, "size"), size));
	if (json_object_get(row, "sender") != NULL)
		print_pair("sender", *sender == '\0' ? "<>" : sender);
	print_pair("client", ctl_text(row, "client"));
	print_pair("helo", ctl_text(row, "helo"));
	print_pair("session", ctl_text(row, "session"));
	print_lines("owed to", json_object_get(row, "recipients"));
	if (paper_number(row, "recipients_owed") <
	    paper_number(row, "recipients_total"))
		printf("%-11s %lld of %lld are settled\n", "recipients",
		    (long long)(paper_number(row, "recipients_total") -
			paper_number(row, "recipients_owed")),
		    (long long)paper_number(row, "recipients_total"));
	print_waits(json_object_get(row, "waits"));
	print_attempts(json_object_get(row, "attempts"));
	print_lines("header", json_object_get(row, "header"));
}

/* Line ends and tabs as they are, all other control characters escaped. */
static void
print_safely(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] == '\r' && i + 1 < len && data[i + 1] == '\n')
			continue;
		if ((data[i] < ' ' && data[i] != '\n' && data[i] != '\t') ||
		    data[i] == 0x7f || (data[i] >= 0x80 && data[i] < 0xa0))
			printf("\\x%02X", data[i]);
		else
			putchar(data[i]);
	}
}

void
ctl_message_content(const char *data, size_t len)
{
	if (isatty(STDOUT_FILENO))
		print_safely((const unsigned char *)data, len);
	else
		fwrite(data, 1, len, stdout);
}
