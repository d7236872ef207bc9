#ifndef CONTROL_FILTER_H
#define CONTROL_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/domain.h"
#include "domains/ip.h"
#include "relayd/admin/control.h"
#include "spool/envelope.h"
#include "spool/spool.h"

/*
 * Which waiting messages are meant.  In a request: "ids", an array of texts;
 * "domain", "sender", "recipient", "client" (texts), "older", "younger"
 * (seconds).  Several must all be true; without any, all messages are meant.
 *
 * sender and recipient are an address, or @domain; "<>" is the null sender.
 * Letters compare without regard to case.  client is an address or a network.
 */
struct filter {
	size_t id_count;
	uint64_t *ids;      /* owned, ascending */
	struct span domain; /* of name, or of the request; data NULL: any */
	char name[DOMAIN_MAX + 1];     /* domain.h's form */
	struct span sender, recipient; /* of the request; data NULL: any */
	bool has_client;
	struct ip client;
	unsigned prefix;
	uint64_t older, younger;
	uint64_t newest; /* no ID above it is meant; 0: any */
	bool any;        /* something was asked for */
};

/* False after control_fail(). */
bool filter_read(struct filter *filter, struct control_job *job);
void filter_clear(struct filter *filter);

/* Must the envelope be read to know? */
bool filter_needs_envelope(const struct filter *filter);
/* By what is in memory: false, it is not meant. */
bool filter_may_mean(const struct filter *filter,
    const struct spool_entry *entry, int64_t now);
/* By the envelope; settled recipients are not meant. */
bool filter_means(const struct filter *filter, struct spool *spool,
    const struct spool_entry *entry, const struct envelope *envelope);

#endif
