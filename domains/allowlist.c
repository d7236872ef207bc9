/*
 * allowlist - who may send to outside addresses.
 *
 * Job:     read the allowlist, and find the lines that decide for a client.
 * Called:  by rules.c.
 * Owns:    networks, names and grants.
 * Never:   lets a wider network overrule a narrower one that is in force.
 */
#include "domains/allowlist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/network_set.h"
#include "domains/string_set.h"
#include "domains/subject.h"

enum {
	GROUP_MAX = 1000, /* lines of one network: each is tried at a RCPT */
	V4_WIDE = 104,    /* a v4 /8 and a v6 /24: wider ones are doubted */
	V6_WIDE = 24,
};

#define NO_LINE UINT32_MAX

/* The lines of one network or name, in the table's order. */
struct group {
	uint32_t first, last; /* lines */
	uint32_t count;
	bool excluded;
};

/* A growing array of groups, one for each network or name. */
struct groups {
	struct group *list; /* owned */
	uint32_t room;
};

struct entry {
	uint32_t number;  /* of the line in the file */
	uint32_t grant;   /* lines with the same options share one */
	uint32_t next;    /* in its group, or NO_LINE */
	uint32_t subject; /* a network or a name */
	bool named;
};

struct allowlist {
	struct network_set networks;
	struct groups network_groups;
	struct grant_names *names; /* owned */
	struct groups name_groups;
	struct entry *entries; /* owned */
	uint32_t count, room;
	struct string_set options; /* as written, while loading */
	struct grant *grants;      /* owned */
	uint32_t grant_count;
};

/* What is being asked, and the answer so far. */
struct question {
	const struct allowlist *list;
	const struct address *sender, *recipient;
	int64_t now;
	struct allowlist_answer answer;
	uint32_t rate; /* the highest seen */
};

static void read_line(struct allowlist *list, struct table_reader *reader,
    struct table_line *line);
static bool ask_group(struct question *question, const struct group *group);
static void ask_client(struct question *question, const struct ip *client);
static bool may_become(const struct question *question,
    const struct ip *client);

struct allowlist *
allowlist_new(uint64_t seed)
{
	struct allowlist *list = xcalloc(1, sizeof(*list));

	network_set_init(&list->networks, seed);
	list->names = grant_names_new(seed);
	string_set_init(&list->options, seed);
	return list;
}

struct allowlist *
allowlist_load(const char *file, uint64_t seed, struct complaints *complaints)
{
	size_t errors = complaints->errors;
	struct allowlist *list;
	struct table_reader reader;
	enum table_verdict verdict;
	struct table_line line;

	verdict = table_reader_open(&reader, file, complaints);
	if (verdict == TABLE_BAD)
		return NULL;
	list = allowlist_new(seed);
	if (verdict == TABLE_MISSING) {
		complain_softly(complaints, file, 0, 0,
		    "does not exist; nobody may send to outside addresses");
		return list;
	}
	while (table_reader_line(&reader, &line))
		read_line(list, &reader, &line);
	table_reader_close(&reader);
	grant_names_reserve(list->names);
	string_set_trim(&list->networks.keys);
	string_set_clear(&list->options);
	if (complaints->errors == errors)
		return list;
	allowlist_free(list);
	return NULL;
}

void
allowlist_free(struct allowlist *list)
{
	uint32_t i;

	if (list == NULL)
		return;
	for (i = 0; i < list->grant_count; i++)
		grant_clear(&list->grants[i]);
	free(list->grants);
	free(list->entries);
	free(list->network_groups.list);
	free(list->name_groups.list);
	grant_names_free(list->names);
	network_set_clear(&list->networks);
	string_set_clear(&list->options);
	free(list);
}

size_t
allowlist_count(const struct allowlist *list)
{
	return list->count;
}

struct grant_names *
allowlist_names(const struct allowlist *list)
{
	return list->names;
}

struct allowlist_answer
allowlist_ask(const struct allowlist *list, const struct ip *client,
    const struct address *sender, const struct address *recipient, int64_t now)
{
	struct question question = { list, sender, recipient, now,
		{ .verdict = ALLOWLIST_NOBODY }, 0 };

	ask_client(&question, client);
	if (question.answer.verdict != ALLOWLIST_GRANTED &&
	    may_become(&question, client))
		question.answer =
		    (struct allowlist_answer){ .verdict = ALLOWLIST_UNKNOWN };
	return question.answer;
}

uint32_t
allowlist_rate(const struct allowlist *list, const struct ip *client,
    const struct address *sender, int64_t now)
{
	struct question question = { list, sender, NULL, now,
		{ .verdict = ALLOWLIST_NOBODY }, 0 };

	ask_client(&question, client);
	return question.rate;
}

/* Entries stand in the order of their lines. */
size_t
allowlist_index(const struct allowlist *list, size_t line)
{
	size_t low = 0, high = list->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (list->entries[middle].number < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < list->count && list->entries[low].number == line)
		return low;
	return list->count;
}

size_t
allowlist_rank(const struct allowlist *list, size_t n)
{
	const struct entry *entry = &list->entries[n];
	const struct groups *groups =
	    entry->named ? &list->name_groups : &list->network_groups;
	uint32_t i = groups->list[entry->subject].first;
	size_t rank = 0;

	for (; i != n; i = list->entries[i].next)
		rank++;
	return rank;
}

bool
allowlist_at(const struct allowlist *list, size_t n,
    struct allowlist_line *line, char *text, size_t size)
{
	char shown[NETWORK_TEXT_MAX];
	struct network network;
	const struct entry *entry;

	if (n >= list->count)
		return false;
	entry = &list->entries[n];
	*line = (struct allowlist_line){
		.line = entry->number,
		.grant = &list->grants[entry->grant],
	};
	if (entry->named) {
		snprintf(text, size, "%s",
		    grant_names_at(list->names, entry->subject));
		return true;
	}
	line->excluded = list->network_groups.list[entry->subject].excluded;
	network = network_set_at(&list->networks, entry->subject);
	snprintf(text, size, "%s%s", line->excluded ? "!" : "",
	    network_text(&network, shown));
	return true;
}

/* ---- asking ---- */

/*
 * Tries the live lines of a group.  False when it has none: then the next
 * wider network is asked.
 */
static bool
ask_group(struct question *question, const struct group *group)
{
	const struct allowlist *list = question->list;
	enum allowlist_verdict verdict;
	const struct entry *entry;
	const struct grant *grant;
	bool decided = false;
	uint32_t i;

	for (i = group->first; i != NO_LINE; i = entry->next) {
		entry = &list->entries[i];
		grant = &list->grants[entry->grant];
		verdict = ALLOWLIST_GRANTED;
		if (group->excluded)
			verdict = ALLOWLIST_EXCLUDED;
		else if (!grant_live(grant, question->now))
			verdict = ALLOWLIST_EXPIRED;
		else if (question->sender != NULL &&
		    !grant_from(grant, question->sender))
			verdict = ALLOWLIST_SENDER;
		else if (question->recipient != NULL &&
		    !grant_to(grant, question->recipient))
			verdict = ALLOWLIST_RECIPIENT;
		else if (grant->rate > question->rate)
			question->rate = grant->rate;
		decided = decided || verdict != ALLOWLIST_EXPIRED;
		/* The verdicts stand in the order of what is worth telling. */
		if (verdict > question->answer.verdict)
			question->answer = (struct allowlist_answer){ verdict,
				entry->number, grant };
	}
	return decided;
}

static void
ask_client(struct question *question, const struct ip *client)
{
	const struct allowlist *list = question->list;
	const struct grant_names_place *place = NULL;
	const struct group *host = NULL;
	unsigned below = PREFIX_HOST + 1;
	bool decided = false;
	uint32_t found, name;

	found = network_set_next(&list->networks, client, &below);
	if (found != STRING_SET_NONE && below == PREFIX_HOST) {
		host = &list->network_groups.list[found];
		decided = ask_group(question, host);
		found = network_set_next(&list->networks, client, &below);
	}
	/* A name is its addresses; only "!" for one of them takes it back. */
	while ((host == NULL || !host->excluded) &&
	    grant_names_next(list->names, client, &place, &name))
		if (ask_group(question, &list->name_groups.list[name]))
			decided = true;
	while (!decided && found != STRING_SET_NONE) {
		decided =
		    ask_group(question, &list->network_groups.list[found]);
		found = network_set_next(&list->networks, client, &below);
	}
}

/*
 * Might a name that has not been looked up yet turn out to be the client, and
 * its grant then hold?
 */
static bool
may_become(const struct question *question, const struct ip *client)
{
	const struct allowlist *list = question->list;
	unsigned below = PREFIX_HOST + 1;
	struct question other;
	uint32_t found, i;

	if (grant_names_all_known(list->names))
		return false;
	found = network_set_next(&list->networks, client, &below);
	if (found != STRING_SET_NONE && below == PREFIX_HOST &&
	    list->network_groups.list[found].excluded)
		return false;
	for (i = 0; i < grant_names_count(list->names); i++) {
		if (grant_names_known(list->names, i))
			continue;
		other = *question;
		other.answer.verdict = ALLOWLIST_NOBODY;
		ask_group(&other, &list->name_groups.list[i]);
		if (other.answer.verdict == ALLOWLIST_GRANTED)
			return true;
	}
	return false;
}

/* ---- loading ---- */

static struct group *
group_of(struct groups *groups, uint32_t n, bool added)
{
	if (added && n >= groups->room) {
		groups->room += groups->room / 2 + 16;
		groups->list =
		    xrealloc(groups->list, groups->room, sizeof(*groups->list));
	}
	if (added)
		groups->list[n] =
		    (struct group){ .first = NO_LINE, .last = NO_LINE };
	return &groups->list[n];
}

/* Puts a new line at the end of its group. */
static void
append(struct allowlist *list, struct group *group, struct entry entry)
{
	if (list->count == list->room) {
		list->room += list->room / 2 + 16;
		list->entries =
		    xrealloc(list->entries, list->room, sizeof(*list->entries));
	}
	entry.next = NO_LINE;
	list->entries[list->count] = entry;
	if (group->first == NO_LINE)
		group->first = list->count;
	else
		list->entries[group->last].next = list->count;
	group->last = list->count++;
	group->count++;
}

/* Options that were read once are not read again. */
static bool
read_grant(struct allowlist *list, struct table_reader *reader,
    struct table_line *line, bool exclusion, uint32_t *number)
{
	struct grant grant;
	struct buf key;
	bool added, good = true;

	/* What an exclusion may say is another question: another key. */
	buf_init(&key, line->options.len + 1);
	buf_add_byte(&key, exclusion ? '!' : ' ');
	buf_add(&key, line->options);
	*number = string_set_find(&list->options, buf_span(&key));
	if (*number == STRING_SET_NONE)
		good = grant_read(&grant, reader, line, exclusion);
	if (*number == STRING_SET_NONE && good) {
		*number =
		    string_set_add(&list->options, buf_span(&key), &added);
		if ((*number & (*number - 1)) == 0) /* powers of two */
			list->grants = xrealloc(list->grants,
			    *number == 0 ? 1 : 2 * (size_t)*number,
			    sizeof(*list->grants));
		list->grants[*number] = grant;
		list->grant_count = *number + 1;
	}
	buf_clear(&key);
	return good;
}

static void
doubt_width(struct table_reader *reader, struct table_line *line,
    const struct network *network)
{
	if (network->prefix < (ip_is_v4(&network->ip) ? V4_WIDE : V6_WIDE))
		complain_softly(reader->complaints, reader->file, line->number,
		    table_reader_column(line, line->subject.data),
		    "\"%.*s\" is much of the internet; expected networks of "
		    "the campus",
		    TABLE_SHOWN(line->subject));
}

static void
add_network(struct allowlist *list, struct table_reader *reader,
    struct table_line *line, const struct network *network, struct entry entry,
    bool exclusion)
{
	struct group *group;
	bool added;

	entry.subject = network_set_add(&list->networks, network, &added);
	group = group_of(&list->network_groups, entry.subject, added);
	if (added) {
		group->excluded = exclusion;
		doubt_width(reader, line, network);
	}
	if (group->excluded != exclusion)
		table_reader_complain(reader, line, line->subject.data,
		    "\"%.*s\" is %s on line %u; expected a network to be "
		    "granted or excluded, not both",
		    TABLE_SHOWN(line->subject),
		    group->excluded ? "excluded" : "granted",
		    list->entries[group->first].number);
	else if (group->count == GROUP_MAX)
		table_reader_complain(reader, line, line->subject.data,
		    "more than %d lines for one network; expected fewer",
		    GROUP_MAX);
	else
		append(list, group, entry);
}

static void
add_name(struct allowlist *list, struct table_reader *reader,
    struct table_line *line, struct span name, struct entry entry)
{
	struct group *group;
	bool added;

	entry.named = true;
	entry.subject = grant_names_add(list->names, name, &added);
	group = group_of(&list->name_groups, entry.subject, added);
	if (group->count == GROUP_MAX)
		table_reader_complain(reader, line, line->subject.data,
		    "more than %d lines for one name; expected fewer",
		    GROUP_MAX);
	else
		append(list, group, entry);
}

static void
read_line(struct allowlist *list, struct table_reader *reader,
    struct table_line *line)
{
	struct entry entry = { .number = (uint32_t)line->number };
	struct subject subject;
	const char *why;
	bool good;

	good = subject_parse(line->subject, &subject, &why);
	if (!good)
		table_reader_complain(reader, line, line->subject.data,
		    "\"%.*s\": %s", TABLE_SHOWN(line->subject), why);
	/* A wrong subject is no reason to say nothing of the options. */
	if (!read_grant(list, reader, line, subject.excluded, &entry.grant) ||
	    !good)
		return;
	if (subject.named)
		add_name(list, reader, line, span_of(subject.name), entry);
	else
		add_network(list, reader, line, &subject.network, entry,
		    subject.excluded);
}
