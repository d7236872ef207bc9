#ifndef OWN_HOSTS_H
#define OWN_HOSTS_H

#include <stddef.h>

#include "domains/lint.h"

/*
 * The addresses of this host, and of the gateways that its routes name: behind
 * one of a container network or NAT, everybody looks alike.  The caller frees
 * the array.
 */
struct lint_host *own_hosts(size_t *count);

#endif
