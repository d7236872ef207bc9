/*
 * ctl_change - relayctl allow and revoke.
 *
 * Job:     make one line of the allowlist, or take those of an address out, and
 *          have the running relayd take the table.
 * Called:  by relayctl.
 * Owns:    nothing.
 * Never:   touches another line.
 */
#include <string.h>
#include <time.h>

#include "domains/allowlist.h"
#include "domains/subject.h"
#include "domains/table_edit.h"
#include "domains/table_value.h"
#include "relayd/ctl/change.h"
#include "relayd/ctl/ctl_commands.h"
#include "relayd/ctl/ctl_patience.h"

enum {
	LINE_MAX_BYTES = 8192,
	TEXT_MAX = 1 << 30,
	WAIT_SECONDS = 10,
};

/* Every argument behind the address is one option; the shell took its quotes. */
static bool
make_line(int argc, char *argv[], const char *subject, struct buf *line)
{
	struct span key;
	size_t equals;
	int i;

	buf_add(line, span_of(subject));
	for (i = 2; i < argc; i++) {
		key = span_of(argv[i]);
		equals = span_find(key, '=');
		if (equals == 0 || equals == key.len ||
		    strpbrk(argv[i], "\r\n") != NULL)
			return false;
		argv[i][equals] = '\0';
		buf_add_byte(line, ' ');
		table_value_add(line, argv[i], span_of(argv[i] + equals + 1));
	}
	return !line->full;
}

/* A wider network's lines no longer decide for a host that has its own. */
static void
warn_taken_over(const struct change *change, const struct subject *subject)
{
	const struct allowlist *list = rules_allowlist(change->before);
	struct allowlist_answer answer;

	if (subject->named)
		return;
	answer = allowlist_ask(list, &subject->network.ip, NULL, NULL,
	    (int64_t)time(NULL));
	if (answer.verdict == ALLOWLIST_GRANTED &&
	    allowlist_ask(rules_allowlist(change->after), &subject->network.ip,
		NULL, NULL, (int64_t)time(NULL))
		    .line != answer.line)
		ctl_say(CTL_YES,
		    "note: line %zu, which spoke of it before, no longer "
		    "decides for it",
		    answer.line);
}

/* Tries, shows and installs; a change of nothing is none. */
static enum ctl_status
carry_out(struct change *change, const struct buf *text,
    const struct subject *subject)
{
	if (change->before == NULL) {
		fputs(buf_text(&change->complaints), stderr);
		return ctl_say(CTL_NO,
		    "the tables have errors now: correct "
		    "them first, with relayctl edit");
	}
	if (!change_try(change, buf_span(text)))
		return ctl_say(CTL_NO, "nothing was changed");
	if (!change_show(change))
		return ctl_say(CTL_YES,
		    "the tables say so already: nothing "
		    "was changed");
	if (!subject->excluded)
		warn_taken_over(change, subject);
	return change_install(change);
}

static bool
read_subject(const char *text, struct subject *subject)
{
	const char *why;

	if (subject_parse(span_of(text), subject, &why))
		return true;
	ctl_say(CTL_USAGE, "\"%s\": %s", text, why);
	return false;
}

/* An exclusion of the very address would stand against its grant. */
static void
without_exclusion(struct span text, const struct subject *subject,
    struct buf *out)
{
	struct subject excluded = *subject;
	char shown[SUBJECT_TEXT_MAX];

	excluded.excluded = !subject->excluded;
	table_edit_remove(text, span_of(subject_text(&excluded, shown)), out);
}

enum ctl_status
ctl_allow(struct ctl *ctl, int argc, char *argv[])
{
	enum ctl_status status;
	struct subject subject;
	struct change change;
	struct buf line, bare, text;

	if (argc < 2)
		return ctl_say(CTL_USAGE,
		    "expected allow ADDRESS [to=] [from=] [until=] [rate=] "
		    "[owner=] [note=]");
	if (!read_subject(argv[1], &subject))
		return CTL_USAGE;
	buf_init(&line, LINE_MAX_BYTES);
	if (subject.excluded || !make_line(argc, argv, argv[1], &line)) {
		buf_clear(&line);
		return ctl_say(CTL_USAGE,
		    subject.excluded ?
			"to exclude an address, revoke it" :
			"expected options as owner=lab@campus.test");
	}
	if (!change_open(&change, ctl, false, WAIT_SECONDS)) {
		buf_clear(&line);
		return CTL_NO;
	}
	buf_init(&bare, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	patience_begin();
	without_exclusion(buf_span(&change.file.text), &subject, &bare);
	table_edit_add(buf_span(&bare), buf_span(&line), &text);
	patience_end();
	status = carry_out(&change, &text, &subject);
	buf_clear(&text);
	buf_clear(&bare);
	buf_clear(&line);
	change_close(&change);
	return status;
}

/* Does a wider network still grant what has no line of its own any more? */
static bool
still_granted(const struct change *change, const struct subject *subject)
{
	return !subject->named && !subject->excluded &&
	    rules_granted(change->after, &subject->network.ip,
		(int64_t)time(NULL), NULL);
}

/*
 * The address's own lines go; where a wider network would grant it still, an
 * exclusion comes in their place.
 */
static enum ctl_status
revoke(struct change *change, const struct subject *subject)
{
	char shown[SUBJECT_TEXT_MAX], line[SUBJECT_TEXT_MAX + 1];
	struct subject excluded = *subject;
	enum ctl_status status;
	struct buf bare, text;
	size_t count;

	buf_init(&bare, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	subject_text(subject, shown);
	patience_begin();
	count = table_edit_remove(buf_span(&change->file.text), span_of(shown),
	    &bare);
	patience_end();
	if (change->before == NULL || !change_try(change, buf_span(&bare))) {
		status = carry_out(change, &bare, subject);
	} else if (still_granted(change, subject)) {
		snprintf(line, sizeof(line), "!%s", shown);
		table_edit_add(buf_span(&bare), span_of(line), &text);
		excluded.excluded = true;
		status = carry_out(change, &text, &excluded);
	} else if (count == 0) {
		status = ctl_say(CTL_NO, "%s is on no line of %s", shown,
		    change->file.path);
	} else {
		status = carry_out(change, &bare, subject);
	}
	buf_clear(&bare);
	buf_clear(&text);
	return status;
}

enum ctl_status
ctl_revoke(struct ctl *ctl, int argc, char *argv[])
{
	enum ctl_status status;
	struct subject subject;
	struct change change;

	if (argc != 2)
		return ctl_say(CTL_USAGE, "expected revoke ADDRESS");
	if (!read_subject(argv[1], &subject))
		return CTL_USAGE;
	if (!change_open(&change, ctl, false, WAIT_SECONDS))
		return CTL_NO;
	status = revoke(&change, &subject);
	change_close(&change);
	return status;
}
