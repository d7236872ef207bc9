/*
 * recipients - the local parts that a hosted domain knows.
 *
 * Job:     read a recipients= file and find a local part in it.
 * Called:  by hosted.c while loading; by rules.c at each RCPT.
 * Owns:    the set of local parts, in lower case.
 * Never:   forgets postmaster.
 */
#include "domains/recipients.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "domains/address.h"
#include "domains/string_set.h"
#include "domains/table_reader.h"

struct recipients {
	struct string_set locals;
};

static void read_lines(struct recipients *recipients,
    struct table_reader *reader);
static struct span lower(struct span local, char out[LOCAL_PART_MAX]);

struct recipients *
recipients_load(const char *file, uint64_t seed, struct complaints *complaints,
    bool *missing)
{
	size_t errors = complaints->errors;
	struct recipients *recipients;
	struct table_reader reader;
	enum table_verdict verdict;

	verdict = table_reader_open(&reader, file, complaints);
	*missing = verdict == TABLE_MISSING;
	if (verdict != TABLE_OPEN)
		return NULL;
	recipients = xcalloc(1, sizeof(*recipients));
	string_set_init(&recipients->locals, seed);
	read_lines(recipients, &reader);
	table_reader_close(&reader);
	if (complaints->errors == errors)
		return recipients;
	recipients_free(recipients);
	return NULL;
}

bool
recipients_has(const struct recipients *recipients, struct span local)
{
	char space[LOCAL_PART_MAX];

	if (span_equal_nocase(local, SPAN("postmaster")))
		return true;
	if (local.len > LOCAL_PART_MAX)
		return false;
	return string_set_find(&recipients->locals, lower(local, space)) !=
	    STRING_SET_NONE;
}

size_t
recipients_count(const struct recipients *recipients)
{
	return recipients->locals.count;
}

void
recipients_free(struct recipients *recipients)
{
	if (recipients == NULL)
		return;
	string_set_clear(&recipients->locals);
	free(recipients);
}

static void
read_line(struct recipients *recipients, struct table_reader *reader,
    struct table_line *line)
{
	char space[LOCAL_PART_MAX];
	struct address address;
	const char *why;
	bool added;

	if (line->options.len > 0)
		table_reader_complain(reader, line, line->options.data,
		    "\"%.*s\" behind the local part; expected one local part "
		    "a line",
		    TABLE_SHOWN(line->options));
	else if (address_parse(line->subject, &address, &why) != PATH_OK)
		table_reader_complain(reader, line, line->subject.data,
		    "\"%.*s\": %s", TABLE_SHOWN(line->subject), why);
	else if (address.kind != ADDRESS_BARE)
		table_reader_complain(reader, line, line->subject.data,
		    "\"%.*s\" is a whole address; expected only what stands "
		    "before its @",
		    TABLE_SHOWN(line->subject));
	else
		string_set_add(&recipients->locals,
		    lower(span_make(address.local, address.local_len), space),
		    &added);
}

static void
read_lines(struct recipients *recipients, struct table_reader *reader)
{
	size_t errors = reader->complaints->errors;
	struct table_line line;

	while (table_reader_line(reader, &line))
		read_line(recipients, reader, &line);
	string_set_trim(&recipients->locals);
	if (recipients->locals.count == 0 &&
	    reader->complaints->errors == errors)
		complain_softly(reader->complaints, reader->file, 0, 0,
		    "no local parts; only postmaster will be accepted");
}

static struct span
lower(struct span local, char out[LOCAL_PART_MAX])
{
	size_t i;
	char c;

	for (i = 0; i < local.len; i++) {
		c = local.data[i];
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	return span_make(out, local.len);
}
