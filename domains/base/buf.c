/*
 * buf - owned bytes with a ceiling.
 *
 * Job:     grow, hold and give back bytes; refuse what passes the ceiling.
 * Called:  by everyone.
 * Owns:    the memory of each struct buf.
 * Never:   grows beyond max; never lets a peer decide how much that is.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define SIZE_FIRST 256 /* bytes of the first allocation */

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max };
}

/* Makes room for extra bytes (and one NUL) behind the live ones. */
static bool
reserve(struct buf *buf, size_t extra)
{
	size_t need, size;

	if (buf->full || extra > buf->max - buf->len) {
		buf->full = true;
		return false;
	}
	need = buf->len + extra + 1;
	if (buf->data != NULL &&
	    need <= buf->size - (size_t)(buf->data - buf->memory))
		return true;
	if (need <= buf->size / 2) {
		memmove(buf->memory, buf->data, buf->len);
		buf->data = buf->memory;
		return true;
	}
	size = buf->size == 0 ? SIZE_FIRST : buf->size;
	while (size < need)
		size *= 2;
	if (size > buf->max + 1)
		size = buf->max + 1;
	if (buf->data != buf->memory)
		memmove(buf->memory, buf->data, buf->len);
	if (size > buf->size) {
		buf->memory = xrealloc(buf->memory, size, 1);
		buf->size = size;
	}
	buf->data = buf->memory;
	return true;
}

void
buf_add(struct buf *buf, struct span bytes)
{
	if (bytes.len == 0 || !reserve(buf, bytes.len))
		return;
	memcpy(buf->data + buf->len, bytes.data, bytes.len);
	buf->len += bytes.len;
}

void
buf_add_byte(struct buf *buf, char byte)
{
	buf_add(buf, (struct span){ &byte, 1 });
}

void
buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vaddf(buf, format, args);
	va_end(args);
}

void
buf_vaddf(struct buf *buf, const char *format, va_list args)
{
	char small[512];
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	assert(len >= 0);
	if ((size_t)len < sizeof(small)) {
		buf_add(buf, (struct span){ small, (size_t)len });
	} else if (reserve(buf, (size_t)len)) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

/* The length of the printable character at the head of bytes, or 0. */
static size_t
printable(struct span bytes)
{
	unsigned char first = (unsigned char)bytes.data[0];
	size_t n;

	if (first >= 0x20 && first <= 0x7e)
		return 1;
	/* U+0080 to U+009F are control characters too. */
	if (first < 0xc2 ||
	    (first == 0xc2 && bytes.len > 1 &&
		(unsigned char)bytes.data[1] < 0xa0))
		return 0;
	for (n = 2; n <= 4 && n <= bytes.len; n++)
		if (span_utf8(span_head(bytes, n)))
			return n;
	return 0;
}

void
buf_add_escaped(struct buf *buf, struct span bytes, size_t limit)
{
	struct span rest = span_head(bytes, limit);
	size_t n;

	while (rest.len > 0) {
		n = printable(rest);
		if (n == 0) {
			buf_addf(buf, "\\x%02x", (unsigned char)rest.data[0]);
			n = 1;
		} else if (rest.data[0] == '\\' || rest.data[0] == '"') {
			buf_add_byte(buf, '\\');
			buf_add_byte(buf, rest.data[0]);
		} else {
			buf_add(buf, span_head(rest, n));
		}
		rest = span_skip(rest, n);
	}
	if (bytes.len > limit)
		buf_add(buf, SPAN("..."));
}

struct span
buf_span(const struct buf *buf)
{
	return (struct span){ buf->data, buf->len };
}

const char *
buf_text(struct buf *buf)
{
	if (buf->len == 0)
		return "";
	buf->data[buf->len] = '\0'; /* reserve() always keeps this byte */
	return buf->data;
}

char *
buf_room(struct buf *buf, size_t want, size_t *room)
{
	size_t left = buf->max - buf->len;

	if (left == 0 || buf->full)
		return NULL;
	if (want > left)
		want = left;
	if (!reserve(buf, want))
		return NULL;
	*room = buf->size - 1 - buf->len - (size_t)(buf->data - buf->memory);
	if (*room > left)
		*room = left;
	return buf->data + buf->len;
}

void
buf_grew(struct buf *buf, size_t bytes)
{
	assert(bytes <= buf->max - buf->len);
	buf->len += bytes;
}

void
buf_eat(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	buf->len -= n;
	buf->data = buf->len == 0 ? buf->memory : buf->data + n;
}

void
buf_cut(struct buf *buf, size_t n)
{
	assert(n <= buf->len);
	buf->len = n;
}

void
buf_empty(struct buf *buf)
{
	buf->len = 0;
	buf->full = false;
	buf->data = buf->memory;
}

void
buf_release(struct buf *buf)
{
	if (buf->len == 0 && buf->memory != NULL)
		buf_clear(buf);
}

void
buf_clear(struct buf *buf)
{
	free(buf->memory);
	buf_init(buf, buf->max);
}
