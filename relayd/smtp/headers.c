/*
 * headers - a look at the header section of a message on its way in.
 *
 * Job:     count Received fields, notice the fields whose absence or presence
 *          matters to a relay, and see whether there is a header at all.
 * Called:  by mail_intake.c with each piece of content.
 * Owns:    the name of the field being read.
 * Never:   changes or keeps content, nor looks into the body.
 */
#include "relayd/smtp/headers.h"

enum headers_at {
	AT_LINE_START,
	AT_NAME,   /* inside what may be a field name */
	AT_BLANKS, /* blanks behind it: RFC 5322 4.5.8 allows them */
	AT_REST,   /* the rest of a line, until its LF */
	AT_BODY,   /* the header section is over */
};

void
headers_init(struct headers *headers)
{
	*headers = (struct headers){ .at = AT_LINE_START, .first = true };
}

bool
headers_done(const struct headers *headers)
{
	return headers->at == AT_BODY;
}

/* ftext of RFC 5322 3.6.8. */
static bool
in_name(char byte)
{
	return byte >= 33 && byte <= 126 && byte != ':';
}

static bool
named(const struct headers *headers, struct span name)
{
	return headers->name_len <= HEADERS_NAME_MAX &&
	    span_equal_nocase(span_make(headers->name, headers->name_len),
		name);
}

static void
field(struct headers *headers)
{
	if (named(headers, SPAN("Received")))
		headers->received++;
	else if (named(headers, SPAN("Date")))
		headers->date = true;
	else if (named(headers, SPAN("Message-ID")))
		headers->message_id = true;
	else if (named(headers, SPAN("From")))
		headers->from = true;
	else if (named(headers, SPAN("DKIM-Signature")))
		headers->dkim = true;
	headers->first = false;
	headers->at = AT_REST;
}

/* A line that is no field: from here it is body, blank line or not. */
static void
no_field(struct headers *headers)
{
	if (headers->first)
		headers->headless = true;
	headers->at = AT_BODY;
}

static void
name_byte(struct headers *headers, char byte)
{
	if (headers->name_len < HEADERS_NAME_MAX)
		headers->name[headers->name_len] = byte;
	headers->name_len++;
	headers->at = AT_NAME;
}

static void
line_start(struct headers *headers, char byte)
{
	headers->name_len = 0;
	if (byte == '\r')
		headers->at = AT_BODY;
	else if ((byte == ' ' || byte == '\t') && !headers->first)
		headers->at = AT_REST;
	else if (in_name(byte))
		name_byte(headers, byte);
	else
		no_field(headers);
}

static void
feed_byte(struct headers *headers, char byte)
{
	if (headers->at == AT_LINE_START)
		line_start(headers, byte);
	else if (byte == ':')
		field(headers);
	else if (byte == ' ' || byte == '\t')
		headers->at = AT_BLANKS;
	else if (headers->at == AT_NAME && in_name(byte))
		name_byte(headers, byte);
	else
		no_field(headers);
}

void
headers_feed(struct headers *headers, struct span content)
{
	size_t lf;

	while (content.len > 0 && headers->at != AT_BODY) {
		if (headers->at != AT_REST) {
			feed_byte(headers, content.data[0]);
			content = span_skip(content, 1);
			continue;
		}
		lf = span_find(content, '\n');
		if (lf < content.len)
			headers->at = AT_LINE_START;
		content = span_skip(content, lf + 1);
	}
}
