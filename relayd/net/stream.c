/*
 * stream - a connected socket, in the clear or under TLS.
 *
 * Job:     read, write and send files without blocking, in four words.
 * Called:  by sessions of both sides, when the loop says so.
 * Owns:    the descriptor, and the TLS wire over it.
 * Never:   blocks, waits, or knows the loop; never reads more than it was
 *          given room for.
 */
#include "stream.h"

#include <sys/sendfile.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tls_wire.h"

enum {
	/*
	 * What a read makes room for: the power of two, less the byte that
	 * buf keeps, that a first read of a message body can use.
	 */
	ROOM = 16383,
	ROOM_LEAST = 4096,      /* behind bytes that are there already */
	RECORD = 16384,         /* RFC 8446 5.1 */
	SENDFILE_MAX = 1 << 30, /* sendfile(2) takes no more at once */
};

/* Whose bytes are in the record that waits for the socket. */
enum record_of {
	NOBODY,
	BUFFER,
	FILE_BYTES,
};

struct stream {
	int fd;                 /* owned */
	struct tls_wire *wire;  /* owned; NULL in the clear */
	bool established;       /* the handshake is over */
	bool corked;            /* more will follow at once */
	bool held;              /* the kernel holds bytes back for that */
	bool cork_set;          /* TCP_CORK is on */
	enum record_of waiting; /* the wire's record, made but not sent */
	short wants;
	enum io end;       /* IO_EOF or IO_ERROR once a read has found it */
	const char *error; /* static, or the wire's */
};

static void
option(const struct stream *stream, int name, int value)
{
	/* Not TCP (a socketpair in a test): no matter. */
	setsockopt(stream->fd, IPPROTO_TCP, name, &value, sizeof(value));
}

struct stream *
stream_new(int fd)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->fd = fd;
	stream->error = "";
	option(stream, TCP_NODELAY, 1);
	return stream;
}

void
stream_free(struct stream *stream)
{
	if (stream == NULL)
		return;
	tls_wire_free(stream->wire);
	close(stream->fd);
	free(stream);
}

int
stream_fd(const struct stream *stream)
{
	return stream->fd;
}

/* The verdict on a system call that returned -1. */
static enum io
refused(struct stream *stream, short direction)
{
	int error = errno;

	if (error == EAGAIN || error == EWOULDBLOCK) {
		stream->wants = direction;
		return IO_WAIT;
	}
	stream->error = strerrordesc_np(error);
	if (stream->error == NULL)
		stream->error = "unknown error";
	return IO_ERROR;
}

/* The same for the wire's. */
static enum io
heard(struct stream *stream, enum io io)
{
	if (io == IO_WAIT)
		stream->wants = tls_wire_wants(stream->wire);
	else if (io == IO_ERROR)
		stream->error = tls_wire_error(stream->wire);
	return io;
}

static enum io
receive(struct stream *stream, char *to, size_t room, size_t *got)
{
	ssize_t count;

	if (stream->wire != NULL)
		return heard(stream,
		    tls_wire_read(stream->wire, to, room, got));
	do
		count = recv(stream->fd, to, room, 0);
	while (count == -1 && errno == EINTR);
	if (count == -1)
		return refused(stream, POLLIN);
	*got = (size_t)count;
	return count == 0 ? IO_EOF : IO_OK;
}

/*
 * True when a read of got bytes has surely left nothing behind: the socket
 * gave less than there was room for, and a TLS wire has nothing decrypted.
 */
static bool
drained(const struct stream *stream, size_t got, size_t room)
{
	return stream->wire == NULL && got < room;
}

enum io
stream_read(struct stream *stream, struct buf *in, size_t budget, bool *more)
{
	enum io io = stream->end;
	size_t got, room, total = 0;
	char *to;

	*more = false;
	while (io == IO_OK && total < budget) {
		to = buf_room(in, in->len == 0 ? ROOM : ROOM_LEAST, &room);
		if (to == NULL)
			break;
		if (room > budget - total)
			room = budget - total;
		io = receive(stream, to, room, &got);
		if (io != IO_OK)
			break;
		buf_grew(in, got);
		total += got;
		if (drained(stream, got, room))
			break;
	}
	if (io == IO_EOF || io == IO_ERROR)
		stream->end = io;
	if (io == IO_OK && stream->wire != NULL)
		*more = tls_wire_pending(stream->wire);
	/* What came before the end is served first. */
	if (total > 0) {
		*more = *more || stream->end != IO_OK;
		return IO_OK;
	}
	if (in->len == 0)
		buf_release(in); /* an idle connection holds no buffer */
	return io;
}

static enum io
transmit(struct stream *stream, struct span bytes, size_t *sent)
{
	ssize_t count;
	int flags = MSG_NOSIGNAL | (stream->corked ? MSG_MORE : 0);

	if (stream->wire != NULL) {
		/* Under TLS there is no MSG_MORE. */
		if (stream->corked && !stream->cork_set) {
			option(stream, TCP_CORK, 1);
			stream->cork_set = true;
		}
		return heard(stream, tls_wire_write(stream->wire, bytes, sent));
	}
	do
		count = send(stream->fd, bytes.data, bytes.len, flags);
	while (count == -1 && errno == EINTR);
	if (count == -1)
		return refused(stream, POLLOUT);
	stream->held = stream->corked;
	*sent = (size_t)count;
	return IO_OK;
}

/* A record that waits for the socket cannot be overtaken by other bytes. */
static enum io
out_of_turn(struct stream *stream)
{
	stream->error = "written while other bytes wait";
	return IO_ERROR;
}

enum io
stream_write(struct stream *stream, struct buf *out)
{
	size_t sent;
	enum io io;

	if (stream->waiting == FILE_BYTES)
		return out_of_turn(stream);
	while (out->len > 0) {
		io = transmit(stream, buf_span(out), &sent);
		stream->waiting = io == IO_WAIT ? BUFFER : NOBODY;
		if (io != IO_OK)
			return io;
		buf_eat(out, sent);
	}
	return IO_OK;
}

/* Under TLS the bytes pass through us, a record at a time. */
static enum io
send_records(struct stream *stream, int file, uint64_t *at, uint64_t *len,
    size_t budget)
{
	char record[RECORD];
	struct span bytes = { record, 0 };
	size_t sent, total = 0, want;
	ssize_t count;
	enum io io;

	if (stream->waiting == BUFFER)
		return out_of_turn(stream);
	while (*len > 0 && total < budget) {
		want = *len < RECORD ? (size_t)*len : RECORD;
		if (stream->waiting == NOBODY) {
			count = pread(file, record, want, (off_t)*at);
			if (count == -1)
				return refused(stream, 0);
			bytes.len = (size_t)count;
			if (count == 0)
				return IO_EOF;
		}
		io = transmit(stream, bytes, &sent);
		stream->waiting = io == IO_WAIT ? FILE_BYTES : NOBODY;
		if (io != IO_OK)
			return io;
		*at += sent;
		*len -= sent;
		total += sent;
	}
	return IO_OK;
}

/* In the clear they go from the page cache to the socket. */
static enum io
send_pages(struct stream *stream, int file, uint64_t *at, uint64_t *len,
    size_t budget)
{
	size_t total = 0, want;
	ssize_t count;
	off_t offset;

	while (*len > 0 && total < budget) {
		want = *len < SENDFILE_MAX ? (size_t)*len : SENDFILE_MAX;
		if (want > budget - total)
			want = budget - total;
		offset = (off_t)*at;
		count = sendfile(stream->fd, file, &offset, want);
		if (count == -1 && errno == EINTR)
			continue;
		if (count == -1)
			return refused(stream, POLLOUT);
		if (count == 0)
			return IO_EOF;
		*at += (uint64_t)count;
		*len -= (uint64_t)count;
		total += (size_t)count;
	}
	return IO_OK;
}

enum io
stream_sendfile(struct stream *stream, int file, uint64_t *at, uint64_t *len,
    size_t budget)
{
	enum io io;

	if (stream->wire != NULL) {
		io = send_records(stream, file, at, len, budget);
	} else {
		/* sendfile(2) has no MSG_MORE. */
		if (stream->corked && !stream->cork_set) {
			option(stream, TCP_CORK, 1);
			stream->cork_set = true;
		}
		io = send_pages(stream, file, at, len, budget);
	}
	if (io == IO_EOF) {
		stream->error = "file is shorter than promised";
		return IO_ERROR;
	}
	return io;
}

void
stream_cork(struct stream *stream, bool on)
{
	stream->corked = on;
	if (on || (!stream->held && !stream->cork_set))
		return;
	/* Also pushes what MSG_MORE held back: tcp(7). */
	option(stream, TCP_CORK, 0);
	stream->held = false;
	stream->cork_set = false;
}

void
stream_shutdown(struct stream *stream)
{
	if (stream->wire != NULL)
		tls_wire_shutdown(stream->wire);
	shutdown(stream->fd, SHUT_WR);
}

short
stream_wants(const struct stream *stream)
{
	return stream->wants;
}

const char *
stream_error(const struct stream *stream)
{
	return stream->error;
}

void
stream_tls_server(struct stream *stream, struct tls_server *tls)
{
	assert(stream->wire == NULL);
	stream_cork(stream, false);
	stream->wire = tls_wire_server(stream->fd, tls);
}

void
stream_tls_client(struct stream *stream, struct tls_client *tls,
    const struct tls_expect *expect)
{
	assert(stream->wire == NULL);
	stream_cork(stream, false);
	stream->wire = tls_wire_client(stream->fd, tls, expect);
}

enum io
stream_handshake(struct stream *stream)
{
	enum io io;

	assert(stream->wire != NULL);
	io = heard(stream, tls_wire_handshake(stream->wire));
	stream->established = io == IO_OK;
	if (io == IO_ERROR)
		stream->end = io;
	return io;
}

bool
stream_is_tls(const struct stream *stream)
{
	return stream->established;
}

void
stream_tls_facts(const struct stream *stream, struct tls_facts *facts)
{
	*facts = (struct tls_facts){ .bits = 0 };
	if (stream->wire != NULL)
		tls_wire_facts(stream->wire, facts);
}
