/*
 * table_rows - decisions and grants as JSON.
 *
 * Job:     write an explanation, or a line of the allowlist with its use.
 * Called:  by the control socket's explain and grants; by relayctl's.
 * Owns:    nothing.
 * Never:   decides, counts, or opens a file.
 */
#include "relayd/admin/table_rows.h"

#include <string.h>
#include <strings.h>

#include "domains/allowlist.h"
#include "domains/day.h"
#include "domains/explain.h"

enum {
	SECONDS_A_DAY = 86400,
	TEXT_MAX = 1 << 20,
};

/* Bytes that are not UTF-8 cannot stand in JSON: they are escaped. */
static json_t *
text(struct span bytes)
{
	struct buf out;
	json_t *value = NULL;

	if (span_utf8(bytes))
		value = json_stringn(bytes.data == NULL ? "" : bytes.data,
		    bytes.len);
	if (value != NULL)
		return value;
	buf_init(&out, TEXT_MAX);
	buf_add_escaped(&out, bytes, bytes.len);
	value = json_stringn(buf_text(&out), out.len);
	buf_clear(&out);
	return value;
}

static void
set_text(json_t *row, const char *name, const char *value)
{
	if (value != NULL)
		json_object_set_new(row, name, text(span_of(value)));
}

static void
set_number(json_t *row, const char *name, int64_t value)
{
	json_object_set_new(row, name, json_integer((json_int_t)value));
}

static bool
read_path(const char *given, struct address *address, const char **why)
{
	unsigned quirks;
	size_t used;

	if (path_parse(span_of(given), address, &used, &quirks, why) != PATH_OK)
		return false;
	*why = "text behind the address; expected one address";
	return used == strlen(given);
}

static json_t *
steps_of(struct explanation *explanation)
{
	json_t *steps = json_array();
	size_t i;

	for (i = 0; i < explanation->count; i++) {
		struct explain_step *step = &explanation->steps[i];

		json_array_append_new(steps,
		    json_pack("{s:s, s:b, s:o}", "step", step->name, "decided",
			step->decided, "found", text(buf_span(&step->found))));
	}
	return steps;
}

static const char *
change_name(enum explain_change change)
{
	switch (change) {
	case CHANGE_NONE:
		return "none";
	case CHANGE_ADD:
		return "add";
	case CHANGE_REPLACE:
		return "replace";
	case CHANGE_WAIT:
		return "wait";
	}
	return "";
}

static void
set_change(json_t *row, const struct explanation *explanation)
{
	json_t *change =
	    json_pack("{s:s}", "do", change_name(explanation->change));

	set_text(change, "file", explanation->change_file);
	if (explanation->change_number > 0)
		set_number(change, "line", (int64_t)explanation->change_number);
	if (explanation->change_line.len > 0)
		json_object_set_new(change, "text",
		    text(buf_span(&explanation->change_line)));
	json_object_set_new(row, "change", change);
}

static json_t *
row_of(struct explanation *explanation)
{
	const struct decision *decision = &explanation->decision;
	json_t *row =
	    json_pack("{s:s, s:b, s:b}", "kind", "explain", "accepted",
		decision->verdict == ACCEPT, "granted", decision->granted);

	json_object_set_new(row, "steps", steps_of(explanation));
	if (decision->rule.file != NULL) {
		set_text(row, "file", decision->rule.file);
		set_number(row, "line", (int64_t)decision->rule.line);
		json_object_set_new(row, "rule",
		    text(buf_span(&explanation->rule)));
		set_text(row, "owner", decision->rule.owner);
	}
	if (decision->verdict == ACCEPT) {
		json_object_set_new(row, "route",
		    text(buf_span(&explanation->route)));
		return row;
	}
	set_number(row, "code", decision->code);
	set_text(row, "enhanced", decision->enhanced);
	set_text(row, "text", decision->text);
	set_change(row, explanation);
	return row;
}

json_t *
explain_row(const struct rules *rules, const char *client, const char *sender,
    const char *recipient, int64_t now, const char **why)
{
	struct explanation explanation;
	struct address from, to;
	struct ip ip;
	json_t *row;

	*why = "CLIENT is not an address; expected one as 192.0.2.17";
	if (!ip_parse(span_of(client), &ip) || !read_path(sender, &from, why) ||
	    !read_path(recipient, &to, why))
		return NULL;
	explain(rules, &ip, &from, &to, now, &explanation);
	row = row_of(&explanation);
	set_text(row, "client", client);
	json_object_set_new(row, "sender", text(address_span(&from)));
	json_object_set_new(row, "recipient", text(address_span(&to)));
	explanation_clear(&explanation);
	return row;
}

void
explain_row_stamp(json_t *row, const struct rules *rules,
    const struct file_stamp *hosted, const struct file_stamp *allowlist)
{
	const char *file = json_string_value(json_object_get(row, "file"));
	const struct file_stamp *stamp = NULL;

	if (file == NULL)
		return;
	if (strcmp(file, rules_hosted_file(rules)) == 0)
		stamp = hosted;
	else if (rules_allowlist_file(rules) != NULL &&
	    strcmp(file, rules_allowlist_file(rules)) == 0)
		stamp = allowlist;
	if (stamp == NULL || !stamp->known)
		return;
	set_number(row, "file_bytes", (int64_t)stamp->bytes);
	set_number(row, "file_changed_ns", stamp->changed_ns);
}

/* ---- grants ---- */

static bool
is_wanted(const struct grants_wanted *wanted, const struct allowlist_line *line,
    const struct use *use, int64_t now)
{
	const struct grant *grant = line->grant;
	int64_t last = use == NULL ? 0 : use->last;

	if (wanted->owner != NULL &&
	    (grant->owner == NULL ||
		strcasecmp(grant->owner, wanted->owner) != 0))
		return false;
	if (wanted->expiring_days >= 0 &&
	    (grant->until == INT64_MAX ||
		grant->until - now > wanted->expiring_days * SECONDS_A_DAY))
		return false;
	if (wanted->unused_days >= 0 &&
	    (line->excluded ||
		now - last < wanted->unused_days * SECONDS_A_DAY))
		return false;
	return true;
}

static void
set_patterns(json_t *row, const char *name, const struct patterns *patterns)
{
	struct buf out;

	if (patterns->count == 0)
		return;
	buf_init(&out, TEXT_MAX);
	patterns_text(patterns, &out);
	json_object_set_new(row, name, text(buf_span(&out)));
	buf_clear(&out);
}

static void
set_options(json_t *row, const struct grant *grant, int64_t now)
{
	char day[DAY_TEXT_MAX];

	set_patterns(row, "from", &grant->from);
	set_patterns(row, "to", &grant->to);
	if (grant->rate > 0)
		set_number(row, "rate", grant->rate);
	set_text(row, "owner", grant->owner);
	set_text(row, "note", grant->note);
	if (grant->until == INT64_MAX)
		return;
	set_text(row, "until", day_text(grant->until, day));
	set_number(row, "days_left",
	    grant->until <= now ? 0 :
				  (grant->until - now - 1) / SECONDS_A_DAY + 1);
	json_object_set_new(row, "ended", json_boolean(grant->until <= now));
}

json_t *
grant_row(const struct rules *rules, const struct uses *uses, size_t n,
    const struct grants_wanted *wanted, int64_t now)
{
	const struct use *use = uses == NULL ? NULL : uses_of(uses, rules, n);
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;
	json_t *row;

	if (!allowlist_at(rules_allowlist(rules), n, &line, subject,
		sizeof(subject)) ||
	    !is_wanted(wanted, &line, use, now))
		return NULL;
	row = json_pack("{s:s, s:I, s:b}", "kind", "grant", "line",
	    (json_int_t)line.line, "excluded", line.excluded);
	set_text(row, "subject", subject);
	set_options(row, line.grant, now);
	if (line.excluded)
		return row;
	if (use != NULL && use->last > 0)
		set_number(row, "last_used", use->last);
	set_number(row, "messages_30d",
	    use == NULL ? 0 : (int64_t)use_messages(use, now));
	return row;
}
