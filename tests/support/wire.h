#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gnutls_session_int;

/*
 * The client's end of a non-blocking connection, in the clear and later under
 * TLS with whoever answers, for load and for tests that need thousands.
 */
struct wire {
	int fd;                         /* owned; -1: closed */
	struct gnutls_session_int *tls; /* owned; NULL in the clear */
};

enum {
	WIRE_OK = 0,
	WIRE_WAIT = 0,   /* of a read or write: nothing now */
	WIRE_AGAIN = -1, /* of a handshake: go on when it is ready */
	WIRE_END = -2,   /* closed, or broken */
};

void wire_init(struct wire *wire);
/* Begins to connect to 127.0.0.1; from: 0.0.0.0 for what the kernel takes. */
bool wire_dial(struct wire *wire, struct in_addr from, uint16_t port);
void wire_close(struct wire *wire);
/* Bytes done, WIRE_WAIT or WIRE_END. */
ssize_t wire_read(struct wire *wire, char *into, size_t room);
ssize_t wire_write(struct wire *wire, const char *from, size_t len);
/* There is input that poll() cannot see. */
bool wire_pending(const struct wire *wire);

/* From here on under TLS; then wire_handshake() until it is not WIRE_AGAIN. */
void wire_start_tls(struct wire *wire);
ssize_t wire_handshake(struct wire *wire);
bool wire_is_tls(const struct wire *wire);
/* POLLIN or POLLOUT, during the handshake. */
short wire_wants(const struct wire *wire);

#endif
