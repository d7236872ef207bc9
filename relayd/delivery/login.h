#ifndef LOGIN_H
#define LOGIN_H

#include "base/buf.h"

/*
 * User and password for a provider's smarthost, from a file of two lines that
 * nobody but its owner and group may read.
 */
struct login {
	unsigned holders;
	char *user;     /* owned */
	char *password; /* owned; wiped at the end */
};

enum {
	LOGIN_TEXT_MAX = 500, /* bytes of each */
};

/* NULL with the reason in why, which names the file and nothing from within. */
struct login *login_load(const char *file, struct buf *why);
/* Connections that use it keep it alive until they end. */
struct login *login_hold(struct login *login);
void login_free(struct login *login);

#endif
