#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>

#include "base/span.h"
#include "domain.h"
#include "network_set.h"

/* The first word of a line of the allowlist: whom it speaks of. */
struct subject {
	bool excluded; /* it begins with "!" */
	bool named;
	char name[DOMAIN_MAX + 1]; /* domain.h's form, when named */
	struct network network;    /* otherwise */
};

enum {
	SUBJECT_TEXT_MAX = DOMAIN_MAX + 2
};

/* False with a static text in *why.  Everything in subject is set anyway. */
bool subject_parse(struct span text, struct subject *subject, const char **why);
/* As it would be written. */
const char *subject_text(const struct subject *subject,
    char out[SUBJECT_TEXT_MAX]);

#endif
