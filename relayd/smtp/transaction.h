#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domains/address.h"
#include "domains/rules.h"
#include "relayd/smtp/params.h"
#include "spool/envelope.h"

/*
 * Everything that MAIL and RCPT have said, from the 250 to MAIL until the
 * message is ours or the transaction is cleared: in one place, so that one
 * free forgets it all.
 */
struct transaction {
	struct address sender;
	bool eight_bit; /* BODY=8BITMIME */
	bool smtputf8;
	bool size_given;
	uint64_t size;   /* SIZE= */
	unsigned flags;  /* enum envelope_flag, as far as MAIL says */
	uint64_t begun;  /* monotonic milliseconds */
	char *envid;     /* owned, or NULL */
	char *rule_file; /* owned: what decided for the first recipient */
	size_t rule_line;
	const struct rules *rules; /* held: those that it began with */
	size_t grant_line; /* of the allowlist, that let one in; 0: none */

	size_t *ledger; /* borrowed: the bytes of all transactions */
	size_t bytes;   /* ours among them */

	struct recipient *recipients; /* owned array of owned texts */
	uint64_t *hashes;             /* owned; of their addresses */
	size_t count;
	size_t room;
};

/* What it takes is added to *ledger until it is freed. */
struct transaction *transaction_new(const struct address *sender,
    const struct mail_params *params, const struct rules *rules, uint64_t now,
    size_t *ledger);

/* True when this very recipient is there already. */
bool transaction_has(const struct transaction *transaction,
    const struct address *recipient);
/* Copies a recipient and, where it is the first, the rule that let it in. */
void transaction_add(struct transaction *transaction,
    const struct address *recipient, const struct rcpt_params *params,
    const struct decision *decision);

void transaction_free(struct transaction *transaction);

#endif
