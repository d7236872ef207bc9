#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "relayd/delivery/client.h"
#include "relayd/delivery/offers.h"
#include "relayd/delivery/reply.h"

/*
 * One mail transaction (RFC 5321 3.3) of a job: what is asked for whom, and
 * which recipient each reply is about.  It knows commands and verdicts, no
 * socket and no order of steps.
 */
enum {
	HANDOVER_RCPTS = 100, /* RFC 5321 4.5.3.1.8: all take that many */
};

struct handover {
	struct client_job *job;      /* borrowed; NULL between jobs */
	const struct offers *offers; /* borrowed */
	const char *remote;          /* borrowed: for the outcomes */
	bool convert;  /* 8-bit content to a next hop without 8BITMIME */
	bool smtputf8; /* MAIL says SMTPUTF8 */
	bool refused;  /* MAIL was: what RCPT and DATA hear means nothing */
	size_t count;  /* recipients that are asked about, 0: nothing to do */
	size_t asked;  /* of count, RCPT commands made */
	size_t heard;  /* of count, replies to them */
	size_t accepted;
	size_t ask_at;  /* index in job->recipients of the next to be asked */
	size_t hear_at; /* and of the next to be heard about */
};

/*
 * Takes up a job: clears its outcomes, decides what can be decided without
 * asking (size, 8-bit content, SMTPUTF8, too many recipients for one go) and
 * counts the rest.
 */
void handover_begin(struct handover *handover, struct client_job *job,
    const struct offers *offers, const char *remote);

/* Each appends one command; RCPT that of the next recipient. */
void handover_ask_mail(struct handover *handover, struct buf *out);
void handover_ask_rcpt(struct handover *handover, struct buf *out);

/*
 * What a reply of class 2, 4 or 5 says.  RCPT: about the next recipient in
 * the order they were asked.
 */
void handover_hear_mail(struct handover *handover, const struct reply *reply);
void handover_hear_rcpt(struct handover *handover, const struct reply *reply);
/*
 * The replies came out of step: no refusal among them is believed.  False:
 * there was none.
 */
bool handover_doubt(struct handover *handover);
/* To DATA and to the final dot: about all that were accepted. */
void handover_hear_all(struct handover *handover, const struct reply *reply);
/* To the final dot of LMTP: about the next of those that were accepted. */
void handover_hear_one(struct handover *handover, const struct reply *reply);
bool handover_undecided(const struct handover *handover);

/* The same words for all that are still undecided. */
void handover_decide(struct handover *handover, enum outcome_kind kind,
    int code, const char *enhanced, struct span text);
/* The job is over; returns it. */
struct client_job *handover_end(struct handover *handover);

#endif
