/*
 * wishes - what a sender wants to be told of, passed on.
 *
 * Job:     write RET=, ENVID=, NOTIFY= and ORCPT=, RFC 3461 4.
 * Called:  by handover.c, for next hops that offer DSN.
 * Owns:    nothing.
 * Never:   lets a stored text begin a parameter or a command of its own.
 */
#include "relayd/delivery/wishes.h"

#include "relayd/delivery/unitext.h"

enum {
	ENVID_LONGEST = 100, /* RFC 3461 4.4 */
	ORCPT_LONGEST = 500, /* RFC 3461 4.2 */
};

/*
 * xtext and the like have no blanks, and no byte that could end the line.  They
 * were checked when they came in; a damaged disk or a mistake of ours must
 * still not make two parameters or two commands of one.
 */
static bool
is_value(struct span text, size_t max)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] <= 0x20 || text.data[i] == 0x7f)
			return false;
	return text.len > 0 && text.len <= max;
}

void
wishes_add_mail(struct buf *out, const struct envelope *envelope)
{
	if ((envelope->flags & ENVELOPE_RET_FULL) != 0)
		buf_add(out, SPAN(" RET=FULL"));
	else if ((envelope->flags & ENVELOPE_RET_HDRS) != 0)
		buf_add(out, SPAN(" RET=HDRS"));
	if (is_value(envelope->envid, ENVID_LONGEST))
		buf_addf(out, " ENVID=%.*s", SPAN_ARG(envelope->envid));
}

/* RFC 3461 4.1: NEVER stands alone. */
static void
add_notify(struct buf *out, unsigned notify)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	const char *before = " NOTIFY=";
	size_t i;

	if ((notify & NOTIFY_NEVER) != 0) {
		buf_add(out, SPAN(" NOTIFY=NEVER"));
		return;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].flag) == 0)
			continue;
		buf_addf(out, "%s%s", before, words[i].word);
		before = ",";
	}
}

/*
 * ORCPT= that was given under SMTPUTF8 may hold UTF-8; without SMTPUTF8 it is
 * written in ASCII (RFC 6533 3), or left out where that cannot be.
 */
static void
add_orcpt(struct buf *out, struct span orcpt, bool smtputf8)
{
	struct buf text;

	buf_init(&text, ORCPT_LONGEST);
	if (smtputf8 || !span_eight_bit(orcpt))
		buf_add(&text, orcpt);
	else if (span_starts_nocase(orcpt, SPAN("utf-8;")) && span_utf8(orcpt))
		unitext_add_encoded(&text, orcpt);
	if (!text.full && is_value(buf_span(&text), ORCPT_LONGEST))
		buf_addf(out, " ORCPT=%.*s", SPAN_ARG(buf_span(&text)));
	buf_clear(&text);
}

void
wishes_add_rcpt(struct buf *out, const struct recipient *recipient,
    bool smtputf8)
{
	add_notify(out, recipient->notify);
	add_orcpt(out, recipient->orcpt, smtputf8);
}
