/*
 * fuzz_tables - whatever the two tables hold, loading them and asking them, in
 * every way that an administrator can, ends well.
 *
 * The input is a hosted table, a NUL, an allowlist, a NUL, and a recipient's
 * path.  What is checked: a table that loads, written as difference_say() and
 * explain() write its lines, loads again and says the same.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domains/allowlist.h"
#include "domains/difference.h"
#include "domains/explain.h"
#include "domains/hosted.h"
#include "domains/lint.h"
#include "domains/rules.h"
#include "domains/table_edit.h"
#include "domains/tricks.h"

enum {
	NOW = 1800000000,
	TEXT_MAX = 1 << 22,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/relayd-fuzz-XXXXXX";
static char hosted[64], allowlist[64];

static void
write_table(const char *file, struct span text)
{
	FILE *out = fopen(file, "w");

	assert(out != NULL);
	fwrite(text.data == NULL ? "" : text.data, 1, text.len, out);
	fclose(out);
}

static void
clean(void)
{
	unlink(hosted);
	unlink(allowlist);
	rmdir(folder);
}

static void
make_folder(void)
{
	if (hosted[0] != '\0')
		return;
	assert(mkdtemp(folder) != NULL);
	snprintf(hosted, sizeof(hosted), "%s/hosted", folder);
	snprintf(allowlist, sizeof(allowlist), "%s/allowlist", folder);
	atexit(clean);
}

static struct rules *
load(struct complaints *complaints)
{
	struct rules_sources sources = { .hosted = hosted,
		.allowlist = allowlist,
		.postmaster = "postmaster@campus.test",
		.outside = { .mx = true, .tls = TLS_MAY } };

	complaints_init(complaints);
	return rules_load(&sources, complaints);
}

/* Every line as it would be written. */
static void
write_again(const struct rules *rules)
{
	const struct allowlist *list = rules_allowlist(rules);
	const struct hosted *domains = rules_hosted_table(rules);
	char subject[DOMAIN_MAX + 2];
	struct allowlist_line line;
	struct hosted_match match;
	struct buf text;
	size_t i;

	buf_init(&text, TEXT_MAX);
	for (i = 0; i < hosted_count(domains); i++) {
		buf_add(&text, span_of(hosted_at(domains, i, &match)));
		hosted_policy_text(match.policy, &text);
		buf_add_byte(&text, '\n');
		assert(hosted_index(domains, match.line) == i);
	}
	write_table(hosted, buf_span(&text));
	buf_empty(&text);
	for (i = 0; allowlist_at(list, i, &line, subject, sizeof(subject));
	     i++) {
		buf_add(&text, span_of(subject));
		grant_text(line.grant, &text);
		buf_add_byte(&text, '\n');
		assert(allowlist_index(list, line.line) == i);
		assert(allowlist_rank(list, i) <= i);
	}
	write_table(allowlist, buf_span(&text));
	buf_clear(&text);
}

static void
assert_same(const struct rules *rules)
{
	struct complaints complaints;
	struct rules *again;
	struct buf lines;

	write_again(rules);
	again = load(&complaints);
	assert(again != NULL);
	buf_init(&lines, TEXT_MAX);
	difference_say(rules, again, &lines);
	assert(lines.len == 0);
	buf_clear(&lines);
	complaints_clear(&complaints);
	rules_free(again);
}

static void
ask(const struct rules *rules, struct span path)
{
	struct address sender = { .kind = ADDRESS_NULL }, recipient;
	struct explanation explanation;
	struct ip client;
	const char *why;
	unsigned quirks;
	size_t used;

	if (path_parse(path, &recipient, &used, &quirks, &why) != PATH_OK ||
	    !ip_parse(SPAN("192.0.2.1"), &client))
		return;
	explain(rules, &client, &sender, &recipient, NOW, &explanation);
	assert(explanation.count > 0);
	explanation_clear(&explanation);
}

static void
edit(struct span text)
{
	struct buf added, removed;

	buf_init(&added, TEXT_MAX);
	buf_init(&removed, TEXT_MAX);
	table_edit_add(text, SPAN("192.0.2.1 note=fuzz"), &added);
	assert(table_edit_remove(buf_span(&added), SPAN("192.0.2.1"),
		   &removed) >= 1);
	assert(removed.len <= text.len + 2);
	buf_clear(&added);
	buf_clear(&removed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make((const char *)data, size), grants;
	struct complaints complaints;
	struct rules *rules;

	make_folder();
	write_table(hosted, span_cut(&rest, '\0'));
	grants = span_cut(&rest, '\0');
	write_table(allowlist, grants);
	edit(grants);
	rules = load(&complaints);
	assert((rules == NULL) == (complaints.errors > 0));
	if (rules != NULL) {
		ask(rules, rest);
		tricks_try(rules, &complaints);
		lint_tables(rules, NULL, 0, NOW, &complaints);
		assert_same(rules);
	}
	complaints_text(&complaints);
	complaints_clear(&complaints);
	rules_free(rules);
	return 0;
}
