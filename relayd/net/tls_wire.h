#ifndef TLS_WIRE_H
#define TLS_WIRE_H

#include "stream.h"
#include "tls.h"

/*
 * The TLS half of a stream: one GnuTLS session over a descriptor that
 * belongs to the stream.  It answers in the stream's four words.
 */
struct tls_wire;

struct tls_wire *tls_wire_server(int fd, struct tls_server *tls);
struct tls_wire *tls_wire_client(int fd, struct tls_client *tls,
    const struct tls_expect *expect);
/* Says goodbye as far as the socket takes it now. */
void tls_wire_free(struct tls_wire *wire);

enum io tls_wire_handshake(struct tls_wire *wire);
/* One record's worth at most; *got is set with IO_OK. */
enum io tls_wire_read(struct tls_wire *wire, char *to, size_t room,
    size_t *got);
/* Bytes are there that poll() cannot see. */
bool tls_wire_pending(const struct tls_wire *wire);
/*
 * Sends the head of bytes; *sent (with IO_OK) is how much of it has left us.
 * After IO_WAIT the same bytes must be offered again, more behind them or
 * not: their record is made and waits for the socket.
 */
enum io tls_wire_write(struct tls_wire *wire, struct span bytes, size_t *sent);
void tls_wire_shutdown(struct tls_wire *wire);

short tls_wire_wants(const struct tls_wire *wire);
const char *tls_wire_error(const struct tls_wire *wire);
void tls_wire_facts(const struct tls_wire *wire, struct tls_facts *facts);

#endif
