#ifndef DOMAINS_H
#define DOMAINS_H

#include <stddef.h>

#include "spool/envelope.h"

/*
 * The distinct domains of the recipients, with a NUL between each two; owned
 * by the caller.
 */
char *domains_of(const struct envelope *envelope, size_t *len);

#endif
