#ifndef FLOW_H
#define FLOW_H

#include <stdint.h>

#include "spool/envelope.h"

/*
 * Whose mail a message is, in sixteen bits: the high byte is of the client
 * (of an IPv6 client its /64, which is one site or one machine), the low byte
 * of the sender.  Mail of one origin has one flow; two origins may share one.
 * A queue takes turns by it.  It is kept in the index: the hash never changes.
 */
uint16_t flow_of(const struct envelope *envelope);

#endif
