/*
 * hosted - the domains that the campus serves.
 *
 * Job:     read the hosted table, and find the most specific line for a
 *          domain.
 * Called:  by rules.c.
 * Owns:    the domains, what their lines say, and the recipients= files.
 * Never:   decides; rules.c does.
 */
#include "domains/hosted.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/domain.h"
#include "domains/string_set.h"
#include "domains/table_reader.h"
#include "domains/table_value.h"

enum {
	REFUSE_MAX = 200, /* bytes; with the recipient it fits a reply line */
};

/* Domains that have the same options share one policy. */
struct hosted {
	struct string_set domains; /* "dom", ".dom", "[literal]" */
	struct hosted_line {
		uint32_t number;
		uint32_t policy;
	} * lines; /* owned; one for each of domains */
	uint32_t line_room;
	struct string_set options;      /* as written; one for each policy */
	struct hosted_policy *policies; /* owned */
	struct string_set files;        /* of recipients= */
	struct recipients **recipients; /* owned; one for each of files */
	uint32_t recipients_count;
};

/* One option that is being read. */
struct read {
	struct hosted *hosted;
	struct hosted_policy *policy;
	struct table_reader *reader;
	struct table_line *line;
	const struct table_option *option;
};

static void read_line(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line);
static bool read_domain(struct table_reader *reader, struct table_line *line,
    char out[1 + DOMAIN_MAX + 1]);
static bool read_policy(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line, uint32_t *policy);
static void add_line(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line, struct span domain, uint32_t policy);
static void take_via(struct read *read);
static void take_tls(struct read *read);
static void take_refuse(struct read *read);
static void take_recipients(struct read *read);

static const char *const keys[] = { "via", "tls", "recipients", "refuse" };
static void (*const takers[])(
    struct read *read) = { take_via, take_tls, take_recipients, take_refuse };

enum {
	KEYS = sizeof(keys) / sizeof(keys[0]),
	KEY_REFUSE = KEYS - 1,
};

struct hosted *
hosted_load(const char *file, uint64_t seed, struct complaints *complaints)
{
	size_t errors = complaints->errors;
	struct table_reader reader;
	enum table_verdict verdict;
	struct table_line line;
	struct hosted *hosted;

	verdict = table_reader_open(&reader, file, complaints);
	if (verdict == TABLE_MISSING)
		complain(complaints, file, 0, 0,
		    "does not exist; expected the table of hosted domains");
	if (verdict != TABLE_OPEN)
		return NULL;
	hosted = xcalloc(1, sizeof(*hosted));
	string_set_init(&hosted->domains, seed);
	string_set_init(&hosted->options, seed);
	string_set_init(&hosted->files, seed);
	while (table_reader_line(&reader, &line))
		read_line(hosted, &reader, &line);
	table_reader_close(&reader);
	string_set_trim(&hosted->domains);
	if (complaints->errors == errors)
		return hosted;
	hosted_free(hosted);
	return NULL;
}

void
hosted_free(struct hosted *hosted)
{
	uint32_t i;

	if (hosted == NULL)
		return;
	for (i = 0; i < hosted->options.count; i++) {
		route_clear(&hosted->policies[i].route);
		free(hosted->policies[i].refuse);
		free(hosted->policies[i].recipients_file);
	}
	free(hosted->policies);
	for (i = 0; i < hosted->recipients_count; i++)
		recipients_free(hosted->recipients[i]);
	free(hosted->recipients);
	free(hosted->lines);
	string_set_clear(&hosted->domains);
	string_set_clear(&hosted->options);
	string_set_clear(&hosted->files);
	free(hosted);
}

size_t
hosted_count(const struct hosted *hosted)
{
	return hosted->domains.count;
}

static struct hosted_match
match_of(const struct hosted *hosted, uint32_t found)
{
	const struct hosted_line *line;

	if (found == STRING_SET_NONE)
		return (struct hosted_match){ .policy = NULL };
	line = &hosted->lines[found];
	return (struct hosted_match){
		.policy = &hosted->policies[line->policy],
		.line = line->number,
	};
}

const char *
hosted_at(const struct hosted *hosted, size_t n, struct hosted_match *match)
{
	*match = match_of(hosted, (uint32_t)n);
	return string_set_at(&hosted->domains, (uint32_t)n).data;
}

size_t
hosted_index(const struct hosted *hosted, size_t line)
{
	size_t low = 0, count = hosted->domains.count, high = count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (hosted->lines[middle].number < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < count && hosted->lines[low].number == line)
		return low;
	return count;
}

void
hosted_policy_text(const struct hosted_policy *policy, struct buf *out)
{
	const struct route *route = &policy->route;

	if (policy->refuse != NULL) {
		buf_add_byte(out, ' ');
		table_value_add(out, "refuse", span_of(policy->refuse));
		return;
	}
	if (!route->mx) {
		buf_add(out, SPAN(" via="));
		route_hops_text(route, out);
	}
	if (route->tls != TLS_MAY)
		buf_addf(out, " tls=%s", tls_level_name(route->tls));
	if (policy->recipients_file != NULL) {
		buf_add_byte(out, ' ');
		table_value_add(out, "recipients",
		    span_of(policy->recipients_file));
	}
}

/*
 * The exact name, then the suffixes, longest first: one look for each label.
 * No suffix in the table ends in a bracket, so a literal finds only itself.
 */
struct hosted_match
hosted_find(const struct hosted *hosted, struct span domain)
{
	uint32_t found = string_set_find(&hosted->domains, domain);
	struct span suffix = domain;
	size_t dot;

	while (found == STRING_SET_NONE) {
		dot = suffix.len == 0 ?
		    0 :
		    1 + span_find(span_skip(suffix, 1), '.');
		if (dot >= suffix.len)
			break;
		suffix = span_skip(suffix, dot);
		found = string_set_find(&hosted->domains, suffix);
	}
	return match_of(hosted, found);
}

static void
read_line(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line)
{
	char domain[1 + DOMAIN_MAX + 1];
	uint32_t policy = 0;
	bool good;

	good = read_domain(reader, line, domain);
	/* A wrong domain is no reason to say nothing of the options. */
	if (!read_policy(hosted, reader, line, &policy))
		return;
	if (good)
		add_line(hosted, reader, line, span_of(domain), policy);
}

/* Writes "dom", ".dom" or "[literal]" into out. */
static bool
read_domain(struct table_reader *reader, struct table_line *line,
    char out[1 + DOMAIN_MAX + 1])
{
	struct span subject = line->subject;
	const char *why;
	bool good;

	if (subject.data[0] == '[') {
		good = domain_literal(subject, out, &why);
	} else if (subject.data[0] == '.') {
		out[0] = '.';
		good = domain_normalise(span_skip(subject, 1), out + 1, &why);
		if (good && strchr(out + 1, '.') == NULL)
			complain_softly(reader->complaints, reader->file,
			    line->number,
			    table_reader_column(line, subject.data),
			    "\"%s\" is every name of a top-level domain; "
			    "expected a domain of the campus",
			    out);
	} else {
		good = domain_normalise(subject, out, &why);
	}
	if (!good)
		table_reader_complain(reader, line, subject.data,
		    "\"%.*s\": %s", TABLE_SHOWN(subject), why);
	return good;
}

static bool
read_policy(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line, uint32_t *number)
{
	struct hosted_policy policy = { .route = { .mx = true,
					    .tls = TLS_MAY } };
	struct table_option option;
	struct read read = { hosted, &policy, reader, line, &option };
	bool before = line->wrong, added;
	unsigned seen = 0, which;

	*number = string_set_find(&hosted->options, line->options);
	if (*number != STRING_SET_NONE)
		return true;
	line->wrong = false;
	while (table_reader_option(reader, line, keys, KEYS, &seen, &option,
	    &which))
		takers[which](&read);
	if ((seen & 1u << KEY_REFUSE) != 0 && (seen & (seen - 1)) != 0)
		table_reader_complain(reader, line, line->options.data,
		    "refuse= beside other options; expected it alone, since "
		    "the domain gets no mail");
	if (line->wrong) {
		route_clear(&policy.route);
		free(policy.refuse);
		free(policy.recipients_file);
		return false;
	}
	line->wrong = before;
	*number = string_set_add(&hosted->options, line->options, &added);
	if ((*number & (*number - 1)) == 0) /* room doubles at powers of two */
		hosted->policies = xrealloc(hosted->policies,
		    *number == 0 ? 1 : 2 * (size_t)*number,
		    sizeof(*hosted->policies));
	hosted->policies[*number] = policy;
	return true;
}

static void
add_line(struct hosted *hosted, struct table_reader *reader,
    struct table_line *line, struct span domain, uint32_t policy)
{
	uint32_t index;
	bool added;

	index = string_set_add(&hosted->domains, domain, &added);
	if (!added) {
		table_reader_complain(reader, line, line->subject.data,
		    "\"%.*s\" is already on line %u; expected each domain "
		    "once",
		    TABLE_SHOWN(line->subject), hosted->lines[index].number);
		return;
	}
	if (index >= hosted->line_room) {
		hosted->line_room += hosted->line_room / 2 + 16;
		hosted->lines = xrealloc(hosted->lines, hosted->line_room,
		    sizeof(*hosted->lines));
	}
	hosted->lines[index] = (struct hosted_line){
		.number = (uint32_t)line->number,
		.policy = policy,
	};
}

/* Complains about byte n of the value. */
static void
wrong(struct read *read, size_t n, const char *why)
{
	table_reader_complain(read->reader, read->line,
	    table_reader_place(read->option, n), "\"%.*s\": %s",
	    TABLE_SHOWN(read->option->value), why);
}

static void
take_via(struct read *read)
{
	enum tls_level tls = read->policy->route.tls; /* tls= may stand first */
	const char *why;
	size_t at;

	if (!route_parse(read->option->value, &read->policy->route, &at, &why))
		wrong(read, at, why);
	read->policy->route.tls = tls;
}

static void
take_tls(struct read *read)
{
	if (!tls_level_parse(read->option->value, &read->policy->route.tls))
		wrong(read, 0, "expected off, may, require or verify");
}

/* RFC 5321 4.2: the text of a reply is printable ASCII. */
static void
take_refuse(struct read *read)
{
	struct span text = read->option->value;

	if (!span_printable(text))
		wrong(read, 0,
		    "not ASCII, which is all that a reply may hold; expected "
		    "ASCII");
	else if (text.len > REFUSE_MAX)
		wrong(read, 0, "expected at most 200 bytes");
	else
		read->policy->refuse = xstrndup(text.data, text.len);
}

/* The file's name as it is opened: relative ones start at the table's folder. */
static void
add_file_name(struct buf *out, struct span table, struct span name)
{
	size_t slash = span_find_last(table, '/');

	if (!span_starts(name, SPAN("/")) && slash < table.len)
		buf_add(out, span_head(table, slash + 1));
	buf_add(out, name);
}

static void
take_recipients(struct read *read)
{
	struct hosted *hosted = read->hosted;
	size_t errors = read->reader->complaints->errors;
	bool added, missing = false;
	uint32_t number;
	struct buf name;

	buf_init(&name, 16384); /* a path and a line of the table */
	add_file_name(&name, span_of(read->reader->file), read->option->value);
	number = string_set_add(&hosted->files, buf_span(&name), &added);
	if (added) {
		hosted->recipients = xrealloc(hosted->recipients,
		    (size_t)number + 1, sizeof(*hosted->recipients));
		hosted->recipients[number] = recipients_load(buf_text(&name),
		    hosted->files.seed, read->reader->complaints, &missing);
		hosted->recipients_count = number + 1;
	}
	buf_clear(&name);
	if (missing)
		wrong(read, 0,
		    "does not exist; expected a file of local parts");
	else if (read->reader->complaints->errors > errors)
		read->line->wrong = true;
	read->policy->recipients = hosted->recipients[number];
	read->policy->recipients_file =
	    xstrdup(string_set_at(&hosted->files, number).data);
}
