#ifndef LINT_H
#define LINT_H

#include <stddef.h>
#include <stdint.h>

#include "complaints.h"
#include "ip.h"
#include "rules.h"

/* An address that no grant should cover, and what it is. */
struct lint_host {
	struct ip ip;
	char what[64]; /* "this host", "the gateway of eth0" */
};

enum {
	LINT_SOON_DAYS = 14
};

/*
 * Warns of what is allowed but probably not meant: grants that are wide, that
 * cover one of hosts or loopback, that nobody owns or that never end, that have
 * ended or soon will; lines that say nothing new or that another makes
 * ineffective.
 */
void lint_tables(const struct rules *rules, const struct lint_host *hosts,
    size_t count, int64_t now, struct complaints *complaints);

#endif
