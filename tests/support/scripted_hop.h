#ifndef SCRIPTED_HOP_H
#define SCRIPTED_HOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/net/loop.h"
#include "relayd/net/tls.h"
#include "tests/support/script.h"

/* What it was given. */
struct scripted_message {
	struct buf mail;    /* the MAIL line */
	struct buf rcpts;   /* each accepted RCPT line, with \n */
	struct buf wire;    /* content as transmitted, without the final dot */
	struct buf content; /* unstuffed */
	bool accepted;
};
struct scripted_message *scripted_message_new(void);
void scripted_message_clear(struct scripted_message *message);

/*
 * A next hop that misbehaves on command, inside the loop of the test, so that
 * the test's clock is its clock.  Without a script it takes everything.
 */
struct scripted_hop {
	/* For the test to set before the first connection. */
	const char *offers; /* lines of the EHLO reply, separated by "," */
	const struct script_rule *rules; /* borrowed */
	struct tls_server *tls;          /* borrowed; offers STARTTLS */
	size_t sip; /* bytes of content read in each sip_ms; 0: as they come */
	uint64_t sip_ms;
	bool lmtp; /* RFC 2033: LHLO, and a reply per recipient after the dot */
	uint64_t dribble; /* 0: off; 1: a byte a turn; else ms between bytes */

	/* For the test to look at. */
	uint16_t port;
	size_t connections; /* so far */
	size_t open;        /* now */
	size_t reads;       /* with commands in them */
	struct buf heard;   /* every command line, with \n */
	size_t message_count;
	struct scripted_message *messages;

	/* private */
	struct loop *loop;
	struct watch watch;
	struct script_use uses[SCRIPT_RULES_MAX];
	struct connection *latest;
};

struct scripted_hop *scripted_hop_new(struct loop *loop);
/* After loop_free(), which ends its connections. */
void scripted_hop_free(struct scripted_hop *hop);
/*
 * Says text on the latest connection and resets it, now: the client finds
 * both when it next looks.
 */
void scripted_hop_strike(struct scripted_hop *hop, const char *text);
/* Nobody is there any more: connections are refused from now on. */
void scripted_hop_hide(struct scripted_hop *hop);

#endif
