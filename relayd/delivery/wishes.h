#ifndef WISHES_H
#define WISHES_H

#include <stdbool.h>

#include "base/buf.h"
#include "spool/envelope.h"

/*
 * What a sender wants to be told of (RFC 3461), passed on to a next hop that
 * offers DSN: the parameters of MAIL and of RCPT, a blank before each.
 */
void wishes_add_mail(struct buf *out, const struct envelope *envelope);
/* smtputf8: MAIL said so, and ORCPT= may hold UTF-8. */
void wishes_add_rcpt(struct buf *out, const struct recipient *recipient,
    bool smtputf8);

#endif
