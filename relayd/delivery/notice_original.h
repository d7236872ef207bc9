#ifndef NOTICE_ORIGINAL_H
#define NOTICE_ORIGINAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "relayd/delivery/notice.h"

/* What a notice returns of the message it is about. */
struct notice_original {
	const char *type;     /* of the MIME part; NULL: nothing to return */
	const char *encoding; /* its Content-Transfer-Encoding */
	struct buf bytes;     /* encoded so, CRLF line ends */
};

/*
 * Reads all of it when RET=FULL was asked for, it failed, is small and has the
 * lines of mail; else its header (RFC 3461 4.3).  Of a notice that failed, all
 * up to 1 MiB.  But for 8-bit message/rfc822 it is 7-bit.
 */
void notice_original_read(const struct notice *notice,
    struct notice_original *original);
void notice_original_clear(struct notice_original *original);

#endif
