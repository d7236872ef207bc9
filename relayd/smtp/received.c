/*
 * received - the header lines that a relay puts above a message.
 *
 * Job:     write the Received field, and the fields that a device forgot.
 * Called:  by session_data.c when a message is whole.
 * Owns:    nothing.
 * Never:   copies a byte of the client's unless it is harmless in a header.
 */
#include "relayd/smtp/received.h"

#include <time.h>

enum {
	HELO_SHOWN_MAX = 255,
	FOR_MAX = 256, /* longer recipients are left out: the clause may be */
};

/* Fixed English names: RFC 5322 3.3 knows no locale. */
static void
add_date(int64_t wall, struct buf *out)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)wall;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70, .tm_wday = 4 };
	buf_addf(out, "%s, %d %s %d %02d:%02d:%02d +0000", days[tm.tm_wday],
	    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

static void
add_client(const struct ip *client, struct buf *out)
{
	char text[IP_TEXT_MAX];

	buf_addf(out, "[%s%s]",
	    ip_is_v4(client) ? "" : "IPv6:", ip_text(client, text));
}

/* Letters, digits and what host names and literals are made of. */
static bool
in_host(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
	    byte == '_' || byte == ':' || byte == '[' || byte == ']';
}

static bool
is_host(struct span helo)
{
	size_t i;

	if (helo.len == 0 || helo.len > HELO_SHOWN_MAX)
		return false;
	for (i = 0; i < helo.len; i++)
		if (!in_host(helo.data[i]))
			return false;
	return true;
}

/*
 * "from NAME ([ADDRESS])"; a HELO that is no name stands in a comment, with
 * every byte that means something in a header replaced.
 */
static void
add_from(const struct received *facts, struct buf *out)
{
	size_t i;

	buf_add(out, SPAN("from "));
	if (is_host(facts->helo)) {
		buf_add(out, facts->helo);
		buf_add(out, SPAN(" ("));
		add_client(facts->client, out);
		buf_add(out, SPAN(")"));
		return;
	}
	add_client(facts->client, out);
	if (facts->helo.len == 0)
		return;
	buf_add(out, SPAN(" (helo="));
	for (i = 0; i < facts->helo.len && i < HELO_SHOWN_MAX; i++)
		buf_add_byte(out,
		    in_host(facts->helo.data[i]) ? facts->helo.data[i] : '?');
	buf_add(out, SPAN(")"));
}

/* The registered names of RFC 3848 and RFC 6531 4.3. */
static const char *
protocol(const struct received *facts)
{
	if (facts->smtputf8)
		return facts->tls != NULL ? "UTF8SMTPS" : "UTF8SMTP";
	if (facts->tls != NULL)
		return "ESMTPS";
	return facts->esmtp ? "ESMTP" : "SMTP";
}

void
received_add_trace(const struct received *facts, struct buf *out)
{
	struct span only = facts->only_recipient;

	buf_add(out, SPAN("Received: "));
	add_from(facts, out);
	buf_addf(out, "\r\n\tby %s with %s", facts->hostname, protocol(facts));
	if (facts->tls != NULL)
		buf_addf(out, "\r\n\t(using %s with cipher %s (%u bits))",
		    facts->tls->version, facts->tls->cipher, facts->tls->bits);
	buf_addf(out, "\r\n\tid %s", facts->id);
	/* With several recipients a "for" would tell one about the others. */
	if (only.len > 0 && only.len <= FOR_MAX && span_printable(only))
		buf_addf(out, "\r\n\tfor <%.*s>", SPAN_ARG(only));
	buf_add(out, SPAN(";\r\n\t"));
	add_date(facts->wall, out);
	buf_add(out, SPAN("\r\n"));
}

/*
 * The sender as the author.  One without a domain gets the client's address
 * as its domain: that is all we know, and it names the device.
 */
static bool
add_author(const struct received *facts, struct buf *out)
{
	if (facts->sender.len == 0)
		return false;
	buf_addf(out, "From: <%.*s", SPAN_ARG(facts->sender));
	if (!facts->sender_has_domain) {
		buf_add_byte(out, '@');
		add_client(facts->client, out);
	}
	buf_add(out, SPAN(">\r\n"));
	return true;
}

bool
received_add_missing(const struct received *facts,
    const struct headers *headers, struct buf *out)
{
	bool added = false;

	if (headers->received > 0 || headers->dkim)
		return false;
	if (!headers->date) {
		buf_add(out, SPAN("Date: "));
		add_date(facts->wall, out);
		buf_add(out, SPAN("\r\n"));
		added = true;
	}
	if (!headers->message_id) {
		buf_addf(out, "Message-ID: <%s@%s>\r\n", facts->id,
		    facts->hostname);
		added = true;
	}
	if (!headers->from && add_author(facts, out))
		added = true;
	return added;
}
