#ifndef TLS_CREDENTIALS_H
#define TLS_CREDENTIALS_H

#include <gnutls/gnutls.h>

#include "tls.h"

/*
 * The inner side of tls.h, for tls_wire.c alone: a wire holds the
 * credentials it uses, and they live until the last one lets go.
 */

/* Sets up a session of the server's side. */
void tls_server_arm(struct tls_server *tls, gnutls_session_t session);
void tls_server_hold(struct tls_server *tls);

/* The same for the client's; trust: certificates will be verified. */
void tls_client_arm(struct tls_client *tls, gnutls_session_t session,
    bool trust);
void tls_client_hold(struct tls_client *tls);

#endif
