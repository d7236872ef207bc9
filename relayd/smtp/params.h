#ifndef PARAMS_H
#define PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/*
 * ESMTP parameters of MAIL and RCPT (RFC 5321 4.1.1.11), checked but not yet
 * weighed.  The texts are borrowed from the command line.
 */
struct mail_params {
	bool size_given;
	uint64_t size;
	bool eight_bit;    /* BODY=8BITMIME */
	bool smtputf8;     /* SMTPUTF8 */
	unsigned flags;    /* ENVELOPE_RET_FULL, ENVELOPE_RET_HDRS */
	struct span envid; /* ENVID=, xtext kept */
	unsigned seen;     /* which were given, private */
};

struct rcpt_params {
	unsigned notify;   /* enum notify_flag */
	struct span orcpt; /* ORCPT=, "type;xtext" kept */
	bool utf8;         /* in: ORCPT may hold UTF-8 (RFC 6533 3) */
	unsigned seen;     /* private */
};

/* What is wrong with a parameter. */
struct params_fault {
	int code;             /* 501 or 555 */
	const char *enhanced; /* "5.5.4" */
	struct span word;     /* the parameter it was */
	const char *why;      /* static text: what was expected */
};

/* Reads all of text.  False with *fault filled in. */
bool params_mail(struct span text, struct mail_params *params,
    struct params_fault *fault);
bool params_rcpt(struct span text, struct rcpt_params *params,
    struct params_fault *fault);

#endif
