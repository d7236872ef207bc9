#ifndef SPAN_H
#define SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Borrowed bytes.  They have a length, may hold a NUL, and belong to somebody
 * else: a span is valid until its owner moves or frees them.
 */
struct span {
	const char *data; /* borrowed */
	size_t len;
};

/* A string literal as a span, for initialisers and arguments. */
#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

/* printf("%.*s", SPAN_ARG(s)): only for bytes that were checked or escaped. */
#define SPAN_ARG(s) (int)(s).len, (s).data

struct span span_of(const char *text);
struct span span_make(const char *data, size_t len);

bool span_equal(struct span a, struct span b);
/* ASCII letters compare without regard to case, other bytes exactly. */
bool span_equal_nocase(struct span a, struct span b);
/* Order of bytes, shorter first where one is the head of the other. */
int span_compare(struct span a, struct span b);
bool span_starts(struct span s, struct span head);
bool span_starts_nocase(struct span s, struct span head);
bool span_ends(struct span s, struct span tail);
bool span_ends_nocase(struct span s, struct span tail);

/* s without its first n bytes (or empty). */
struct span span_skip(struct span s, size_t n);
/* The first n bytes of s (or all of it). */
struct span span_head(struct span s, size_t n);
/* s without blanks and tabs at both ends. */
struct span span_trim(struct span s);
/* The place of the first, last byte c in s; s.len when there is none. */
size_t span_find(struct span s, char c);
size_t span_find_last(struct span s, char c);

/*
 * Cuts the part before the first c off *rest and returns it; *rest then begins
 * behind c.  Without a c, returns all of *rest and leaves it empty with data
 * NULL: `while (rest.data != NULL) part = span_cut(&rest, ',');` sees every
 * part, empty ones too.
 */
struct span span_cut(struct span *rest, char c);

/*
 * The next word of *rest (separated by blanks and tabs); empty at the end.
 */
struct span span_word(struct span *rest);

/* Decimal digits only, at most max.  False leaves *number alone. */
bool span_number(struct span s, uint64_t max, uint64_t *number);

/* True when every byte is 0x20 to 0x7e. */
bool span_printable(struct span s);
/* True when some byte is above 0x7f. */
bool span_eight_bit(struct span s);
/* True when s is well-formed UTF-8 (RFC 3629; ASCII is). */
bool span_utf8(struct span s);

/* FNV-1a, for hash tables of trusted or seeded keys. */
uint64_t span_hash(struct span s, uint64_t seed);

#endif
