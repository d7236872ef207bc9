#ifndef ASKED_H
#define ASKED_H

#include "base/buf.h"
#include "tests/support/daemon.h"

/*
 * Runs relayctl -c on a daemon's configuration with these words (a NULL ends
 * them); what it writes replaces output.  Its exit status.
 */
int asked(struct daemon *daemon, struct buf *output, const char *word, ...)
    __attribute__((sentinel));

/* The same, and the status must be this. */
#define ASKED(status, daemon, output, ...)                                  \
	do {                                                                \
		int asked_is = asked(daemon, output, __VA_ARGS__, NULL);    \
		ck_assert_msg(asked_is == (status), "%d instead of %d: %s", \
		    asked_is, (status), buf_text(output));                  \
	} while (0)
/* The output holds this. */
#define HEARD(output, text)                                                    \
	ck_assert_msg(strstr(buf_text(output), (text)) != NULL, "no %s in %s", \
	    (text), buf_text(output))
#define NOT_HEARD(output, text)                                             \
	ck_assert_msg(strstr(buf_text(output), (text)) == NULL, "%s in %s", \
	    (text), buf_text(output))

#endif
