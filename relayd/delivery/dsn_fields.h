#ifndef DSN_FIELDS_H
#define DSN_FIELDS_H

#include "base/buf.h"
#include "relayd/delivery/notice.h"

/*
 * The fields of message/delivery-status (RFC 3464 2): those about the message
 * and, behind a blank line each, those of every recipient.  ASCII throughout; an
 * address that is not is written as RFC 6533 3 has it for 7-bit transport.
 */
void dsn_fields_add(const struct notice *notice, const struct conf *conf,
    struct buf *out);

#endif
