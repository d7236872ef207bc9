#ifndef MEMO_H
#define MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "relayd/admin/conf.h"
#include "spool/spool.h"

/*
 * A message that relayd itself writes, from <> to one address: a notice, the
 * summary.  memo_begin(), then the rest of the header, a blank line and the body
 * are appended to text, then memo_send() or memo_drop().
 */
struct memo {
	struct buf text; /* the message as it will be stored, CRLF line ends */
	struct intake *intake; /* owned until memo_send() */
	char to[1024];         /* canonical address */
	char domain[256];
	bool utf8; /* the address needs SMTPUTF8 */
	int64_t now;
};

/*
 * Begins the header: From, To, Subject, Date, Message-ID, Auto-Submitted
 * (RFC 3834 5), MIME-Version.  False: the spool takes nothing now.
 */
bool memo_begin(struct memo *memo, struct spool *spool, const struct conf *conf,
    struct span to, const char *subject, const char *auto_submitted,
    int64_t now);
uint64_t memo_id(const struct memo *memo);
/*
 * Commits it; session is the one that the log knows the story by.  done as
 * intake_commit().  False: the disk failed, and nothing was kept.
 */
bool memo_send(struct memo *memo, struct span session,
    void (*done)(void *owner, enum commit_result result), void *owner);

#endif
