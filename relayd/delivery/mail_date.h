#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include <stdint.h>

#include "base/buf.h"

/* Appends wall-clock seconds as RFC 5322 3.3 has it, in UTC. */
void mail_date_add(struct buf *out, int64_t wall);

#endif
