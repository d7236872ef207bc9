/*
 * unitext - addresses of other scripts in ASCII.
 *
 * Job:     write what is not ASCII as \x{HEX}, RFC 6533 3.
 * Called:  by dsn_fields.c for notices, by handover.c for ORCPT=.
 * Owns:    nothing.
 * Never:   writes a byte above 0x7e.
 */
#include "relayd/delivery/unitext.h"

#include <string.h>

/* The code point of the well-formed character at the head of text. */
static unsigned
code_point(struct span text, size_t *len)
{
	static const unsigned char marks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned point;
	size_t n;

	for (*len = 1; *len < 4 && *len < text.len; ++*len)
		if (span_utf8(span_head(text, *len)))
			break;
	point = (unsigned char)text.data[0] & marks[*len];
	for (n = 1; n < *len; n++)
		point = point << 6 | ((unsigned char)text.data[n] & 0x3f);
	return point;
}

static void
add(struct buf *out, struct span address, const char *coded)
{
	unsigned point;
	size_t len;

	while (address.len > 0) {
		point = code_point(address, &len);
		if (point > 0x20 && point < 0x7f &&
		    strchr(coded, (int)point) == NULL)
			buf_add_byte(out, (char)point);
		else
			buf_addf(out, "\\x{%02X}", point);
		address = span_skip(address, len);
	}
}

void
unitext_add_address(struct buf *out, struct span address)
{
	add(out, address, "+=\\");
}

void
unitext_add_encoded(struct buf *out, struct span address)
{
	add(out, address, "");
}
