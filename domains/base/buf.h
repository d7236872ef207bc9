#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/*
 * Owned bytes with a ceiling.  Append freely and ask once: an append that
 * would pass max sets full and changes nothing else, and so do all after it
 * until buf_empty() or buf_clear().  Bytes leave at the front by buf_eat().
 * An empty buffer that was released holds no memory.
 */
struct buf {
	char
	    *data; /* owned; the first live byte; NULL while it has no memory */
	size_t len;   /* live bytes from data on */
	size_t max;   /* ceiling of len */
	bool full;    /* an append did not fit */
	char *memory; /* owned allocation, private */
	size_t size;  /* of memory, private */
};

/* Fills in an empty buffer that may hold max bytes.  Allocates nothing. */
void buf_init(struct buf *buf, size_t max);

void buf_add(struct buf *buf, struct span bytes);
void buf_add_byte(struct buf *buf, char byte);
void buf_addf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vaddf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/*
 * Appends bytes escaped for a person's eye or a log: printable ASCII and
 * well-formed UTF-8 as they are, a backslash doubled, a double quote as \",
 * every other byte as \xNN.  At most limit bytes of input are used; more shows as "...".
 */
void buf_add_escaped(struct buf *buf, struct span bytes, size_t limit);

/* The live bytes; valid until the next change of the buffer. */
struct span buf_span(const struct buf *buf);
/* The live bytes with a NUL behind them (not counted); "" when empty. */
const char *buf_text(struct buf *buf);

/*
 * Room for at least want (and never beyond max) more bytes behind the live
 * ones: sets *room to what is there and returns its start, NULL when max is
 * reached.  buf_grew() then says how much of it was filled.
 */
char *buf_room(struct buf *buf, size_t want, size_t *room);
void buf_grew(struct buf *buf, size_t bytes);

/* Drops the first n live bytes (n at most len). */
void buf_eat(struct buf *buf, size_t n);
/* Drops all bytes after the first n. */
void buf_cut(struct buf *buf, size_t n);
/* Drops all bytes and the full mark; keeps the memory. */
void buf_empty(struct buf *buf);
/* Gives the memory back when there are no live bytes: an idle connection holds none. */
void buf_release(struct buf *buf);
/* Frees everything; the buffer is as after buf_init(). */
void buf_clear(struct buf *buf);

#endif
