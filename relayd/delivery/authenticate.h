#ifndef AUTHENTICATE_H
#define AUTHENTICATE_H

#include "relayd/delivery/steps.h"

/* The steps of AUTH (RFC 4954), between EHLO under TLS and READY. */

/* The step that logs in, by what the next hop offers; or the end. */
enum step authenticate(struct client *client);
/* PLAIN (RFC 4616), all in one line. */
void authenticate_ask_plain(struct client *client);
/* LOGIN, which no RFC describes: user and password, each when asked for. */
void authenticate_ask_login(struct client *client);
void authenticate_ask_user(struct client *client);
void authenticate_ask_password(struct client *client);
enum step authenticate_hear_challenge(struct client *client,
    const struct reply *reply);
enum step authenticate_hear_end(struct client *client,
    const struct reply *reply);

#endif
