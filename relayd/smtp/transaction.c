/*
 * transaction - a sender, its parameters and its recipients.
 *
 * Job:     keep what a mail transaction has gathered so far.
 * Called:  by the handlers of MAIL, RCPT and DATA.
 * Owns:    copies of all texts.
 * Never:   decides who may be a recipient, or how many.
 */
#include "relayd/smtp/transaction.h"

#include <stdlib.h>

#include "base/xalloc.h"

static void
charge(struct transaction *transaction, size_t bytes)
{
	transaction->bytes += bytes;
	*transaction->ledger += bytes;
}

static struct span
copy(struct span text)
{
	return span_make(xstrndup(text.data, text.len), text.len);
}

struct transaction *
transaction_new(const struct address *sender, const struct mail_params *params,
    const struct rules *rules, uint64_t now, size_t *ledger)
{
	struct transaction *transaction = xcalloc(1, sizeof(*transaction));

	transaction->ledger = ledger;
	charge(transaction, sizeof(*transaction) + params->envid.len);
	transaction->sender = *sender;
	transaction->eight_bit = params->eight_bit;
	transaction->smtputf8 = params->smtputf8;
	transaction->size_given = params->size_given;
	transaction->size = params->size;
	transaction->flags = params->flags;
	if (params->smtputf8)
		transaction->flags |= ENVELOPE_SMTPUTF8;
	transaction->begun = now;
	transaction->rules = rules_hold(rules);
	if (params->envid.len > 0)
		transaction->envid =
		    xstrndup(params->envid.data, params->envid.len);
	return transaction;
}

bool
transaction_has(const struct transaction *transaction,
    const struct address *recipient)
{
	struct span address = address_span(recipient);
	uint64_t hash = span_hash(address, 0);
	size_t i;

	for (i = 0; i < transaction->count; i++)
		if (transaction->hashes[i] == hash &&
		    span_equal(transaction->recipients[i].address, address))
			return true;
	return false;
}

static void
make_room(struct transaction *transaction)
{
	if (transaction->count < transaction->room)
		return;
	transaction->room = transaction->room == 0 ? 1 : 2 * transaction->room;
	transaction->recipients = xrealloc(transaction->recipients,
	    transaction->room, sizeof(transaction->recipients[0]));
	transaction->hashes = xrealloc(transaction->hashes, transaction->room,
	    sizeof(transaction->hashes[0]));
}

void
transaction_add(struct transaction *transaction,
    const struct address *recipient, const struct rcpt_params *params,
    const struct decision *decision)
{
	const struct rule *rule = &decision->rule;
	struct recipient *one;

	make_room(transaction);
	one = &transaction->recipients[transaction->count];
	one->address = copy(address_span(recipient));
	one->domain = copy(span_of(recipient->domain));
	one->orcpt = copy(params->orcpt);
	one->notify = params->notify;
	transaction->hashes[transaction->count] = span_hash(one->address, 0);
	charge(transaction,
	    sizeof(*one) + sizeof(transaction->hashes[0]) + one->address.len +
		one->domain.len + one->orcpt.len);
	if (transaction->count == 0 && rule->file != NULL) {
		transaction->rule_file = xstrdup(rule->file);
		transaction->rule_line = rule->line;
	}
	if (decision->granted && transaction->grant_line == 0)
		transaction->grant_line = rule->line;
	transaction->count++;
}

void
transaction_free(struct transaction *transaction)
{
	size_t i;

	if (transaction == NULL)
		return;
	for (i = 0; i < transaction->count; i++) {
		free(
		    (void *)(uintptr_t)transaction->recipients[i].address.data);
		free((void *)(uintptr_t)transaction->recipients[i].domain.data);
		free((void *)(uintptr_t)transaction->recipients[i].orcpt.data);
	}
	free(transaction->recipients);
	free(transaction->hashes);
	free(transaction->envid);
	free(transaction->rule_file);
	rules_let_go(transaction->rules);
	*transaction->ledger -= transaction->bytes;
	free(transaction);
}
