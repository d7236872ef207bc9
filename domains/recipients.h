#ifndef RECIPIENTS_H
#define RECIPIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "complaints.h"

/*
 * The local parts that a hosted domain knows: a recipients= file, one a line.
 * They compare without regard to ASCII case, since devices differ, and
 * postmaster is always one of them (RFC 5321 4.5.1).
 */
struct recipients;

/*
 * NULL when it was complained about; also NULL, with *missing set and no
 * complaint, when there is no such file.
 */
struct recipients *recipients_load(const char *file, uint64_t seed,
    struct complaints *complaints, bool *missing);
bool recipients_has(const struct recipients *recipients, struct span local);
size_t recipients_count(const struct recipients *recipients);
void recipients_free(struct recipients *recipients);

#endif
