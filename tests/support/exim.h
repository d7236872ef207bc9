#ifndef EXIM_H
#define EXIM_H

#include <stdint.h>

/*
 * An Exim of the test's own, unpacked below build/ and run from a folder of
 * its own on 127.0.0.1: it offers STARTTLS, PIPELINING, CHUNKING, PRDR, DSN
 * and a SIZE of EXIM_SIZE, takes everything but for never@ (550) and later@
 * (451), and keeps each message in a file.  It needs root.
 */
struct exim;

enum {
	EXIM_SIZE = 100 * 1024
};

/* Started; every failure fails the test. */
struct exim *exim_new(void);
void exim_free(struct exim *exim);
uint16_t exim_port(const struct exim *exim);
/* The file of the CA that its certificate, for 127.0.0.1, is from. */
const char *exim_authority(const struct exim *exim);
/* How many messages it has kept whose file holds this text. */
int exim_kept(const struct exim *exim, const char *text);

#endif
