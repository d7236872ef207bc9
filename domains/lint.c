/*
 * lint - what is allowed in the tables but probably not meant.
 *
 * Job:     doubt each line by itself and beside the others.
 * Called:  by relayctl check.
 * Owns:    an index of the lines while it looks.
 * Never:   keeps a table from loading: everything here is a warning.
 */
#include "domains/lint.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/allowlist.h"
#include "domains/day.h"
#include "domains/hosted.h"
#include "domains/network_set.h"
#include "domains/subject.h"

enum {
	V4_WIDE = 112, /* a /16 */
	V6_WIDE = 32,
	COMPARED_MAX = 50, /* lines of one network that are held side by side */
	TEXT_MAX = 65536,
	SECONDS_A_DAY = 86400,
};

#define NO_LINE SIZE_MAX

/* A line of the allowlist and its place among the others. */
struct line {
	struct allowlist_line said;
	struct subject subject;
	char text[SUBJECT_TEXT_MAX];
	size_t same; /* the line before it of the same subject, or NO_LINE */
};

struct lint {
	const struct rules *rules;
	const struct allowlist *list;
	const char *file;
	const struct lint_host *hosts;
	size_t host_count;
	int64_t now;
	struct complaints *complaints;
	struct network_set networks; /* of all lines */
	size_t *last;  /* owned: for each network, its last line so far */
	size_t *same;  /* owned: for each line, the one before it */
	bool any_name; /* there are names on the allowlist */
};

static void index_lines(struct lint *lint);
static bool read_line(const struct lint *lint, size_t n, struct line *line);
static void doubt_line(struct lint *lint, size_t n);
static void doubt_hosted(struct lint *lint);

#define WARN(lint, at, ...)                                                   \
	complain_softly((lint)->complaints, (lint)->file, (at)->said.line, 1, \
	    __VA_ARGS__)

void
lint_tables(const struct rules *rules, const struct lint_host *hosts,
    size_t count, int64_t now, struct complaints *complaints)
{
	struct lint lint = {
		.rules = rules,
		.list = rules_allowlist(rules),
		.file = rules_allowlist_file(rules),
		.hosts = hosts,
		.host_count = count,
		.now = now,
		.complaints = complaints,
	};
	size_t i;

	doubt_hosted(&lint);
	index_lines(&lint);
	for (i = 0; i < allowlist_count(lint.list); i++)
		doubt_line(&lint, i);
	free(lint.last);
	free(lint.same);
	network_set_clear(&lint.networks);
}

/* ---- the lines beside each other ---- */

static bool
read_line(const struct lint *lint, size_t n, struct line *line)
{
	const char *why;

	return allowlist_at(lint->list, n, &line->said, line->text,
		   sizeof(line->text)) &&
	    subject_parse(span_of(line->text), &line->subject, &why);
}

static void
index_lines(struct lint *lint)
{
	size_t count = allowlist_count(lint->list), i;
	struct line line;
	uint32_t number;
	bool added;

	network_set_init(&lint->networks, 0);
	lint->last = xcalloc(count + 1, sizeof(*lint->last));
	lint->same = xcalloc(count + 1, sizeof(*lint->same));
	for (i = 0; i < count; i++) {
		lint->same[i] = NO_LINE;
		if (!read_line(lint, i, &line))
			continue;
		if (line.subject.named) {
			lint->any_name = true;
			continue;
		}
		number = network_set_add(&lint->networks, &line.subject.network,
		    &added);
		lint->same[i] = added ? NO_LINE : lint->last[number];
		lint->last[number] = i;
	}
}

/* The last line of the narrowest network around that of line; or NO_LINE. */
static size_t
around(const struct lint *lint, const struct line *line)
{
	unsigned below = line->subject.network.prefix;
	uint32_t found;

	found = network_set_next(&lint->networks, &line->subject.network.ip,
	    &below);
	return found == STRING_SET_NONE ? NO_LINE : lint->last[found];
}

/* Does one say all that other says, and at least as long? */
static bool
covers(const struct grant *one, const struct grant *other)
{
	return one->from.count == 0 && one->to.count == 0 &&
	    one->until >= other->until && one->rate >= other->rate;
}

static bool
equal(const struct grant *one, const struct grant *other)
{
	struct buf a, b;
	bool same;

	if (one == other)
		return true;
	buf_init(&a, TEXT_MAX);
	buf_init(&b, TEXT_MAX);
	grant_text(one, &a);
	grant_text(other, &b);
	same = span_equal(buf_span(&a), buf_span(&b));
	buf_clear(&a);
	buf_clear(&b);
	return same;
}

/* Against the lines of the same network that stand above it. */
static void
doubt_beside(struct lint *lint, size_t n, const struct line *line)
{
	size_t i = lint->same[n], compared;
	struct line other;

	for (compared = 0; i != NO_LINE && compared < COMPARED_MAX;
	     i = lint->same[i], compared++) {
		if (!read_line(lint, i, &other))
			return;
		if (equal(line->said.grant, other.said.grant))
			WARN(lint, line, "%s says what line %zu says",
			    line->text, other.said.line);
		else if (covers(other.said.grant, line->said.grant))
			WARN(lint, line,
			    "%s has no effect: line %zu grants it everything",
			    line->text, other.said.line);
		else if (covers(line->said.grant, other.said.grant))
			WARN(lint, &other,
			    "%s has no effect: line %zu grants it everything",
			    line->text, line->said.line);
		else
			continue;
		return;
	}
}

/* Against the next wider network. */
static void
doubt_inside(struct lint *lint, size_t n, const struct line *line)
{
	size_t i = around(lint, line);
	struct line wider;

	if (i == NO_LINE) {
		if (line->said.excluded && !lint->any_name)
			WARN(lint, line,
			    "%s has no effect: no other line grants it",
			    line->text);
		return;
	}
	if (lint->same[i] != NO_LINE || lint->same[n] != NO_LINE ||
	    !read_line(lint, i, &wider) ||
	    wider.said.excluded != line->said.excluded)
		return;
	if (line->said.excluded || equal(line->said.grant, wider.said.grant))
		WARN(lint, line, "%s says what line %zu says of %s", line->text,
		    wider.said.line, wider.text);
}

/* ---- a line by itself ---- */

static void
doubt_width(struct lint *lint, const struct line *line)
{
	const struct network *network = &line->subject.network;
	bool v4 = ip_is_v4(&network->ip);

	if (network->prefix < (v4 ? V4_WIDE : V6_WIDE))
		WARN(lint, line,
		    "%s is a wide network; expected one of /%d or narrower",
		    line->text, v4 ? 16 : V6_WIDE);
}

static void
doubt_hosts(struct lint *lint, const struct line *line)
{
	const struct network *network = &line->subject.network;
	char text[IP_TEXT_MAX];
	size_t i;

	if (ip_is_loopback_or_unspecified(&network->ip)) {
		WARN(lint, line,
		    "%s is loopback: every program of this host, and what "
		    "others forward to it",
		    line->text);
		return;
	}
	for (i = 0; i < lint->host_count; i++) {
		if (ip_is_v4(&lint->hosts[i].ip) != ip_is_v4(&network->ip) ||
		    !ip_in_network(&lint->hosts[i].ip, &network->ip,
			network->prefix))
			continue;
		ip_text(&lint->hosts[i].ip, text);
		if (network->prefix == PREFIX_HOST)
			WARN(lint, line, "%s is %s", line->text,
			    lint->hosts[i].what);
		else
			WARN(lint, line,
			    "%s covers %s, %s; exclude it with !%s", line->text,
			    text, lint->hosts[i].what, text);
	}
}

static void
doubt_end(struct lint *lint, const struct line *line)
{
	const struct grant *grant = line->said.grant;
	int64_t days = (grant->until - lint->now) / SECONDS_A_DAY;
	char day[DAY_TEXT_MAX];

	if (grant->until == INT64_MAX)
		return;
	if (grant->until <= lint->now)
		WARN(lint, line, "the grant of %s ended on %s", line->text,
		    day_text(grant->until, day));
	else if (days < LINT_SOON_DAYS)
		WARN(lint, line, "the grant of %s ends on %s", line->text,
		    day_text(grant->until, day));
}

static void
doubt_keeping(struct lint *lint, const struct line *line)
{
	const struct grant *grant = line->said.grant;

	if (grant->owner == NULL && grant->until == INT64_MAX)
		WARN(lint, line,
		    "%s has neither owner= nor until=: nobody answers for "
		    "it, and it never ends",
		    line->text);
	else if (grant->owner == NULL)
		WARN(lint, line, "%s has no owner=: nobody answers for it",
		    line->text);
	else if (grant->until == INT64_MAX)
		WARN(lint, line, "%s has no until=: it never ends", line->text);
}

static void
doubt_line(struct lint *lint, size_t n)
{
	struct line line;

	if (!read_line(lint, n, &line))
		return;
	if (!line.said.excluded) {
		doubt_keeping(lint, &line);
		doubt_end(lint, &line);
	}
	if (line.subject.named)
		return;
	if (!line.said.excluded) {
		doubt_width(lint, &line);
		doubt_hosts(lint, &line);
	}
	doubt_beside(lint, n, &line);
	doubt_inside(lint, n, &line);
}

/* ---- hosted domains ---- */

/* A name below a suffix that says the same. */
static void
doubt_hosted(struct lint *lint)
{
	const struct hosted *hosted = rules_hosted_table(lint->rules);
	struct hosted_match match, wider;
	struct span rest;
	const char *domain;
	size_t i;

	for (i = 0; i < hosted_count(hosted); i++) {
		domain = hosted_at(hosted, i, &match);
		rest = span_skip(span_of(domain), 1);
		rest = span_skip(rest, span_find(rest, '.'));
		if (domain[0] == '[' || rest.len == 0)
			continue;
		wider = hosted_find(hosted, rest);
		if (wider.policy == match.policy)
			complain_softly(lint->complaints,
			    rules_hosted_file(lint->rules), match.line, 1,
			    "%s is hosted in the same way by line %zu", domain,
			    wider.line);
	}
}
