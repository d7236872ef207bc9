/*
 * refusal - the words of a refusal.
 *
 * Job:     say which recipient was refused, why, and whom to ask.
 * Called:  by rules.c.
 * Owns:    nothing.
 * Never:   shows a peer's bytes as they came, nor more than a reply line takes.
 */
#include "domains/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum {
	REASON_MAX = 260,
	TEXT_MAX = 440, /* 512 less the code before and the reference behind */
};

const char *
refusal_address(struct span address, char out[REFUSAL_SHOWN_MAX])
{
	struct span rest = address;
	struct buf text;
	size_t n, kept;

	/* Room for the dots stays free until the end. */
	buf_init(&text, REFUSAL_SHOWN_MAX - 4);
	while (rest.len > 0) {
		kept = text.len;
		for (n = 1; n < 4 && n < rest.len; n++)
			if (span_utf8(span_head(rest, n)))
				break;
		if (!span_utf8(span_head(rest, n)))
			n = 1;
		buf_add_escaped(&text, span_head(rest, n), n);
		if (text.full) {
			buf_cut(&text, kept);
			break;
		}
		rest = span_skip(rest, n);
	}
	text.full = false;
	snprintf(out, REFUSAL_SHOWN_MAX, "%s%s", buf_text(&text),
	    rest.len > 0 ? "..." : "");
	buf_clear(&text);
	return out;
}

/* RFC 5321 4.2: a reply is ASCII; the contact text is the administrator's. */
static void
add_contact(struct buf *text, const char *contact)
{
	size_t i, len = strlen(contact);

	for (i = 0; i < len && text->len < text->max; i++)
		buf_add_byte(text,
		    (char)(contact[i] >= 0x20 && contact[i] < 0x7f ?
			    contact[i] :
			    '?'));
}

void
refusal_write(struct decision *decision, int code, const char *enhanced,
    const struct address *recipient, const char *contact, const char *format,
    ...)
{
	char shown[REFUSAL_SHOWN_MAX], reason[REASON_MAX];
	struct buf text;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	buf_init(&text, TEXT_MAX);
	buf_addf(&text, "<%s>: %s",
	    refusal_address(address_span(recipient), shown), reason);
	if (contact != NULL) {
		buf_add(&text, SPAN("; "));
		add_contact(&text, contact);
	}
	decision->verdict = REFUSE;
	decision->code = code;
	snprintf(decision->enhanced, sizeof(decision->enhanced), "%s",
	    enhanced);
	snprintf(decision->text, sizeof(decision->text), "%s", buf_text(&text));
	buf_clear(&text);
}
