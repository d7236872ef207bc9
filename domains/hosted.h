#ifndef HOSTED_H
#define HOSTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "complaints.h"
#include "recipients.h"
#include "route.h"

/*
 * The hosted table: the domains that the campus serves.  Never changes once
 * it is loaded.
 */
struct hosted;

/* What a line says of its domain. */
struct hosted_policy {
	struct route route;
	char *refuse;                        /* owned; or NULL */
	const struct recipients *recipients; /* borrowed; NULL: anyone */
	char *recipients_file; /* owned; as it is opened, or NULL */
};

struct hosted_match {
	const struct hosted_policy *policy; /* NULL: not hosted */
	size_t line;
};

/* NULL when something was complained about. */
struct hosted *hosted_load(const char *file, uint64_t seed,
    struct complaints *complaints);
void hosted_free(struct hosted *hosted);
size_t hosted_count(const struct hosted *hosted);
/* Domain number n in the table's order, a NUL behind it; n below the count. */
const char *hosted_at(const struct hosted *hosted, size_t n,
    struct hosted_match *match);
/* Its n for the line of this number in the file; the count when there is none. */
size_t hosted_index(const struct hosted *hosted, size_t line);
/* Appends " via=... tls=..." as a line has it; nothing for the defaults. */
void hosted_policy_text(const struct hosted_policy *policy, struct buf *out);
/* The most specific line for domain (domain.h's form). */
struct hosted_match hosted_find(const struct hosted *hosted,
    struct span domain);

#endif
