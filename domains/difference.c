/*
 * difference - what other rules would change.
 *
 * Job:     compare two tables by what their lines say.
 * Called:  by reload.c beside the loop; by relayctl before it installs a table.
 * Owns:    a hash for each line while it compares.
 * Never:   looks at the addresses behind names.
 */
#include "domains/difference.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/hosted.h"

enum {
	LINE_MAX_BYTES = 65536,
	TAIL_BYTES = 64, /* kept for "and N more lines" */
};

/* One of the two tables, as lines that can be numbered. */
struct table {
	const char *file;
	size_t count;
	/* Writes line n as it would be written; its number in the file. */
	size_t (*say)(const struct rules *rules, size_t n, struct buf *out);
};

struct hashes {
	uint64_t *list; /* owned, sorted */
	size_t count;
};

/* What is being written. */
struct report {
	struct buf *out;
	size_t left_out;
};

static size_t
say_grant(const struct rules *rules, size_t n, struct buf *out)
{
	struct allowlist_line line;
	char subject[DOMAIN_MAX + 2];

	if (!allowlist_at(rules_allowlist(rules), n, &line, subject,
		sizeof(subject)))
		return 0;
	buf_add(out, span_of(subject));
	grant_text(line.grant, out);
	return line.line;
}

static size_t
say_hosted(const struct rules *rules, size_t n, struct buf *out)
{
	struct hosted_match match;

	buf_add(out, span_of(hosted_at(rules_hosted_table(rules), n, &match)));
	hosted_policy_text(match.policy, out);
	return match.line;
}

static struct table
hosted_of(const struct rules *rules)
{
	return (struct table){ rules_hosted_file(rules),
		rules_hosted_count(rules), say_hosted };
}

static struct table
grants_of(const struct rules *rules)
{
	return (struct table){ rules_allowlist_file(rules),
		rules_grant_count(rules), say_grant };
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static struct hashes
hash_all(const struct rules *rules, const struct table *table)
{
	struct hashes hashes = { .count = table->count };
	struct buf line;
	size_t i;

	hashes.list = xcalloc(table->count + 1, sizeof(*hashes.list));
	buf_init(&line, LINE_MAX_BYTES);
	for (i = 0; i < table->count; i++) {
		buf_empty(&line);
		table->say(rules, i, &line);
		hashes.list[i] = span_hash(buf_span(&line), 0);
	}
	buf_clear(&line);
	qsort(hashes.list, hashes.count, sizeof(*hashes.list), compare);
	return hashes;
}

static bool
has(const struct hashes *hashes, struct span line)
{
	uint64_t hash = span_hash(line, 0);

	return bsearch(&hash, hashes->list, hashes->count,
		   sizeof(*hashes->list), compare) != NULL;
}

static const char *
base_name(const char *file)
{
	const char *slash = file == NULL ? NULL : strrchr(file, '/');

	return slash == NULL ? file : slash + 1;
}

static void
add_line(struct report *report, char sign, const char *file, size_t number,
    struct span line)
{
	struct buf text;

	buf_init(&text, LINE_MAX_BYTES);
	buf_addf(&text, "%c %s:%zu: ", sign, base_name(file), number);
	buf_add(&text, line);
	buf_add_byte(&text, '\n');
	if (report->left_out > 0 || text.full ||
	    report->out->len + text.len + TAIL_BYTES > report->out->max)
		report->left_out++;
	else
		buf_add(report->out, buf_span(&text));
	buf_clear(&text);
}

/* Every line of one that the other has not. */
static void
add_missing(struct report *report, char sign, const struct rules *rules,
    const struct table *table, const struct hashes *others)
{
	struct buf line;
	size_t number, i;

	buf_init(&line, LINE_MAX_BYTES);
	for (i = 0; i < table->count; i++) {
		buf_empty(&line);
		number = table->say(rules, i, &line);
		if (!has(others, buf_span(&line)))
			add_line(report, sign, table->file, number,
			    buf_span(&line));
	}
	buf_clear(&line);
}

static void
compare_tables(struct report *report, const struct rules *older,
    const struct rules *newer, const struct table *old, const struct table *new)
{
	struct hashes before = hash_all(older, old);
	struct hashes after = hash_all(newer, new);

	add_missing(report, '-', older, old, &after);
	add_missing(report, '+', newer, new, &before);
	free(before.list);
	free(after.list);
}

void
difference_say(const struct rules *older, const struct rules *newer,
    struct buf *out)
{
	struct table old_hosted = hosted_of(older);
	struct table new_hosted = hosted_of(newer);
	struct table old_grants = grants_of(older);
	struct table new_grants = grants_of(newer);
	struct report report = { .out = out };

	/* The new one may lie aside, to be installed under the old one's name. */
	new_hosted.file = old_hosted.file;
	if (old_grants.file != NULL)
		new_grants.file = old_grants.file;
	compare_tables(&report, older, newer, &old_hosted, &new_hosted);
	compare_tables(&report, older, newer, &old_grants, &new_grants);
	if (report.left_out > 0)
		buf_addf(out, "and %zu more lines\n", report.left_out);
}
