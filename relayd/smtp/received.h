#ifndef RECEIVED_H
#define RECEIVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "domains/ip.h"
#include "relayd/net/stream.h"
#include "relayd/smtp/headers.h"

/* What the header lines that we add are made of; all borrowed. */
struct received {
	struct span helo; /* as given, any bytes */
	const struct ip *client;
	const char *hostname;
	const char *id;              /* of the message, as text */
	bool esmtp;                  /* EHLO, not HELO */
	bool smtputf8;               /* of this transaction */
	const struct tls_facts *tls; /* NULL in the clear */
	struct span only_recipient;  /* empty when there are several */
	struct span sender;          /* canonical text; empty for <> */
	bool sender_has_domain;
	int64_t wall; /* seconds since 1970 */
};

enum {
	RECEIVED_MAX = 8192 /* bytes that all of it may take */
};

/* Appends the Received field, RFC 5321 4.4. */
void received_add_trace(const struct received *facts, struct buf *out);

/*
 * Appends Date, Message-ID and From where a message that nobody has relayed
 * and nobody has signed lacks them (RFC 5321 6.4, RFC 6409 8).  True when
 * something was added.
 */
bool received_add_missing(const struct received *facts,
    const struct headers *headers, struct buf *out);

#endif
