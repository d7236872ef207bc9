/*
 * envelope - the envelope of a message as it is stored.
 *
 * Job:     struct envelope to bytes and back.
 * Called:  by intake.c (writing); by content.c and scan.c (reading).
 * Owns:    the layout: a head, six texts, then the recipients.
 * Never:   believes a length; copies a text when it decodes.
 */
#include "spool/envelope.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "spool/bytes.h"

#define VERSION 1

/* The head; a text is its length in 4 bytes and its bytes. */
enum {
	AT_VERSION = 0,
	AT_BODY = 1,
	AT_FLAGS = 4,
	AT_ARRIVAL = 8,
	AT_RECIPIENTS = 16,
	HEAD_LEN = 20,
	/* a recipient: what it was notified of, and three texts */
	RECIPIENT_MIN = 4 + 3 * 4,
};

static void
put_text(struct buf *out, struct span text)
{
	unsigned char len[4];

	if (text.len > ENVELOPE_MAX) {
		out->full = true;
		return;
	}
	bytes_put32(len, (uint32_t)text.len);
	buf_add(out, span_make((const char *)len, sizeof(len)));
	buf_add(out, text);
}

static void
put_recipient(struct buf *out, const struct recipient *recipient)
{
	unsigned char notify[4];

	bytes_put32(notify, recipient->notify);
	buf_add(out, span_make((const char *)notify, sizeof(notify)));
	put_text(out, recipient->address);
	put_text(out, recipient->domain);
	put_text(out, recipient->orcpt);
}

void
envelope_encode(const struct envelope *envelope, struct buf *out)
{
	unsigned char head[HEAD_LEN] = { 0 };
	size_t i;

	if (envelope->recipient_count > ENVELOPE_RECIPIENTS_MAX) {
		out->full = true;
		return;
	}
	head[AT_VERSION] = VERSION;
	head[AT_BODY] = (unsigned char)envelope->body;
	bytes_put32(head + AT_FLAGS, envelope->flags);
	bytes_put64(head + AT_ARRIVAL, (uint64_t)envelope->arrival);
	bytes_put32(head + AT_RECIPIENTS, (uint32_t)envelope->recipient_count);
	buf_add(out, span_make((const char *)head, sizeof(head)));
	put_text(out, envelope->sender);
	put_text(out, envelope->session);
	put_text(out, envelope->client);
	put_text(out, envelope->helo);
	put_text(out, envelope->owner);
	put_text(out, envelope->envid);
	for (i = 0; i < envelope->recipient_count && !out->full; i++)
		put_recipient(out, &envelope->recipients[i]);
}

static bool
take_number(struct span *rest, uint32_t *number)
{
	if (rest->len < 4)
		return false;
	*number = bytes_get32((const unsigned char *)rest->data);
	*rest = span_skip(*rest, 4);
	return true;
}

static bool
take_text(struct span *rest, struct span *text)
{
	uint32_t len;

	if (!take_number(rest, &len) || len > rest->len)
		return false;
	*text = span_head(*rest, len);
	*rest = span_skip(*rest, len);
	return true;
}

static bool
take_recipient(struct span *rest, struct recipient *recipient)
{
	uint32_t notify;

	if (!take_number(rest, &notify) ||
	    !take_text(rest, &recipient->address) ||
	    !take_text(rest, &recipient->domain) ||
	    !take_text(rest, &recipient->orcpt))
		return false;
	recipient->notify = notify;
	return true;
}

static bool
take_head(struct span *rest, struct envelope *envelope)
{
	const unsigned char *head = (const unsigned char *)rest->data;

	if (rest->len < HEAD_LEN || head[AT_VERSION] != VERSION ||
	    head[AT_BODY] > BODY_8BIT)
		return false;
	envelope->body = (enum envelope_body)head[AT_BODY];
	envelope->flags = bytes_get32(head + AT_FLAGS);
	envelope->arrival = (int64_t)bytes_get64(head + AT_ARRIVAL);
	envelope->recipient_count = bytes_get32(head + AT_RECIPIENTS);
	*rest = span_skip(*rest, HEAD_LEN);
	/* Before anything is allocated: as many could really be there. */
	return envelope->recipient_count <= ENVELOPE_RECIPIENTS_MAX &&
	    envelope->recipient_count <= rest->len / RECIPIENT_MIN;
}

bool
envelope_decode(struct span bytes, struct envelope *envelope)
{
	struct span rest = bytes;
	size_t i;

	*envelope = (struct envelope){ 0 };
	if (bytes.len > ENVELOPE_MAX || !take_head(&rest, envelope) ||
	    !take_text(&rest, &envelope->sender) ||
	    !take_text(&rest, &envelope->session) ||
	    !take_text(&rest, &envelope->client) ||
	    !take_text(&rest, &envelope->helo) ||
	    !take_text(&rest, &envelope->owner) ||
	    !take_text(&rest, &envelope->envid)) {
		envelope->recipient_count = 0;
		return false;
	}
	envelope->recipients =
	    xcalloc(envelope->recipient_count, sizeof(struct recipient));
	for (i = 0; i < envelope->recipient_count; i++)
		if (!take_recipient(&rest, &envelope->recipients[i]))
			break;
	if (i < envelope->recipient_count || rest.len > 0) {
		envelope_clear(envelope);
		return false;
	}
	return true;
}

void
envelope_clear(struct envelope *envelope)
{
	free(envelope->recipients);
	*envelope = (struct envelope){ 0 };
}
