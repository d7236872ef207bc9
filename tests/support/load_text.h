#ifndef LOAD_TEXT_H
#define LOAD_TEXT_H

#include <stddef.h>

/*
 * A message of about size bytes, with its header and the final dot; the caller
 * frees it.
 */
char *load_text(size_t size, size_t *len);

#endif
