/*
 * span - bytes that belong to somebody else.
 *
 * Job:     look at, compare and cut borrowed bytes.
 * Called:  by everyone.
 * Owns:    nothing.
 * Never:   allocates, nor looks past len.
 */
#include "base/span.h"

#include <string.h>
#include <strings.h>

struct span
span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

struct span
span_make(const char *data, size_t len)
{
	return (struct span){ data, len };
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static unsigned char
lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool
span_equal_nocase(struct span a, struct span b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

int
span_compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.data, b.data, n);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool
span_starts(struct span s, struct span head)
{
	return span_equal(span_head(s, head.len), head);
}

bool
span_starts_nocase(struct span s, struct span head)
{
	return span_equal_nocase(span_head(s, head.len), head);
}

bool
span_ends(struct span s, struct span tail)
{
	return s.len >= tail.len &&
	    span_equal(span_skip(s, s.len - tail.len), tail);
}

bool
span_ends_nocase(struct span s, struct span tail)
{
	return s.len >= tail.len &&
	    span_equal_nocase(span_skip(s, s.len - tail.len), tail);
}

struct span
span_skip(struct span s, size_t n)
{
	if (n > s.len)
		n = s.len;
	if (n == 0)
		return s;
	return (struct span){ s.data + n, s.len - n };
}

struct span
span_head(struct span s, size_t n)
{
	return (struct span){ s.data, n < s.len ? n : s.len };
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && blank(s.data[0]))
		s = span_skip(s, 1);
	while (s.len > 0 && blank(s.data[s.len - 1]))
		s.len--;
	return s;
}

size_t
span_find(struct span s, char c)
{
	const char *at = s.len == 0 ? NULL : memchr(s.data, c, s.len);

	return at == NULL ? s.len : (size_t)(at - s.data);
}

size_t
span_find_last(struct span s, char c)
{
	const char *at = s.len == 0 ? NULL : memrchr(s.data, c, s.len);

	return at == NULL ? s.len : (size_t)(at - s.data);
}

struct span
span_cut(struct span *rest, char c)
{
	size_t at = span_find(*rest, c);
	struct span part = span_head(*rest, at);

	if (at == rest->len)
		*rest = (struct span){ NULL, 0 };
	else
		*rest = span_skip(*rest, at + 1);
	return part;
}

struct span
span_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->len && !blank(rest->data[n]))
		n++;
	word = span_head(*rest, n);
	*rest = span_trim(span_skip(*rest, n));
	return word;
}

bool
span_number(struct span s, uint64_t max, uint64_t *number)
{
	uint64_t sum = 0;
	size_t i;

	if (s.len == 0)
		return false;
	for (i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9' ||
		    __builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(s.data[i] - '0'),
			&sum) ||
		    sum > max)
			return false;
	}
	*number = sum;
	return true;
}

bool
span_printable(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.data[i] < 0x20 || s.data[i] > 0x7e)
			return false;
	return true;
}

bool
span_eight_bit(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.data[i] > 0x7f)
			return true;
	return false;
}

/* The length of the well-formed sequence at the head of s, or 0. */
static size_t
utf8_length(struct span s)
{
	static const struct {
		unsigned char from, to;  /* first byte */
		unsigned char low, high; /* second byte */
		size_t len;
	} forms[] = {
		/* RFC 3629 section 4 */
		{ 0x00, 0x7f, 0, 0, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *byte = (const unsigned char *)s.data;
	size_t i, k;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (byte[0] < forms[i].from || byte[0] > forms[i].to)
			continue;
		if (s.len < forms[i].len)
			return 0;
		if (forms[i].len > 1 &&
		    (byte[1] < forms[i].low || byte[1] > forms[i].high))
			return 0;
		for (k = 2; k < forms[i].len; k++)
			if (byte[k] < 0x80 || byte[k] > 0xbf)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool
span_utf8(struct span s)
{
	size_t n;

	while (s.len > 0) {
		n = utf8_length(s);
		if (n == 0)
			return false;
		s = span_skip(s, n);
	}
	return true;
}

uint64_t
span_hash(struct span s, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325u ^ seed;
	size_t i;

	for (i = 0; i < s.len; i++) {
		hash ^= (unsigned char)s.data[i];
		hash *= 0x100000001b3u;
	}
	return hash;
}
