#ifndef POSTFIX_H
#define POSTFIX_H

#include <stdint.h>

/*
 * A Postfix of the test's own, from its own folder, on 127.0.0.1: it hosts
 * campus.test, hands its mail to one next hop, and serves nobody else.  It
 * needs root.
 */
struct postfix;

/* Started; every failure fails the test. */
struct postfix *postfix_new(uint16_t next_hop);
void postfix_free(struct postfix *postfix);
uint16_t postfix_port(const struct postfix *postfix);

#endif
