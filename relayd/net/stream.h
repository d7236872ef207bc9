#ifndef STREAM_H
#define STREAM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/*
 * A connected socket, in the clear or under TLS, that answers in four words.
 * It never blocks and knows nothing of the loop: its owner watches stream_fd()
 * for stream_events().
 */
struct ip;
struct stream;
struct tls_server; /* certificates of one listener (tls.h) */
struct tls_client; /* what a next hop must show (tls.h) */

enum io {
	IO_OK,   /* something was done */
	IO_WAIT, /* not now: poll for stream_events() */
	IO_EOF,  /* the peer has closed its side (read only) */
	IO_ERROR /* stream_error() says what */
};

/* Takes a connected or connecting non-blocking socket; TCP_NODELAY is set. */
struct stream *stream_new(int fd);
/* Frees and closes; no TLS goodbye beyond what fits the socket now. */
void stream_free(struct stream *stream);
int stream_fd(const struct stream *stream);

/*
 * Reads until EAGAIN or in is at its ceiling; at most about budget bytes.
 * *more is set when input is left that poll() cannot see: watch->again.
 * IO_OK when bytes came (the end, if any, is told next time).
 */
enum io stream_read(struct stream *stream, struct buf *in, size_t budget,
    bool *more);
/*
 * Writes and eats the head of out; IO_OK when out is empty afterwards.  After
 * IO_WAIT the same bytes stand in front of out at the next call (more may be
 * added behind them), and no file is sent before that.
 */
enum io stream_write(struct stream *stream, struct buf *out);
/*
 * Sends *len bytes of a file from *at on (sendfile(2) in the clear), advancing
 * both; at most about budget bytes.  IO_OK when *len is 0
 * afterwards or the budget is used.  After IO_WAIT it goes on with the same file.
 */
enum io stream_sendfile(struct stream *stream, int file, uint64_t *at,
    uint64_t *len, size_t budget);
/* More will follow at once: cork (true) and uncork (TCP_CORK, gnutls_record_cork). */
void stream_cork(struct stream *stream, bool on);
/* Half-close: we write no more. */
void stream_shutdown(struct stream *stream);
/* What the last IO_WAIT waits for (TLS may want the other direction): POLLIN or POLLOUT, 0 when nothing. */
short stream_wants(const struct stream *stream);
/* Text for the last IO_ERROR: errno or GnuTLS, without control characters. */
const char *stream_error(const struct stream *stream);

/* What an outgoing connection must show. */
struct tls_expect {
	bool verify;         /* false: encrypt with whoever answers */
	const char *name;    /* SNI and the name to check; NULL: no SNI */
	const struct ip *ip; /* with name NULL: the address to check */
};

/*
 * TLS: arm one side, then call stream_handshake() until it is not IO_WAIT.
 * Buffered plaintext must have been dropped or refused by the caller before.
 */
void stream_tls_server(struct stream *stream, struct tls_server *tls);
void stream_tls_client(struct stream *stream, struct tls_client *tls,
    const struct tls_expect *expect);
enum io stream_handshake(struct stream *stream);
bool stream_is_tls(const struct stream *stream);
/* "TLS1.3 ECDHE-X25519 AES-256-GCM verified" style facts: version, cipher, bits. */
struct tls_facts {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];
	unsigned bits;
	bool verified; /* client side: chain and name */
	bool resumed;
	char server_name[256]; /* SNI, "" without */
};
void stream_tls_facts(const struct stream *stream, struct tls_facts *facts);

#endif
