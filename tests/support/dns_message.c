/*
 * dns_message - DNS messages from text.
 *
 * Job:     write what a DNS server might send.
 * Called:  by dns_server.c and by tests of the reader.
 * Owns:    nothing.
 * Never:   checks whether what it writes makes sense.
 */
#include "tests/support/dns_message.h"

#include <arpa/inet.h>

#include <check.h>
#include <string.h>

#include "domains/ip.h"

static void
add_16(struct buf *out, unsigned number)
{
	buf_add_byte(out, (char)(number >> 8));
	buf_add_byte(out, (char)number);
}

static void
add_32(struct buf *out, uint32_t number)
{
	add_16(out, number >> 16);
	add_16(out, number & 0xffff);
}

/* "\255" style escapes are not known: what has no dot is one label. */
static void
add_name(struct buf *out, struct span name)
{
	struct span rest = name, label;

	if (span_equal(name, SPAN("@"))) {
		add_16(out, 0xc000 | 12);
		return;
	}
	while (rest.data != NULL && !span_equal(name, SPAN("."))) {
		label = span_cut(&rest, '.');
		buf_add_byte(out, (char)label.len);
		buf_add(out, label);
	}
	buf_add_byte(out, 0);
}

static uint64_t
number(struct span text)
{
	uint64_t value;

	ck_assert(span_number(text, UINT32_MAX, &value));
	return value;
}

static unsigned
hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void
add_hex(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i + 1 < text.len; i += 2)
		buf_add_byte(out,
		    (char)(hex_digit(text.data[i]) << 4 |
			hex_digit(text.data[i + 1])));
}

static void
add_address(struct buf *out, struct span text, size_t len)
{
	struct ip ip;

	ck_assert(ip_parse(text, &ip));
	buf_add(out, span_make((char *)ip.bytes + 16 - len, len));
}

static void
add_soa(struct buf *out, struct span minimum)
{
	int i;

	add_name(out, SPAN("ns.test"));
	add_name(out, SPAN("root.test"));
	for (i = 0; i < 4; i++)
		add_32(out, 1);
	add_32(out, (uint32_t)number(minimum));
}

static const struct {
	const char *name;
	unsigned type;
} types[] = {
	{ "A", 1 },
	{ "NS", 2 },
	{ "CNAME", 5 },
	{ "SOA", 6 },
	{ "MX", 15 },
	{ "AAAA", 28 },
	{ "RAW", 0 },
};

static unsigned
type_of(struct span name)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_equal(name, span_of(types[i].name)))
			return types[i].type;
	ck_abort_msg("no such type");
	return 0;
}

static void
add_data(struct buf *out, unsigned type, struct span *rest)
{
	switch (type) {
	case 1:
		add_address(out, span_word(rest), 4);
		break;
	case 28:
		add_address(out, span_word(rest), 16);
		break;
	case 6:
		add_soa(out, span_word(rest));
		break;
	case 15:
		add_16(out, (unsigned)number(span_word(rest)));
		add_name(out, span_trim(*rest));
		break;
	case 2:
	case 5:
		add_name(out, span_trim(*rest));
		break;
	default:
		add_hex(out, span_word(rest));
		break;
	}
}

static void
put_16(struct buf *out, size_t at, unsigned value)
{
	out->data[at] = (char)(value >> 8);
	out->data[at + 1] = (char)value;
}

static void
add_record(struct buf *out, struct span text)
{
	struct span rest = text;
	unsigned type;
	size_t start;
	uint64_t ttl;

	add_name(out, span_word(&rest));
	ttl = number(span_word(&rest));
	type = type_of(span_word(&rest));
	add_16(out, type != 0 ? type : (unsigned)number(span_word(&rest)));
	add_16(out, 1);
	add_32(out, (uint32_t)ttl);
	add_16(out, 0);
	start = out->len;
	add_data(out, type, &rest);
	put_16(out, start - 2, (unsigned)(out->len - start));
}

void
dns_message_begin(struct buf *out, uint16_t id, unsigned flags,
    const char *name, unsigned type)
{
	buf_empty(out);
	add_16(out, id);
	add_16(out, flags);
	add_16(out, 1);
	add_16(out, 0);
	add_32(out, 0);
	add_name(out, span_of(name));
	add_16(out, type);
	add_16(out, 1);
}

void
dns_message_add(struct buf *out, enum dns_message_section section,
    const char *records)
{
	struct span rest = span_of(records), record;
	unsigned count = 0;

	while (rest.len > 0) {
		record = span_trim(span_cut(&rest, ';'));
		if (record.len == 0)
			continue;
		add_record(out, record);
		count++;
	}
	put_16(out, section, count);
	ck_assert(!out->full);
}
