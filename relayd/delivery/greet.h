#ifndef GREET_H
#define GREET_H

#include "relayd/delivery/steps.h"

/* The steps from nothing to READY; steps.c has their table. */

/*
 * Is it TLS that this session stumbles over, and may it do without?  The reply
 * to STARTTLS, or under TLS the first one: a server of TLS 1.3 that does not
 * like us hangs up after our end of the handshake (RFC 8446 4.6.2, 6.2).
 */
bool greet_blames_tls(const struct client *client);
/* In the clear, where that is allowed; else the end. */
enum step greet_tls_failed(struct client *client, const char *error);
/* Makes the TCP connection, anew if need be: CONNECT or GONE. */
enum step greet_connect(struct client *client);
enum step greet_go_connect(struct client *client);
enum step greet_hear_banner(struct client *client, const struct reply *reply);
void greet_ask_ehlo(struct client *client);
void greet_ask_helo(struct client *client);
enum step greet_hear_ehlo(struct client *client, const struct reply *reply);
enum step greet_hear_helo(struct client *client, const struct reply *reply);
void greet_ask_starttls(struct client *client);
enum step greet_hear_starttls(struct client *client, const struct reply *reply);
void greet_ask_handshake(struct client *client);
enum step greet_go_handshake(struct client *client);

#endif
