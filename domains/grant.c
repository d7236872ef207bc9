/*
 * grant - what a line of the allowlist allows.
 *
 * Job:     read owner=, until=, note=, rate=, from= and to=, and say whether
 *          they speak of a time, a sender and a recipient.
 * Called:  by allowlist.c.
 * Owns:    the texts and patterns of each struct grant.
 * Never:   knows which host it is for.
 */
#include "domains/grant.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "domains/day.h"
#include "domains/table_value.h"

enum {
	NOTE_MAX = 500,
	RATE_MAX = 1000000000,
	TEXT_MAX = 65536, /* of patterns; a line is shorter */
};

/* One option that is being read. */
struct read {
	struct grant *grant;
	struct table_reader *reader;
	struct table_line *line;
	const struct table_option *option;
};

static bool take_owner(struct read *read);
static bool take_note(struct read *read);
static bool take_until(struct read *read);
static bool take_rate(struct read *read);
static bool take_from(struct read *read);
static bool take_to(struct read *read);

/* An exclusion has the first two only. */
static const char *const keys[] = { "owner", "note", "until", "from", "to",
	"rate" };
static bool (*const takers[])(struct read *read) = { take_owner, take_note,
	take_until, take_from, take_to, take_rate };

enum {
	KEYS = sizeof(keys) / sizeof(keys[0]),
	KEYS_OF_EXCLUSION = 2,
};

bool
grant_read(struct grant *grant, struct table_reader *reader,
    struct table_line *line, bool exclusion)
{
	struct table_option option;
	struct read read = { grant, reader, line, &option };
	unsigned count = exclusion ? KEYS_OF_EXCLUSION : KEYS;
	unsigned seen = 0, which;

	*grant = (struct grant){ .until = INT64_MAX };
	while (table_reader_option(reader, line, keys, count, &seen, &option,
	    &which))
		takers[which](&read);
	if (line->wrong)
		grant_clear(grant);
	return !line->wrong;
}

bool
grant_live(const struct grant *grant, int64_t now)
{
	return now < grant->until;
}

bool
grant_from(const struct grant *grant, const struct address *sender)
{
	return patterns_match(&grant->from, sender);
}

bool
grant_to(const struct grant *grant, const struct address *recipient)
{
	return patterns_match(&grant->to, recipient);
}

static void
add_patterns(struct buf *out, const char *key, const struct patterns *patterns)
{
	struct buf value;

	if (patterns->count == 0)
		return;
	buf_init(&value, TEXT_MAX);
	patterns_text(patterns, &value);
	buf_add_byte(out, ' ');
	table_value_add(out, key, buf_span(&value));
	buf_clear(&value);
}

void
grant_text(const struct grant *grant, struct buf *out)
{
	char day[DAY_TEXT_MAX];

	add_patterns(out, "from", &grant->from);
	add_patterns(out, "to", &grant->to);
	if (grant->rate > 0)
		buf_addf(out, " rate=%u/h", grant->rate);
	if (grant->until != INT64_MAX)
		buf_addf(out, " until=%s", day_text(grant->until, day));
	if (grant->owner != NULL) {
		buf_add_byte(out, ' ');
		table_value_add(out, "owner", span_of(grant->owner));
	}
	if (grant->note != NULL) {
		buf_add_byte(out, ' ');
		table_value_add(out, "note", span_of(grant->note));
	}
}

void
grant_clear(struct grant *grant)
{
	free(grant->owner);
	free(grant->note);
	patterns_clear(&grant->from);
	patterns_clear(&grant->to);
	*grant = (struct grant){ .until = INT64_MAX };
}

/* Complains about byte n of the value. */
static bool
wrong(struct read *read, size_t n, const char *why)
{
	return table_reader_complain(read->reader, read->line,
	    table_reader_place(read->option, n), "\"%.*s\": %s",
	    TABLE_SHOWN(read->option->value), why);
}

static bool
take_owner(struct read *read)
{
	struct address address;
	const char *why;

	if (address_parse(read->option->value, &address, &why) != PATH_OK)
		return wrong(read, 0, why);
	if (address.kind != ADDRESS_DOMAIN)
		return wrong(read, 0,
		    "not the address of whoever answers for the host; "
		    "expected local-part@domain");
	read->grant->owner = xstrndup(address.text, address.text_len);
	return true;
}

static bool
take_note(struct read *read)
{
	struct span note = read->option->value;

	if (note.len > NOTE_MAX)
		return wrong(read, 0, "expected at most 500 bytes");
	read->grant->note = xstrndup(note.data, note.len);
	return true;
}

static bool
take_until(struct read *read)
{
	if (!day_end(read->option->value, &read->grant->until))
		return wrong(read, 0, "not a day; expected one as 2027-06-30");
	return true;
}

static bool
take_rate(struct read *read)
{
	struct span value = read->option->value;
	struct span hour = SPAN("/h");
	uint64_t rate;

	if (!span_ends(value, hour) ||
	    !span_number(span_head(value, value.len - hour.len), RATE_MAX,
		&rate) ||
	    rate == 0)
		return wrong(read, 0,
		    "not a rate; expected messages an hour as 200/h");
	read->grant->rate = (uint32_t)rate;
	return true;
}

static bool
take_from(struct read *read)
{
	const char *why;
	size_t at;

	if (!patterns_parse(read->option->value, true, &read->grant->from, &at,
		&why))
		return wrong(read, at, why);
	return true;
}

static bool
take_to(struct read *read)
{
	const char *why;
	size_t at;

	if (!patterns_parse(read->option->value, false, &read->grant->to, &at,
		&why))
		return wrong(read, at, why);
	return true;
}
