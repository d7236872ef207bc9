/*
 * dsn_fields - the part of a notice that programs read.
 *
 * Job:     write the fields of message/delivery-status, RFC 3464 2.
 * Called:  by notice.
 * Owns:    nothing.
 * Never:   writes a byte above 0x7e, or a line that a peer could break.
 */
#include "relayd/delivery/dsn_fields.h"

#include <string.h>

#include "domains/address.h"
#include "relayd/delivery/fold.h"
#include "relayd/delivery/mail_date.h"
#include "relayd/delivery/unitext.h"

enum {
	VALUE_MAX = 16384, /* one field: an address may grow sixfold */
	/* From here on peers' texts are left out: many recipients, one notice. */
	TEXTS_MAX = 1 << 20
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3461 4: xtext.  False for what is none; out may then hold a part. */
static bool
xtext_decode(struct span text, struct buf *out)
{
	size_t i;
	int high, low;

	for (i = 0; i < text.len; i++) {
		if (text.data[i] != '+') {
			buf_add_byte(out, text.data[i]);
			continue;
		}
		if (text.len - i < 3)
			return false;
		high = hex_digit(text.data[i + 1]);
		low = hex_digit(text.data[i + 2]);
		if (high == -1 || low == -1)
			return false;
		buf_add_byte(out, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}

/* "rfc822; a@b", or "utf-8; ..." for what is not ASCII. */
static void
add_typed_address(struct buf *out, struct span type, struct span address)
{
	if (span_eight_bit(address) && span_utf8(address)) {
		buf_add(out, SPAN("utf-8; "));
		unitext_add_address(out, address);
		return;
	}
	buf_add(out, type);
	buf_add(out, SPAN("; "));
	buf_add(out, address);
}

static void
add_field(struct buf *out, const char *name, const struct buf *value)
{
	fold_field(out, name, buf_span(value), FOLD_ASCII);
}

static void
add_date(struct buf *out, const char *name, int64_t wall)
{
	buf_addf(out, "%s: ", name);
	mail_date_add(out, wall);
	buf_add(out, SPAN("\r\n"));
}

/* RFC 3464 2.2.  An ENVID that does not decode to printable text is none. */
static void
add_message(const struct notice *notice, const struct conf *conf,
    struct buf *out)
{
	char id[SPOOL_ID_LEN + 1];
	struct buf value;

	buf_init(&value, VALUE_MAX);
	buf_addf(&value, "dns; %s", conf->hostname);
	add_field(out, "Reporting-MTA", &value);
	buf_empty(&value);
	if (notice->envelope->envid.len > 0 &&
	    xtext_decode(notice->envelope->envid, &value) &&
	    span_printable(buf_span(&value)))
		add_field(out, "Original-Envelope-Id", &value);
	add_date(out, "Arrival-Date", notice->envelope->arrival);
	spool_id_text(notice->id, id);
	fold_field(out, "X-Relayd-ID", span_of(id), FOLD_ASCII);
	buf_clear(&value);
}

/* ORCPT= is "type;xtext": RFC 3461 4.2, RFC 3464 2.3.1. */
static void
add_original_recipient(const struct recipient *recipient, struct buf *value,
    struct buf *out)
{
	struct span address = recipient->orcpt, type;
	struct buf decoded;

	type = span_cut(&address, ';');
	if (address.data == NULL || address.len == 0 || type.len == 0 ||
	    !span_printable(type))
		return;
	buf_init(&decoded, VALUE_MAX);
	if (xtext_decode(address, &decoded)) {
		buf_empty(value);
		add_typed_address(value, type, buf_span(&decoded));
		add_field(out, "Original-Recipient", value);
	}
	buf_clear(&decoded);
}

/*
 * "mx1.campus.test [192.0.2.1]:25" is "dns; mx1.campus.test"; without a name
 * it is an address literal (RFC 5321 4.1.3); a socket of this machine,
 * "unix:/run/lmtp", is "x-unix; /run/lmtp".
 */
static void
add_remote(const char *remote, struct buf *value, struct buf *out)
{
	struct span name = span_of(remote);
	const char *type = "dns; ";

	if (span_starts(name, SPAN("unix:"))) {
		type = "x-unix; ";
		name = span_skip(name, 5);
	} else if (span_starts(name, SPAN("["))) {
		name = span_head(name, span_find(name, ']') + 1);
		if (span_find(name, ':') < name.len) {
			type = "dns; [IPv6:";
			name = span_skip(name, 1);
		}
	} else {
		name = span_head(name, span_find(name, ' '));
	}
	buf_empty(value);
	buf_addf(value, "%s", type);
	buf_add(value, name);
	add_field(out, "Remote-MTA", value);
}

/* RFC 3464 2.3.6: the peer's own words, or ours under a name of ours. */
static void
add_diagnostic(const struct outcome *outcome, struct buf *value,
    struct buf *out)
{
	buf_empty(value);
	buf_addf(value, "%s; ", outcome->code != 0 ? "smtp" : "X-relayd");
	buf_add(value, span_of(outcome->text));
	add_field(out, "Diagnostic-Code", value);
}

static const struct {
	const char *action;
	const char *status; /* when the outcome has none */
} kinds[] = {
	[NOTICE_FAILED] = { "failed", "5.0.0" },
	[NOTICE_DELAYED] = { "delayed", "4.0.0" },
	[NOTICE_RELAYED] = { "relayed", "2.0.0" },
	[NOTICE_DELIVERED] = { "delivered", "2.0.0" },
};

/* RFC 3464 2.3. */
static void
add_recipient(const struct notice *notice, const struct notice_recipient *of,
    struct buf *value, struct buf *out)
{
	const struct outcome *outcome = of->outcome;
	const char *status = outcome->enhanced;
	bool texts = out->len < TEXTS_MAX;

	if (status[0] == '\0')
		status = kinds[notice->kind].status;
	buf_add(out, SPAN("\r\n"));
	add_original_recipient(of->recipient, value, out);
	buf_empty(value);
	add_typed_address(value, SPAN("rfc822"), of->recipient->address);
	add_field(out, "Final-Recipient", value);
	buf_addf(out, "Action: %s\r\n", kinds[notice->kind].action);
	fold_field(out, "Status", span_of(status), FOLD_ASCII);
	if (texts && outcome->remote != NULL)
		add_remote(outcome->remote, value, out);
	if (texts && outcome->text != NULL)
		add_diagnostic(outcome, value, out);
	if (notice->last_attempt > 0)
		add_date(out, "Last-Attempt-Date", notice->last_attempt);
	if (notice->kind == NOTICE_DELAYED && notice->retry_until > 0)
		add_date(out, "Will-Retry-Until", notice->retry_until);
}

void
dsn_fields_add(const struct notice *notice, const struct conf *conf,
    struct buf *out)
{
	struct buf value;
	size_t i;

	buf_init(&value, VALUE_MAX);
	add_message(notice, conf, out);
	for (i = 0; i < notice->count; i++)
		add_recipient(notice, &notice->recipients[i], &value, out);
	buf_clear(&value);
}
