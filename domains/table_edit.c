/*
 * table_edit - one change to the text of an allowlist.
 *
 * Job:     put a line in, or take the lines of a subject out.
 * Called:  by relayctl allow and revoke.
 * Owns:    nothing.
 * Never:   touches another line, nor knows whether the outcome is right: it is
 *          loaded and tried before it is taken.
 */
#include "domains/table_edit.h"

#include <string.h>

#include "domains/subject.h"

/* The first word of a line, or nothing: a blank one, a comment. */
static struct span
first_word(struct span line)
{
	struct span rest, word;

	const struct span mark = SPAN("\xef\xbb\xbf");

	if (span_starts(line, mark))
		line = span_skip(line, mark.len);
	if (span_ends(line, SPAN("\r")))
		line.len--;
	rest = span_trim(line);
	word = span_word(&rest);
	return span_starts(word, SPAN("#")) ? span_head(word, 0) : word;
}

/* Brings a subject into one spelling; false for what is none. */
static bool
spell(struct span word, char out[SUBJECT_TEXT_MAX])
{
	struct subject subject;
	const char *why;

	if (word.len == 0 || !subject_parse(word, &subject, &why))
		return false;
	subject_text(&subject, out);
	return true;
}

static bool
speaks_of(struct span line, const char *subject)
{
	char text[SUBJECT_TEXT_MAX];

	return spell(first_word(line), text) && strcmp(text, subject) == 0;
}

/* The next line with its line end; empty when there is none. */
static struct span
next_line(struct span *rest)
{
	size_t len = span_find(*rest, '\n');
	struct span line = span_head(*rest, len < rest->len ? len + 1 : len);

	*rest = span_skip(*rest, line.len);
	return line;
}

static struct span
without_end(struct span line)
{
	return span_ends(line, SPAN("\n")) ? span_head(line, line.len - 1) :
					     line;
}

/* The line ends as the lines above it do. */
static void
add_line(struct buf *out, struct span line, bool crlf)
{
	if (out->len > 0 && !span_ends(buf_span(out), SPAN("\n")))
		buf_add(out, crlf ? SPAN("\r\n") : SPAN("\n"));
	buf_add(out, line);
	buf_add(out, crlf ? SPAN("\r\n") : SPAN("\n"));
}

void
table_edit_add(struct span text, struct span line, struct buf *out)
{
	bool crlf = span_ends(without_end(next_line(
				  &(struct span){ text.data, text.len })),
	    SPAN("\r"));
	char subject[SUBJECT_TEXT_MAX];
	struct span rest = text, one;
	size_t behind = text.len;

	if (spell(first_word(line), subject)) {
		while (rest.len > 0) {
			one = next_line(&rest);
			if (speaks_of(without_end(one), subject))
				behind = text.len - rest.len;
		}
	}
	buf_add(out, span_head(text, behind));
	add_line(out, line, crlf);
	buf_add(out, span_skip(text, behind));
}

size_t
table_edit_remove(struct span text, struct span subject, struct buf *out)
{
	char wanted[SUBJECT_TEXT_MAX];
	struct span rest = text, one;
	size_t count = 0;
	bool known = spell(subject, wanted);

	while (rest.len > 0) {
		one = next_line(&rest);
		if (known && speaks_of(without_end(one), wanted))
			count++;
		else
			buf_add(out, one);
	}
	return count;
}
