#ifndef SENDING_LEDGER_H
#define SENDING_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/delivery/client.h"
#include "tests/support/sending_parts.h"

/*
 * What became of every recipient of every message of a test, kept beside the
 * sending side and compared with it: delivered, told of, dropped, or owed
 * still and then queued, once, where its domain leads.
 */
enum {
	LEDGER_RECIPIENTS = 20000,
	LEDGER_MESSAGES = 4000,
};

struct ledger_recipient {
	size_t message;
	char address[48]; /* names its number here */
	unsigned notify;
	unsigned taken; /* how often the far side took it */
	unsigned lost;  /* so often it was taken and we need not know */
	bool refused;   /* for good, by the far side */
	bool told;      /* its sender, or the postmaster's summary */
};

struct ledger_message {
	uint64_t id;
	size_t first, count; /* its recipients */
	bool held;
	bool dropped; /* without a notice */
	bool ended;   /* the spool has it no more */
};

struct ledger {
	struct sending *sending; /* borrowed */
	struct ledger_recipient recipients[LEDGER_RECIPIENTS];
	struct ledger_message messages[LEDGER_MESSAGES];
	size_t recipient_count, message_count;
	size_t heard;     /* deliveries that we heard of, in this start */
	size_t jobs;      /* that the far side had, in this start */
	bool unreadable;  /* in this life: what the spool lacks it may regain */
	size_t told_upto; /* of far_side.told */
	char story[160];  /* where the test is, for what fails */
};

void ledger_open(struct ledger *ledger, struct sending *sending);
/* Accepts a message for so many recipients in these domains. */
void ledger_mail(struct ledger *ledger, const char *sender,
    const char *const *domains, const unsigned *notify, size_t count);
/* The far side says this to the i-th of a job; lost: and we do not hear it. */
void ledger_answer(struct ledger *ledger, struct client_job *job, size_t i,
    enum outcome_kind kind, bool lost);
/* The relay starts anew, or may forget what it has not settled. */
void ledger_forgets(struct ledger *ledger);
/* Compares everything. */
void ledger_check(struct ledger *ledger);
/* Messages that are owed, held ones apart. */
size_t ledger_owed(const struct ledger *ledger, bool held);

#endif
