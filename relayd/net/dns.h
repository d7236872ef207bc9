#ifndef DNS_H
#define DNS_H

#include "base/buf.h"
#include "dns_answer.h"
#include "loop.h"

/*
 * Questions to DNS servers, by c-ares inside the loop: retries, several
 * servers, TCP after a truncated answer.  No search list, no /etc/hosts.
 */
struct dns;

/*
 * servers: "127.0.0.1:5353,[::1]:53", or NULL for those of resolv.conf.  A
 * server that is silent for patience milliseconds is asked again or another
 * one is, tries times.  NULL with the reason in why.
 */
struct dns *dns_new(struct loop *loop, const char *servers, int patience,
    int tries, struct buf *why);
/* Questions under way end without a call. */
void dns_free(struct dns *dns);

/*
 * Asks, and follows aliases from message to message.  answered() may run
 * before this returns; the answer is borrowed for the call.  Not to be freed
 * from within it.
 */
void dns_ask(struct dns *dns, const char *name, enum dns_type type,
    void (*answered)(void *owner, const struct dns_answer *answer),
    void *owner);

#endif
