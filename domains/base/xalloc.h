#ifndef XALLOC_H
#define XALLOC_H

#include <assert.h>
#include <stddef.h>

#ifdef NDEBUG
#error "assertions are part of relayd: dying is safe, going on is not"
#endif

/*
 * Memory that cannot fail: when there is none left these say so on standard
 * error and abort.  The spool makes that safe, and no caller carries an error
 * path that never runs.  Sizes that a peer can grow are bounded by their owner.
 */

/* count objects of size bytes, all zero; the caller owns them, free(3). */
void *xcalloc(size_t count, size_t size);

/* Like realloc(3) of count objects of size bytes; the product is checked. */
void *xrealloc(void *old, size_t count, size_t size);

/* An owned copy of len bytes with a NUL behind them. */
char *xstrndup(const char *text, size_t len);

/* An owned copy of a C string. */
char *xstrdup(const char *text);

#endif
