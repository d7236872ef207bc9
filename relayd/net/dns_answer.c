/*
 * dns_answer - what a DNS message says about one name.
 *
 * Job:     read the answer to a question for MX, A or AAAA: follow its
 *          aliases, tell no such name from no such record from no answer.
 * Called:  by dns_lookup.c with whole messages; by the fuzzer.
 * Owns:    nothing.
 * Never:   trusts a length, a count or a name in the message; never reads a
 *          failure as "there is none".
 *
 * c-ares has parsers of its own, but the one for MX gives no TTL and none
 * tells a referral from an empty answer.
 */
#include "dns_answer.h"

#include <string.h>

#include "base/xalloc.h"
#include "domains/domain.h"

enum {
	HEADER = 12,
	RECORD_FIXED = 10, /* type, class, TTL, length */
	CLASS_IN = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	SOA_FIXED = 20, /* five numbers behind its two names */
	RCODE_NXDOMAIN = 3,
	ALIASES_MAX = 8,
	LABELS_MAX = 128,
	TTL_UNKNOWN = 0, /* the cache makes its least of that */
};

/* A place in the message; every read is checked against its end. */
struct reader {
	const unsigned char *message; /* borrowed */
	size_t len;
	size_t at;
	bool bad; /* a read went beyond the end, or a name was no name */
};

struct record {
	char owner[RESOLVE_NAME_MAX + 1];
	unsigned type;
	unsigned class;
	uint32_t ttl;
	size_t data; /* where its data begin */
	size_t len;  /* and how long they are */
};

static unsigned
read_byte(struct reader *reader)
{
	if (reader->at >= reader->len) {
		reader->bad = true;
		return 0;
	}
	return reader->message[reader->at++];
}

static unsigned
read_16(struct reader *reader)
{
	unsigned high = read_byte(reader);

	return high << 8 | read_byte(reader);
}

static uint32_t
read_32(struct reader *reader)
{
	uint32_t high = read_16(reader);

	return high << 16 | read_16(reader);
}

/*
 * One label's byte into name, in lower case.  What no host name holds (a dot
 * inside a label, controls, blanks) becomes a blank: it matches nothing.
 */
static void
add_byte(char *name, size_t *used, unsigned byte)
{
	if (byte >= 'A' && byte <= 'Z')
		byte += 'a' - 'A';
	if (byte <= ' ' || byte >= 0x7f || byte == '.' || byte == '\\')
		byte = ' ';
	name[(*used)++] = (char)byte;
}

/*
 * A name as text without the last dot; "" is the root.  A pointer leads to a
 * prior place only (RFC 1035 4.1.4), so that none leads in a circle.
 */
static void
read_name(struct reader *reader, char name[RESOLVE_NAME_MAX + 1])
{
	struct reader at = *reader;
	size_t used = 0, left = 0, labels;
	unsigned size;
	bool jumped = false;
	size_t before = reader->at;

	for (labels = 0; labels < LABELS_MAX && !at.bad; labels++) {
		size = read_byte(&at);
		if (size >= 0xc0) {
			size = (size & 0x3f) << 8 | read_byte(&at);
			if (!jumped)
				left = at.at;
			jumped = true;
			if (size >= before)
				break;
			before = at.at = size;
			continue;
		}
		if (size == 0) {
			name[used] = '\0';
			reader->at = jumped ? left : at.at;
			reader->bad = at.bad;
			return;
		}
		if (size > 63 || used + size + 1 > RESOLVE_NAME_MAX)
			break;
		if (used > 0)
			name[used++] = '.';
		while (size-- > 0)
			add_byte(name, &used, read_byte(&at));
	}
	name[0] = '\0';
	reader->bad = true;
}

/* The next record; its data are left to whoever knows the type. */
static bool
read_record(struct reader *reader, struct record *record)
{
	read_name(reader, record->owner);
	record->type = read_16(reader);
	record->class = read_16(reader);
	record->ttl = read_32(reader);
	record->len = read_16(reader);
	record->data = reader->at;
	if (reader->bad || record->len > reader->len - reader->at) {
		reader->bad = true;
		return false;
	}
	reader->at += record->len;
	/* RFC 2181 8: a TTL with the top bit set is zero. */
	if (record->ttl > INT32_MAX)
		record->ttl = 0;
	return true;
}

/* A reader for a record's data: names in it may point anywhere before. */
static struct reader
data_of(const struct reader *reader, const struct record *record)
{
	return (struct reader){
		.message = reader->message,
		.len = record->data + record->len,
		.at = record->data,
	};
}

static void
fail(struct dns_answer *answer, const char *error)
{
	answer->status = RESOLVE_FAILED;
	answer->error = error;
	answer->count = 0;
	answer->alias[0] = '\0';
}

static void
keep_least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/* ---- the records ---- */

/* Sorted in by preference, equals in the order of arrival; the worst drop out. */
static void
add_mx(struct dns_answer *answer, struct reader data)
{
	struct mx mx = { .preference = (uint16_t)read_16(&data) };
	char name[RESOLVE_NAME_MAX + 1];
	const char *why;
	size_t i;

	read_name(&data, name);
	if (data.bad)
		return;
	/* RFC 7505: the root is "no mail here"; others must be host names. */
	if (name[0] != '\0' && !domain_normalise(span_of(name), mx.host, &why))
		return;
	if (answer->count == RESOLVE_MX_MAX) {
		if (answer->mx[RESOLVE_MX_MAX - 1].preference <= mx.preference)
			return;
		answer->count--;
	}
	for (i = answer->count; i > 0; i--) {
		if (answer->mx[i - 1].preference <= mx.preference)
			break;
		answer->mx[i] = answer->mx[i - 1];
	}
	answer->mx[i] = mx;
	answer->count++;
}

static void
add_ip(struct dns_answer *answer, struct reader data, size_t len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip *ip = &answer->ip[answer->count];

	if (answer->count == RESOLVE_ADDRESS_MAX || data.len - data.at != len)
		return;
	if (len == 4)
		memcpy(ip->bytes, mapped, sizeof(mapped));
	memcpy(ip->bytes + 16 - len, data.message + data.at, len);
	answer->count++;
}

static void
add(struct dns_answer *answer, enum dns_type type, struct reader data)
{
	switch (type) {
	case DNS_MX:
		add_mx(answer, data);
		break;
	case DNS_A:
		add_ip(answer, data, 4);
		break;
	case DNS_AAAA:
		add_ip(answer, data, 16);
		break;
	}
}

/*
 * All records of the type that name has.  Returns how many there were, also
 * of those that are no use.
 */
static size_t
gather(struct dns_answer *answer, enum dns_type type, struct reader reader,
    unsigned records, const char *name)
{
	struct record record;
	size_t seen = 0;

	while (records-- > 0 && read_record(&reader, &record)) {
		if (record.type != type || record.class != CLASS_IN ||
		    strcmp(record.owner, name) != 0)
			continue;
		seen++;
		keep_least(&answer->ttl, record.ttl);
		add(answer, type, data_of(&reader, &record));
	}
	return seen;
}

/* Moves name to the target of its alias; false when it has none. */
static bool
follow(struct dns_answer *answer, struct reader reader, unsigned records,
    char name[RESOLVE_NAME_MAX + 1])
{
	struct record record;
	struct reader data;

	while (records-- > 0 && read_record(&reader, &record)) {
		if (record.type != TYPE_CNAME || record.class != CLASS_IN ||
		    strcmp(record.owner, name) != 0)
			continue;
		data = data_of(&reader, &record);
		read_name(&data, name);
		if (data.bad || strchr(name, ' ') != NULL)
			name[0] = '\0';
		keep_least(&answer->ttl, record.ttl);
		return true;
	}
	return false;
}

/* ---- none of them ---- */

/* RFC 2308 5: how long a "no" may be believed; false without a SOA. */
static bool
soa_ttl(const struct reader *reader, const struct record *record, uint32_t *ttl)
{
	struct reader data = data_of(reader, record);
	char name[RESOLVE_NAME_MAX + 1];

	if (record->type != TYPE_SOA || record->class != CLASS_IN)
		return false;
	read_name(&data, name);
	read_name(&data, name);
	if (data.bad || data.len - data.at < SOA_FIXED)
		return false;
	data.at += SOA_FIXED - 4;
	keep_least(ttl, record->ttl);
	keep_least(ttl, read_32(&data));
	return true;
}

/*
 * Nothing of the type.  The authority section says what that means, RFC 2308
 * 2.2: a SOA, or nothing at all, is a true "no"; name servers alone are a
 * referral, and whoever sends us one has not answered.
 */
static void
judge_absence(struct dns_answer *answer, struct reader reader,
    unsigned authorities, const char *name, bool aliased)
{
	struct record record;
	bool soa = false, servers = false;

	while (authorities-- > 0 && read_record(&reader, &record)) {
		soa = soa || soa_ttl(&reader, &record, &answer->ttl);
		servers = servers || record.type == TYPE_NS;
	}
	if (!soa && !aliased)
		answer->ttl = TTL_UNKNOWN;
	if (reader.bad)
		fail(answer, "garbled answer");
	else if (soa || answer->status == RESOLVE_NXDOMAIN)
		return;
	else if (aliased)
		strcpy(answer->alias, name);
	else if (servers)
		fail(answer, "server answered with a referral");
}

/* ---- the message ---- */

struct header {
	unsigned rcode;
	bool response;
	bool truncated;
	unsigned questions;
	unsigned answers;
	unsigned authorities;
};

static struct header
read_header(struct reader *reader)
{
	struct header header;
	unsigned flags;

	reader->at = 2; /* the ID was c-ares's to check */
	flags = read_16(reader);
	header.response = (flags & 0x8000) != 0;
	header.truncated = (flags & 0x0200) != 0;
	header.rcode = flags & 0x000f;
	header.questions = read_16(reader);
	header.answers = read_16(reader);
	header.authorities = read_16(reader);
	reader->at = HEADER;
	return header;
}

static const char *
rcode_text(unsigned rcode)
{
	switch (rcode) {
	case 1:
		return "server did not understand the question (FORMERR)";
	case 2:
		return "server failed (SERVFAIL)";
	case 4:
		return "server does not do that (NOTIMP)";
	case 5:
		return "server refused to answer (REFUSED)";
	default:
		return "server answered with an error";
	}
}

/* True when the answer section is whole; leaves *reader behind it. */
static bool
skip(struct reader *reader, unsigned records)
{
	struct record record;

	while (records-- > 0)
		if (!read_record(reader, &record))
			return false;
	return true;
}

static void
read_body(struct dns_answer *answer, enum dns_type type, struct reader reader,
    const struct header *header)
{
	char name[RESOLVE_NAME_MAX + 1];
	struct reader authority;
	size_t seen;
	int aliases = 0;

	read_name(&reader, name);
	read_32(&reader); /* type and class */
	authority = reader;
	if (reader.bad || !skip(&authority, header->answers)) {
		fail(answer, "garbled answer");
		return;
	}
	while (aliases < ALIASES_MAX &&
	    follow(answer, reader, header->answers, name))
		aliases++;
	if (aliases == ALIASES_MAX || (aliases > 0 && name[0] == '\0')) {
		fail(answer, "alias leads in a circle or nowhere");
		return;
	}
	seen = gather(answer, type, reader, header->answers, name);
	if (seen == 0)
		judge_absence(answer, authority, header->authorities, name,
		    aliases > 0);
	else if (answer->status == RESOLVE_NXDOMAIN)
		fail(answer, "answer contradicts itself");
	else if (answer->count == 0)
		/* Not "no MX": the implicit one would be wrong, RFC 5321 5.1. */
		fail(answer, "no record is usable");
	else
		answer->status = RESOLVE_OK;
}

/* RFC 7505 3: the null MX stands alone; beside others it is no host. */
static void
drop_null_mx(struct dns_answer *answer)
{
	size_t from, to = 0;

	if (answer->count < 2)
		return;
	for (from = 0; from < answer->count; from++)
		if (answer->mx[from].host[0] != '\0')
			answer->mx[to++] = answer->mx[from];
	/* Nothing but null ones: one says it. */
	answer->count = to == 0 ? 1 : to;
}

void
dns_answer_read(struct dns_answer *answer, enum dns_type type,
    const unsigned char *message, size_t len)
{
	struct reader reader = { .message = message, .len = len };
	struct header header;

	answer->status = RESOLVE_NODATA;
	answer->error = NULL;
	answer->ttl = UINT32_MAX;
	answer->alias[0] = '\0';
	answer->count = 0;
	header = read_header(&reader);
	if (len < HEADER || !header.response || header.questions != 1) {
		fail(answer, "garbled answer");
	} else if (header.rcode != 0 && header.rcode != RCODE_NXDOMAIN) {
		fail(answer, rcode_text(header.rcode));
	} else if (header.truncated) {
		fail(answer, "answer is cut short");
	} else {
		if (header.rcode == RCODE_NXDOMAIN)
			answer->status = RESOLVE_NXDOMAIN;
		read_body(answer, type, reader, &header);
	}
	if (type == DNS_MX && answer->status == RESOLVE_OK)
		drop_null_mx(answer);
}
