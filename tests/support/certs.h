#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>

#include "domains/ip.h"

/*
 * Certificates for tests, made on the spot in a folder that the end removes.
 * Every failure fails the test.
 */
struct certs;

enum {
	CERTS_PATH_MAX = 128
};

/* What a certificate says; all zero is one that names nobody, good today. */
struct certs_wish {
	const char *dns; /* a name, or NULL */
	const char *ip;  /* an address, or NULL */
	bool expired;
	bool for_clients; /* extended key usage: not for servers */
	bool self_signed; /* not by our CA */
	bool rsa;         /* a key of that kind; otherwise ECDSA */
};

/* Makes the folder and a CA: ca.pem. */
struct certs *certs_new(void);
/* Removes the folder and what is in it. */
void certs_free(struct certs *certs);
/* Makes NAME.pem and NAME.key. */
void certs_issue(struct certs *certs, const char *name,
    const struct certs_wish *wish);
/* The path of a file; valid until the call after the next seven. */
const char *certs_path(const struct certs *certs, const char *file);

#endif
