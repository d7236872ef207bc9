/*
 * outcome - what became of one recipient in one attempt.
 *
 * Job:     hold a verdict and the words that explain it, made safe to show.
 * Called:  by the client and by hosts, who find out; read by the queue.
 * Owns:    its two texts.
 * Never:   keeps a byte of a peer that could break a line, a log or a header.
 */
#include "relayd/delivery/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

enum {
	ESCAPED_MAX = OUTCOME_TEXT_MAX * 4 + 4 /* \xNN each, and "..." */
};

/*
 * Escapes like buf_add_escaped(), but leaves quotes and backslashes alone:
 * the text is for people, and nothing that it is put into quotes by them.
 */
static char *
safe_text(struct span text)
{
	struct span rest = span_head(text, OUTCOME_TEXT_MAX);
	struct buf out;
	char *copy;
	size_t n;

	buf_init(&out, ESCAPED_MAX);
	while (rest.len > 0) {
		for (n = 0; n < rest.len; n++)
			if (rest.data[n] == '"' || rest.data[n] == '\\')
				break;
		buf_add_escaped(&out, span_head(rest, n), n);
		if (n < rest.len)
			buf_add_byte(&out, rest.data[n++]);
		rest = span_skip(rest, n);
	}
	if (text.len > OUTCOME_TEXT_MAX)
		buf_add(&out, SPAN("..."));
	copy = xstrndup(out.data == NULL ? "" : out.data, out.len);
	buf_clear(&out);
	return copy;
}

static char
class_of(enum outcome_kind kind)
{
	switch (kind) {
	case OUTCOME_DELIVERED:
		return '2';
	case OUTCOME_FAILED:
		return '5';
	case OUTCOME_NONE:
	case OUTCOME_LATER:
		break;
	}
	return '4';
}

void
outcome_set(struct outcome *outcome, enum outcome_kind kind, int code,
    const char *enhanced, struct span text, const char *remote)
{
	char class = class_of(kind);
	char *new_text = safe_text(text);
	char *new_remote = remote == NULL ? NULL : xstrdup(remote);

	outcome_clear(outcome);
	outcome->kind = kind;
	outcome->code = code;
	if (enhanced != NULL && enhanced[0] == class)
		snprintf(outcome->enhanced, sizeof(outcome->enhanced), "%s",
		    enhanced);
	else
		snprintf(outcome->enhanced, sizeof(outcome->enhanced), "%c.0.0",
		    class);
	outcome->text = new_text;
	outcome->remote = new_remote;
}

void
outcome_clear(struct outcome *outcome)
{
	free(outcome->text);
	free(outcome->remote);
	*outcome = (struct outcome){ .kind = OUTCOME_NONE };
}
