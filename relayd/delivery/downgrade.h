#ifndef DOWNGRADE_H
#define DOWNGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/span.h"
#include "relayd/delivery/qp.h"

/*
 * An 8-bit message made 7-bit for a next hop without 8BITMIME (RFC 6152 3):
 * its 8-bit parts become quoted-printable, their headers say so, and nothing
 * else changes.  It goes over the content twice: a survey finds which parts
 * need it and whether it can be done; then the lines are written.
 */
struct downgrade;

enum {
	DOWNGRADE_GROWTH = QP_GROWTH,
	DOWNGRADE_HELD = 256 << 10, /* lines held back or added, beyond that */
};

struct downgrade *downgrade_new(void);
void downgrade_free(struct downgrade *downgrade);

/* First over: all of the content, in blocks. */
void downgrade_survey(struct downgrade *downgrade, struct span in);
/* NULL when it can be converted, else the reason (static text). */
const char *downgrade_surveyed(struct downgrade *downgrade);

/* Second over: the same bytes, and out they come. */
void downgrade_feed(struct downgrade *downgrade, struct span in,
    struct buf *out);
void downgrade_end(struct downgrade *downgrade, struct buf *out);

#endif
