/*
 * answer - the only writer of status lines.
 *
 * Job:     write a reply as RFC 5321 4.2 has it, single or multi-line.
 * Called:  by session_reply() and its kin, and by the server for a client
 *          that gets no session.
 * Owns:    nothing.
 * Never:   lets a byte into a reply that could end its line.
 */
#include "relayd/smtp/answer.h"

#include <string.h>

static bool
harmless(char byte)
{
	return byte == '\n' || (byte >= 0x20 && byte <= 0x7e);
}

/* The text escaped to printable ASCII; line feeds stay, as separators. */
static void
clean(struct span text, struct buf *out)
{
	size_t i, run;

	for (i = 0; i < text.len; i += run) {
		for (run = 0; i + run < text.len; run++)
			if (!harmless(text.data[i + run]))
				break;
		buf_add(out, span_make(text.data + i, run));
		if (i + run < text.len)
			buf_addf(out, "\\x%02x",
			    (unsigned char)text.data[i + run++]);
	}
}

/* How much of line fits into room bytes, cut at a blank where there is one. */
static size_t
fold(struct span line, size_t room)
{
	size_t blank;

	if (line.len <= room)
		return line.len;
	blank = span_find_last(span_head(line, room), ' ');
	return blank == room || blank == 0 ? room : blank;
}

void
answer_add(struct buf *out, int code, const char *enhanced, struct span text)
{
	const char *more = enhanced == NULL ? "" : enhanced;
	const char *gap = enhanced == NULL ? "" : " ";
	size_t room = ANSWER_LINE_MAX - sizeof("550 \r\n") - strlen(more);
	struct span rest, line;
	struct buf cleaned;
	size_t n;

	buf_init(&cleaned, 4 * text.len + 1);
	clean(text, &cleaned);
	rest = buf_span(&cleaned);
	do {
		line = span_head(rest, span_find(rest, '\n'));
		n = fold(line, room);
		rest = span_skip(rest, n);
		if (rest.len > 0) /* the LF, or the blank where it was cut */
			rest = span_skip(rest,
			    rest.data[0] == '\n' || rest.data[0] == ' ');
		buf_addf(out, "%03d%c%s%s%.*s\r\n", code,
		    rest.len > 0 ? '-' : ' ', more, gap, (int)n, line.data);
	} while (rest.len > 0);
	buf_clear(&cleaned);
}
