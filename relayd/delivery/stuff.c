/*
 * stuff - dots at the start of a line, doubled.
 *
 * Job:     make content that SMTP may carry, and end it (RFC 5321 4.5.2).
 * Called:  by body.c with one block after the other.
 * Owns:    nothing.
 * Never:   changes a line end.
 */
#include "relayd/delivery/stuff.h"

#include <string.h>

void
stuff_begin(struct stuff *stuff)
{
	*stuff = (struct stuff){ .last = '\r', .before = '\n' };
}

static void
remember(struct stuff *stuff, struct span in)
{
	if (in.len == 0)
		return;
	stuff->last = in.len > 1 ? in.data[in.len - 2] : stuff->before;
	stuff->before = in.data[in.len - 1];
}

/*
 * The spool holds no bare LF.  Should one be there all the same, a dot behind
 * it is doubled too: that costs at worst a dot, and no next hop that takes
 * LF for a line end can be made to see the end of a message there.
 */
void
stuff_add(struct stuff *stuff, struct span in, struct buf *out)
{
	struct span line;
	size_t n;

	while (in.len > 0) {
		if (stuff->before == '\n' && in.data[0] == '.')
			buf_add_byte(out, '.');
		n = span_find(in, '\n');
		line = span_head(in, n < in.len ? n + 1 : n);
		/* Lines without a dot go in one piece. */
		while (line.len < in.len && in.data[line.len] != '.') {
			n = span_find(span_skip(in, line.len), '\n');
			line.len += n;
			if (line.len < in.len)
				line.len++;
		}
		buf_add(out, line);
		remember(stuff, line);
		in = span_skip(in, line.len);
	}
}

void
stuff_end(struct stuff *stuff, struct buf *out)
{
	if (stuff->before != '\n' || stuff->last != '\r')
		buf_add(out, SPAN("\r\n"));
	buf_add(out, SPAN(".\r\n"));
}
