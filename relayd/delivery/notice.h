#ifndef NOTICE_H
#define NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/rules.h"
#include "outcome.h"
#include "relayd/admin/conf.h"
#include "spool/spool.h"

/*
 * What senders are told: delivery status notices (RFC 3461, 3464, 6522, 3834),
 * and the postmaster's summary of failures that nobody else may be told of.
 */
enum notice_kind {
	NOTICE_FAILED,
	NOTICE_DELAYED,
	NOTICE_RELAYED,
	NOTICE_DELIVERED, /* into the mailbox: by LMTP */
};

/* One recipient of the notice's story. */
struct notice_recipient {
	const struct recipient *recipient; /* borrowed, from the envelope */
	const struct outcome *outcome;     /* borrowed; the last attempt's */
};

struct notice {
	enum notice_kind kind;
	const struct envelope *envelope; /* of the message it is about */
	uint64_t id;                     /* of that message */
	size_t count;
	const struct notice_recipient *recipients;
	int64_t now;          /* wall-clock seconds */
	int64_t last_attempt; /* wall-clock seconds; 0: there was none */
	int64_t retry_until;  /* for NOTICE_DELAYED: arrival + lifetime */
	struct spool *spool;  /* to read the original's headers or all of it */
	const struct content *content; /* open */
};

/* Who may be told (design sections 7 and 11). */
enum notice_addressee {
	NOTIFY_SENDER, /* hosted sender domain, or the client held a grant (or bounce = all) */
	NOTIFY_OWNER, /* owner= of the grant: sender null or cannot take mail */
	NOTIFY_POSTMASTER, /* a notice of ours that failed: once, to the postmaster, never in a loop */
	NOTIFY_SUMMARY, /* nobody we may rely on: into the postmaster's summary */
	NOTIFY_NOBODY, /* NOTIFY=NEVER, or not asked for */
};
/* to (may be NULL): the address to send it to, empty for SUMMARY and NOBODY.  Null senders: SUMMARY. */
enum notice_addressee notice_addressee(const struct envelope *envelope,
    const struct recipient *recipient, enum notice_kind kind,
    const struct conf *conf, const struct rules *rules, struct buf *to);

/*
 * Writes the notice as a message from <> to `to` into the spool and commits
 * it (its envelope has ENVELOPE_NOTICE).  done runs after the sync; until COMMITTED the failed recipients must not be settled.
 * False: the spool takes nothing now; try again later.
 */
bool notice_send(const struct notice *notice, const struct conf *conf,
    struct span to, void (*done)(void *owner, enum commit_result result),
    void *owner);

/* The postmaster's summary: gathers, and is due at most once an hour. */
struct summary;
struct summary *summary_new(void);
void summary_free(struct summary *summary);
/* Remembers one failure (bounded: beyond 1000 lines they are counted). */
void summary_add(struct summary *summary, const struct envelope *envelope,
    uint64_t id, const struct recipient *recipient,
    const struct outcome *outcome, int64_t now);
/* Wall-clock second from which it may be sent; INT64_MAX when there is nothing to tell. The first comes a minute after its first line. */
int64_t summary_due(const struct summary *summary);
/* Sends it to the postmaster and begins anew; false: try again later (kept). done as above. */
bool summary_send(struct summary *summary, struct spool *spool,
    const struct conf *conf, int64_t now,
    void (*done)(void *owner, enum commit_result result), void *owner);

#endif
