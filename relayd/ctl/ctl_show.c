/*
 * ctl_show - relayctl show.
 *
 * Job:     one waiting message: who, where, why, and its header or content.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   puts raw bytes of a message on a terminal: --body into a terminal
 *          shows control characters escaped.
 */
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relayd/ctl/ctl_commands.h"
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

static void
print_message(const json_t *row)
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

static void
print_content(const json_t *row)
{
	const char *text = ctl_text(row, "base64");
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)text,
		(unsigned)strlen(text) };
	gnutls_datum_t out = { NULL, 0 };

	if (gnutls_base64_decode2(&in, &out) < 0)
		return;
	if (isatty(STDOUT_FILENO))
		print_safely(out.data, out.size);
	else
		fwrite(out.data, 1, out.size, stdout);
	gnutls_free(out.data);
}

static void
take_row(void *owner, const json_t *row)
{
	const struct ctl *ctl = owner;

	if (ctl->json)
		ctl_print_json(row);
	else if (strcmp(ctl_text(row, "kind"), "content") == 0)
		print_content(row);
	else
		print_message(row);
}

enum ctl_status
ctl_show(struct ctl *ctl, int argc, char *argv[])
{
	const char *id = NULL;
	json_t *request;
	bool body = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--body") == 0)
			body = true;
		else if (id == NULL && argv[i][0] != '-')
			id = argv[i];
		else
			id = argc > 0 ? "" : NULL;
	}
	if (id == NULL || *id == '\0')
		return ctl_say(CTL_USAGE, "expected show ID [--body]");
	request = json_pack("{s:s, s:s, s:b}", "command", "show", "id", id,
	    "body", body);
	if (request == NULL)
		return ctl_say(CTL_USAGE, "that is no message ID");
	return ctl_ask(ctl, request, take_row, ctl);
}
