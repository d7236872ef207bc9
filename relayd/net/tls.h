#ifndef TLS_H
#define TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "domains/ip.h"

/* Certificates and trust, by GnuTLS.  Made once, used by many streams. */
struct tls_server;
struct tls_client;

/*
 * Loads certificate chains and their keys (PEM files, one a line, as many of
 * both) and checks that each pair belongs together.  A client is shown the one
 * with the name that it asks for (SNI, RFC 6066 3) and that it can use; the
 * first, when it asks for none of them.  priority: GnuTLS string or NULL for
 * the default.  NULL with the reason in why.
 */
struct tls_server *tls_server_new(const char *certificates, const char *keys,
    const char *priority, struct buf *why);
/* Wall-clock second until which all certificates are valid; -1: not known. */
int64_t tls_server_expires(const struct tls_server *tls);
/* Streams that use it keep it alive until they end. */
void tls_server_free(struct tls_server *tls);

/*
 * Trust for outgoing TLS: ca is a PEM file, or NULL for the system's.
 */
struct tls_client *tls_client_new(const char *ca, const char *priority,
    struct buf *why);
void tls_client_free(struct tls_client *tls);

#endif
